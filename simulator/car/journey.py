"""Where the car is, and how it gets elsewhere."""

from dataclasses import dataclass
import math

MILES_PER_DEGREE = 69.05
AT_HOME_MILES = 0.06
DRIVER_LINGERS_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, in degrees."""

    latitude: float
    longitude: float

    def miles_to(self, other: Place) -> float:
        """Return the distance to another place; good enough for a day's drive."""
        north = (other.latitude - self.latitude) * MILES_PER_DEGREE
        shrink = math.cos(math.radians((self.latitude + other.latitude) / 2))
        east = (other.longitude - self.longitude) * MILES_PER_DEGREE * shrink
        return math.hypot(north, east)

    def heading_to(self, other: Place) -> int:
        """Return the direction to another place, in degrees from north."""
        shrink = math.cos(math.radians((self.latitude + other.latitude) / 2))
        east = (other.longitude - self.longitude) * shrink
        return round(math.degrees(math.atan2(east, other.latitude - self.latitude))) % 360

    def towards(self, other: Place, share: float) -> Place:
        """Return the place a share of the way along."""
        return Place(
            self.latitude + (other.latitude - self.latitude) * share,
            self.longitude + (other.longitude - self.longitude) * share,
        )


class Journey:
    """Location, odometer and gear. Driving is a straight line at a steady speed."""

    def __init__(self, home: Place, *, odometer_miles: float, at: float) -> None:
        """Begin parked at home."""
        self.home = home
        self.saved: dict[str, Place] = {}
        self.place = home
        self.odometer_miles = odometer_miles
        self.heading = 0
        self.speed_mph = 0.0
        self.active_until = at
        self._destination: Place | None = None
        self._parked_at: float | None = None
        self._at = at

    @property
    def driving(self) -> bool:
        """Whether the car is in gear D."""
        return self._destination is not None

    @property
    def at_home(self) -> bool:
        """Whether the car is parked at home."""
        return self.is_at(self.home)

    def is_at(self, place: Place | None) -> bool:
        """Return whether the car is parked at a place that its driver has saved."""
        return (
            not self.driving and place is not None and self.place.miles_to(place) <= AT_HOME_MILES
        )

    def name_of(self, place: Place) -> str:
        """Return what the driver's profile calls a place: home, work, or other for any that it does not know."""
        known = (("home", self.home), ("work", self.saved.get("work")))
        return next(
            (name for name, at in known if at is not None and at.miles_to(place) <= AT_HOME_MILES),
            "other",
        )

    @property
    def shift_state(self) -> str | None:
        """D while driving, P while the driver may still be around, None (parked, left) afterwards."""
        if self.driving:
            return "D"
        lingers = (
            self._parked_at is not None and self._at - self._parked_at < DRIVER_LINGERS_SECONDS
        )
        return "P" if lingers else None

    def set_off(self, destination: Place, *, speed_mph: float) -> None:
        """Drive to a place."""
        self._destination = destination
        self.speed_mph = speed_mph
        self.heading = self.place.heading_to(destination)

    def go_home(self) -> float:
        """Be at home at once, with the way driven; returns the miles driven."""
        miles = self._move_to(self.home)
        self._park()
        return miles

    def advance(self, to: float) -> float:
        """Let time pass; returns the miles driven meanwhile."""
        seconds, self._at = to - self._at, max(to, self._at)
        if self._destination is None or seconds <= 0:
            return 0.0
        left = self.place.miles_to(self._destination)
        covered = self.speed_mph * seconds / 3600
        if covered < left:
            self.active_until = self._at
            return self._move_to(self.place.towards(self._destination, covered / left))
        self._at = to - (covered - left) / self.speed_mph * 3600
        miles = self._move_to(self._destination)
        self._park()
        self._at = to
        return miles

    def _move_to(self, place: Place) -> float:
        miles = self.place.miles_to(place)
        self.place = place
        self.odometer_miles += miles
        return miles

    def _park(self) -> None:
        self._destination = None
        self.speed_mph = 0.0
        self._parked_at = self.active_until = self._at
