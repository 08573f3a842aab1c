"""What happened to a car between two looks: what is an event, what is none, and what is late."""

from dataclasses import dataclass, field
import itertools
import random
from typing import Any

import pytest

from custom_components.tesla_charging.vehicle.charge_events import (
    LATE,
    ChargeEvent,
    ChargeSnapshot,
    Contact,
    DetectedEvent,
    HomeSignal,
    Reason,
    events_between,
    snapshot,
)
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState

NOW = 1_790_000_000.0
MINUTE, HOUR = 60.0, 3600.0


@dataclass
class Watched:
    """A car that is looked at now and then."""

    now: float = NOW
    stream: float | None = None
    in_touch: bool = True
    state: VehicleState = field(default_factory=VehicleState)
    situation: ChargeSnapshot = field(default_factory=ChargeSnapshot)

    def wait(self, seconds: float) -> Watched:
        self.now += seconds
        return self

    def look(self) -> tuple[DetectedEvent, ...]:
        """Look without anything new."""
        located = self.state.value("LocatedAtHome")
        home = HomeSignal("LocatedAtHome", located) if isinstance(located, bool) else None
        before = self.situation
        contact = Contact(self.now, self.in_touch or self.stream is not None, self.stream)
        self.situation = snapshot(before, self.state, home, contact)
        return events_between(before, self.situation, self.state, self.now)

    def hear(self, *, assumed: bool = False, **values: object) -> tuple[DetectedEvent, ...]:
        """Look after the car told something."""
        readings = {
            name: Reading(value, self.now, assumed=assumed)  # type: ignore[arg-type]  # signals
            for name, value in values.items()
        }
        self.state = self.state.merge(readings, now=self.now)
        return self.look()

    def is_now(self, charge: str | None, **more: Any) -> list[str]:
        """Return the names of what happens when the car tells its charging state."""
        return [h.event.value for h in self.hear(DetailedChargeState=charge, **more)]

    def connect(self) -> None:
        self.stream = self.now
        assert self.look() == ()


@pytest.fixture
def car() -> Watched:
    return Watched()


@pytest.mark.parametrize(
    ("words", "events"),
    [
        (["Disconnected", "Stopped"], ["plugged_in"]),
        (["Disconnected", "Starting", "Charging"], ["plugged_in", "charging_started"]),
        (["Disconnected", "Charging"], ["plugged_in", "charging_started"]),
        (["Disconnected", "NoPower", "Charging"], ["plugged_in", "charging_started"]),
        (["Charging", "Complete"], ["charging_complete"]),
        (["Charging", "Stopped"], ["charging_stopped"]),
        (["Charging", "NoPower"], ["charging_interrupted"]),
        (["Charging", "NoPower", "Charging"], ["charging_interrupted", "charging_started"]),
        (["Charging", "Complete", "Disconnected"], ["charging_complete", "unplugged"]),
        (["Stopped", "Charging"], ["charging_started"]),
        # the first word about a car is no event, and neither is silence, nor what says nothing about charging
        (["Charging"], []),
        ([None, "Charging"], []),
        (["Charging", None, "Charging"], []),
        (["Charging", "Starting", "Charging"], []),
        (["Charging", "Calibrating", "Charging"], []),
        (["Charging", "Unheard", "Charging"], []),
        (["Charging", "Starting", "Stopped"], ["charging_stopped"]),
        (["Charging", None, "Unheard", "Complete"], ["charging_complete"]),
        (["Stopped", "Starting", "Stopped"], []),
        # whether it charged in between nobody knows: the limit may have been lowered
        (["Stopped", "Complete"], []),
        (["Disconnected", "Complete"], ["plugged_in"]),
        (["Complete", "Stopped", "Complete"], []),
    ],
    ids=lambda words: "-".join(map(str, words)),
)
def test_what_a_charging_state_after_another_means(
    car: Watched, words: list[str | None], events: list[str]
) -> None:
    assert [event for word in words for event in car.wait(5 * MINUTE).is_now(word)] == events


def test_the_same_said_twice_by_two_roads_happens_once(car: Watched) -> None:
    car.is_now("Stopped", LocatedAtHome=False)
    assert car.wait(1).is_now("Charging", LocatedAtHome=True) == ["charging_started", "came_home"]
    assert car.wait(1).is_now("Charging", LocatedAtHome=True) == []
    assert car.look() == ()


def test_an_older_value_that_comes_late_is_no_event(car: Watched) -> None:
    car.is_now("Charging")
    car.wait(60).is_now("Complete")
    car.state = car.state.merge(
        {"DetailedChargeState": Reading("Charging", car.now - 30)}, now=car.now
    )
    assert car.look() == ()


def test_what_a_command_has_set_is_no_event_until_the_car_tells(car: Watched) -> None:
    car.is_now("Charging")
    assert car.wait(1).hear(assumed=True, DetailedChargeState="Stopped") == ()
    assert car.wait(9).is_now("Stopped") == ["charging_stopped"]
    assert car.wait(1).hear(assumed=True, DetailedChargeState="Starting") == ()
    assert car.wait(9).is_now("Stopped") == []


def test_a_car_that_disobeys_makes_no_event(car: Watched) -> None:
    car.is_now("Charging")
    car.wait(1).hear(assumed=True, DetailedChargeState="Stopped")
    assert car.wait(9).is_now("Charging") == []


# -- how charging ended --------------------------------------------------------------------------------


def test_a_cable_pulled_out_of_a_connected_car_interrupts(car: Watched) -> None:
    car.connect()
    car.is_now("Charging", BatteryLevel=62, ChargeLimitSoc=80, DCChargingEnergyIn=3.5)
    assert car.wait(300).look() == ()
    ended, unplugged = car.wait(300).hear(DetailedChargeState="Disconnected")
    assert (ended.event, ended.reason) == (ChargeEvent.CHARGING_INTERRUPTED, Reason.UNPLUGGED)
    assert ended.as_data() == {
        "battery_level": 62,
        "charge_limit": 80,
        "energy_added": 3.5,
        "reason": "unplugged",
        "late": False,
    }
    assert unplugged.as_data() == {"battery_level": 62, "charge_limit": 80, "late": False}


@pytest.mark.parametrize(("level", "event"), [(62, "charging_stopped"), (80, "charging_complete")])
def test_between_two_polls_somebody_may_have_stopped_it_first(
    car: Watched, level: int, event: str
) -> None:
    car.is_now("Charging", BatteryLevel=60, ChargeLimitSoc=80)
    assert car.wait(300).is_now("Disconnected", BatteryLevel=level) == [event, "unplugged"]


def test_while_the_connection_was_lost_somebody_may_have_stopped_it_too(car: Watched) -> None:
    car.connect()
    car.is_now("Charging", BatteryLevel=60, ChargeLimitSoc=80)
    car.stream = None
    car.wait(600).look()
    car.connect()
    assert car.wait(1).is_now("Disconnected") == ["charging_stopped", "unplugged"]


# -- late ----------------------------------------------------------------------------------------------


def late(happenings: tuple[DetectedEvent, ...]) -> list[bool]:
    return [happening.late for happening in happenings]


def test_a_car_that_sleeps_all_night_is_followed(car: Watched) -> None:
    car.is_now("Stopped", LocatedAtHome=True)
    for _ in range(8 * 30):
        assert car.wait(2 * MINUTE).look() == ()
    assert late(car.hear(DetailedChargeState="Disconnected", LocatedAtHome=False)) == [False] * 2


def test_what_happened_in_a_long_gap_is_told_once_and_called_late(car: Watched) -> None:
    car.is_now("Charging", LocatedAtHome=True)
    car.wait(LATE + 1)
    assert late(car.hear(DetailedChargeState="Complete")) == [True]
    # the other fact comes a moment later, and is no fresher for it
    assert late(car.wait(1).hear(LocatedAtHome=False)) == [True]
    assert car.look() == ()
    # both are followed again
    assert late(car.wait(1).hear(DetailedChargeState="Disconnected", LocatedAtHome=True)) == [
        False,
        False,
    ]


def test_being_in_touch_again_makes_no_gap_good(car: Watched) -> None:
    car.is_now("Stopped")
    car.in_touch = False
    car.wait(5 * HOUR).look()
    car.in_touch = True
    for _ in range(60):
        assert car.wait(2 * MINUTE).look() == ()  # asleep: nobody knows what happened before
    assert late(car.hear(DetailedChargeState="Disconnected")) == [True]


def test_a_reconnected_car_tells_late_what_happened_out_of_reach(car: Watched) -> None:
    car.connect()
    car.is_now("Charging", BatteryLevel=60, ChargeLimitSoc=80)
    car.stream, car.in_touch = None, False
    car.look()
    car.wait(3 * HOUR).connect()
    assert late(car.wait(1).hear(DetailedChargeState="Complete")) == [True]


def test_a_connected_car_that_has_nothing_to_tell_is_followed(car: Watched) -> None:
    car.connect()
    car.is_now("Stopped")
    assert late(car.wait(10 * HOUR).hear(DetailedChargeState="Charging")) == [False]


# -- whereabouts ---------------------------------------------------------------------------------------


def test_another_witness_is_no_homecoming(car: Watched) -> None:
    """The home of the driver's profile and Home Assistant's home zone need not be the same."""
    state = VehicleState(
        {"Location": Reading((52.0, 4.4), NOW), "LocatedAtHome": Reading(True, NOW)}
    )
    contact = Contact(NOW, in_touch=True)
    before = snapshot(ChargeSnapshot(), state, HomeSignal("Location", False), contact)
    after = snapshot(before, state, HomeSignal("LocatedAtHome", True), contact)
    assert events_between(before, after, state, NOW) == ()
    assert after.home == HomeSignal("LocatedAtHome", True)


def test_not_knowing_where_it_is_is_not_being_away(car: Watched) -> None:
    car.hear(LocatedAtHome=True)
    assert car.wait(60).hear(LocatedAtHome=None) == ()
    assert car.wait(60).hear(LocatedAtHome=True) == ()
    (left,) = car.wait(60).hear(LocatedAtHome=False)
    assert left.event is ChargeEvent.LEFT


# -- always --------------------------------------------------------------------------------------------

WORDS = ("Disconnected", "NoPower", "Starting", "Charging", "Complete", "Stopped", "Other", None)


@pytest.mark.parametrize("seed", range(20))
def test_opposites_alternate_whatever_is_said(car: Watched, seed: int) -> None:
    dice = random.Random(seed)
    events: list[str] = []
    for _ in range(400):
        car.wait(dice.choice([1.0, 120.0, 2 * HOUR]))
        car.in_touch = dice.random() < 0.8
        car.stream = dice.choice([None, car.stream, car.now])
        found = car.hear(
            assumed=dice.random() < 0.2,
            DetailedChargeState=dice.choice(WORDS),
            LocatedAtHome=dice.choice([True, False, None]),
        )
        events += [happening.event.value for happening in found]
        assert car.look() == ()
    for pair in (
        {"plugged_in": True, "unplugged": False},
        {"came_home": True, "left": False},
        {
            "charging_started": True,
            "charging_complete": False,
            "charging_stopped": False,
            "charging_interrupted": False,
        },
    ):
        told = [pair[event] for event in events if event in pair]
        assert len(told) > 20
        assert all(one is not two for one, two in itertools.pairwise(told))
