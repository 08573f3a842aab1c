"""What people do at a car, and what can be measured at it."""

from datetime import timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from simulator.car.body import check_body
from simulator.car.command_table import REST_COMMANDS, CommandReply
from simulator.car.journey import Place
from simulator.car.power import Supply
from simulator.car.systems import Systems

#: A bound of this simulator; Tesla's own is not documented.
MAX_NAME = 50


def zone_of(name: str | None, utc_offset: int) -> tzinfo:
    """Return a time zone by its name, or one that is so many seconds ahead of UTC all year."""
    return ZoneInfo(name) if name else timezone(timedelta(seconds=utc_offset))


class CarAtHand:
    """A car as somebody has it who stands at it: cable, wheel, app, and a meter in front of the cable."""

    _systems: Systems

    def rename(self, name: str) -> None:
        """Give it another name, as its owner does in the app. Raises ValueError for more than MAX_NAME characters."""
        if len(name) > MAX_NAME:
            raise ValueError(f"a name has at most {MAX_NAME} characters")
        self._systems.name = name

    def plug_in(self, max_amps: int = 16, phases: int = 3, *, powered: bool = True) -> None:
        """Put in a cable that offers so much; a new session starts by itself unless a schedule forbids it."""
        systems = self._attended()
        if systems.journey.driving:
            raise RuntimeError("a moving car cannot be plugged in")
        systems.charging.plug_in(Supply(max_amps=max_amps, phases=phases, powered=powered))
        systems.keeper.plugged_in(systems.settled_until)

    def plug_in_fast(
        self, kw: float = 150.0, *, charger: str = "Supercharger", brand: str = "Tesla"
    ) -> None:
        """Put in the cable of a fast charger; its kind is named as in fast_charger_type."""
        supply = Supply(max_amps=0, phases=0, fast_kw=kw, fast_charger=charger, brand=brand)
        systems = self._attended()
        systems.charging.plug_in(supply)
        systems.keeper.plugged_in(systems.settled_until)

    def save_place(self, name: Literal["work", "favorite"], place: tuple[float, float]) -> None:
        """Have the driver's profile know a place."""
        self._systems.journey.saved[name] = Place(*place)

    def unplug(self) -> None:
        """Take the cable out."""
        _unplug(self._attended())

    def set_power(self, powered: bool) -> None:
        """Let the wall connector lose or regain power; power that returns wakes the car up."""
        systems = self._attended() if powered else self._settled()
        systems.charging.set_powered(powered)

    def drive_away(self, latitude: float, longitude: float, *, speed_mph: float = 40.0) -> None:
        """Set off towards a place; a cable is taken out first."""
        systems = self._attended()
        if systems.port.supply:
            _unplug(systems)
        systems.port.close()
        systems.keeper.conditioning = None
        systems.journey.set_off(Place(latitude, longitude), speed_mph=speed_mph)

    def arrive_home(self) -> None:
        """Be parked at home at once, with the miles and the energy that took."""
        systems = self._attended()
        systems.battery.add(-systems.journey.go_home() * systems.battery.kwh_per_mile)

    def set_battery_level(self, percent: float) -> None:
        """Set the state of charge."""
        battery = self._settled().battery
        battery.energy_kwh = battery.capacity_kwh * percent / 100

    def set_battery_temperature(self, celsius: float) -> None:
        """Set the battery's temperature; below 5 °C some of its energy is withheld."""
        self._settled().battery.temperature_c = celsius

    def in_app(self, name: str, /, **body: object) -> CommandReply:
        """Do in Tesla's own app what a command does: the car wakes up for it, nobody is billed, no log tells it."""
        command = REST_COMMANDS[name]
        systems = self._attended()
        reason = command.handler(systems, check_body(command.body, body))
        return CommandReply(result=not reason, reason=reason)

    # -- what can be measured -----------------------------------------------------------------

    @property
    def ac_kw(self) -> float:
        """The power that it draws from the wall at this moment, in kW; what a house's meter sees of it."""
        return self._settled().charging.flow.ac_kw

    @property
    def ac_kwh(self) -> float:
        """All energy that it drew from the wall, cable by cable, in kWh."""
        return self._settled().charging.meter.kwh

    def ac_kwh_between(self, since: float, until: float) -> float:
        """Return the energy it drew between two moments of `clock.physics()` that are over, exact to rounding."""
        return self._settled().charging.meter.kwh_between(since, until)

    @property
    def charged_kwh(self) -> float:
        """What really went into the battery since the car was delivered; never less than before."""
        return self.charged_home_kwh + self.charged_away_kwh

    @property
    def charged_home_kwh(self) -> float:
        """The part of `charged_kwh` that was charged at home."""
        return self._settled().charged_home_kwh

    @property
    def charged_away_kwh(self) -> float:
        """The part of `charged_kwh` that was charged elsewhere."""
        return self._settled().charged_away_kwh

    # -- the surroundings ---------------------------------------------------------------------

    @property
    def time_zone(self) -> tzinfo:
        """The time zone in which it is."""
        return self._systems.zone

    @time_zone.setter
    def time_zone(self, name: str) -> None:
        self._settled().zone = ZoneInfo(name)

    def set_solar_surplus(self, kw: float | None) -> None:
        """Let its site say how much power (kW) the sun leaves; None: it says nothing any more."""
        systems = self._settled()
        if kw is None and systems.solar.surplus_kw is not None:
            systems.solar.silent_since = systems.settled_at
        systems.solar.surplus_kw = kw

    def _settled(self) -> Systems:
        self._systems.settle()
        return self._systems

    def _attended(self) -> Systems:
        """Return the systems of a car somebody is standing at: it is awake."""
        systems = self._settled()
        systems.wakefulness.wake_at_once()
        return systems


def _unplug(systems: Systems) -> None:
    systems.keeper.remember_amps()
    systems.charging.unplug()
