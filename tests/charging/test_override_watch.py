"""A car is watched for what a person does: what is not known, and what the car does by itself, is nobody's wish."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging.charging.car_record import CarRecord
from custom_components.tesla_charging.charging.hand_over import STEP, hand_over, wanted_schedules
from custom_components.tesla_charging.charging.override import Override, OverrideKind
from custom_components.tesla_charging.charging.override_watch import OverrideWatch
from custom_components.tesla_charging.smart_charging.series import Window
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING = datetime(2026, 11, 17, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NIGHT = Window(EVENING + 3 * HOUR, EVENING + 6 * HOUR)
LATER = Window(EVENING + 5 * HOUR, EVENING + 8 * HOUR)
LONGER = Window(NIGHT.start, NIGHT.end + 2 * HOUR)


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    """Home Assistant is in Amsterdam."""
    before = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(AMSTERDAM)
    yield
    dt_util.set_default_time_zone(before)


def car(charge_state: str, level: float = 50, limit: float = 80) -> VehicleState:
    """Return the state of a car."""
    values: dict[str, str | float] = {
        "DetailedChargeState": charge_state,
        "Soc": level,
        "ChargeLimitSoc": limit,
    }
    at = EVENING.timestamp()
    return VehicleState({name: Reading(value, at) for name, value in values.items()})


def agreed(block: Window, *, held: Window | None = None) -> CarRecord:
    """Return the record of a plan with a block; the car may hold another."""
    schedules = wanted_schedules(
        [block if held is None else held], EVENING, AMSTERDAM, (52.0, 4.4), STEP
    ).schedules
    return CarRecord(blocks=(block,), target=80, held=hand_over(schedules, ()).held)


def seen(record: CarRecord, now: datetime, *states: VehicleState) -> CarRecord:
    """Return the record after a car was seen in these states."""
    watch = OverrideWatch(states[0])
    for state in states[1:]:
        record = watch.noted(state, record, now, at_home=True)
    return record


def test_a_state_that_is_not_known_ends_no_wish() -> None:
    """Not known is not unplugged: after a restart, or a lost connection."""
    record = replace(
        agreed(NIGHT), override=Override(OverrideKind.CHARGE, EVENING.timestamp()), paused=True
    )
    nothing = VehicleState()
    assert seen(record, EVENING, nothing, nothing) == record
    assert seen(record, EVENING, car("Charging"), nothing, car("Charging")) == record
    after = seen(record, EVENING, car("Charging"), car("Disconnected"))
    assert (after.override, after.paused) == (None, False)


def test_a_car_that_starts_by_an_older_schedule_of_ours_was_not_started_by_hand() -> None:
    """The plan was changed while it slept, so that it was not told."""
    record = agreed(LATER, held=NIGHT)
    for minutes in (-2, 0, 10, 100):
        now = NIGHT.start + minutes * MINUTE
        assert seen(record, now, car("Stopped"), car("Charging")).override is None
    by_hand = seen(record, NIGHT.start - HOUR, car("Stopped"), car("Charging")).override
    assert by_hand is not None


def test_a_car_that_ends_by_an_older_schedule_of_ours_was_not_stopped_by_hand() -> None:
    """The plan became longer, and the car could not be told: the departure is still to be met."""
    record = agreed(LONGER, held=NIGHT)
    assert seen(record, NIGHT.end + MINUTE, car("Charging"), car("Stopped")).override is None
    stopped = seen(record, NIGHT.end - HOUR, car("Charging"), car("Stopped")).override
    assert stopped is not None


def test_who_stops_the_last_minutes_of_a_block_is_heard() -> None:
    """Else the next plan would begin again at once."""
    record = agreed(NIGHT)
    now = NIGHT.end - 10 * MINUTE
    override = seen(record, now, car("Charging"), car("Stopped")).override
    assert override is not None
    assert override.kind is OverrideKind.STOP


def test_a_start_by_hand_is_over_at_a_limit_below_the_target() -> None:
    """Else no plan would come until the car is unplugged."""
    record = replace(
        agreed(NIGHT), target=90, override=Override(OverrideKind.CHARGE, EVENING.timestamp())
    )
    assert seen(record, EVENING, car("Charging", 79), car("Complete", 79.5)).override is None


def test_a_car_that_has_moved_was_unplugged() -> None:
    """Also while Home Assistant was stopped: yesterday's pause would miss today's departure."""
    record = replace(
        agreed(NIGHT),
        paused=True,
        override=Override(OverrideKind.STOP, EVENING.timestamp()),
        odometer=1000.0,
    )
    for miles, ends in ((1000.0, False), (1012.5, True)):
        state = car("Stopped")
        state = VehicleState({**state.readings, "Odometer": Reading(miles, EVENING.timestamp())})
        after = seen(record, EVENING, state, state)
        assert (after.paused, after.override is None) == (not ends, ends)
