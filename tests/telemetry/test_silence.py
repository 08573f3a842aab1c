"""A car that should push and does not: polled as usual, and after a day its owner is told why."""

from itertools import pairwise

import pytest

from custom_components.tesla_charging.telemetry.silence import Silence
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.silence import HOUR, MINUTE, STEP, issue, pass_time
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

T0 = 1_790_000_000.0


def after(*stretches: tuple[float, bool], every: float = STEP) -> tuple[Silence, float]:
    """Return a silence after stretches of looking (seconds, whether online), and the time then."""
    silence, now = Silence(), T0
    for seconds, online in stretches:
        ends = now + seconds
        while now <= ends:
            silence = silence.check(now, online=online)
            now += every
    return silence, now


@pytest.mark.parametrize(
    ("stretches", "helped"),
    [
        ([(23 * HOUR, True)], False),
        ([(24 * HOUR + STEP, True)], True),
        # a car that is online now and then
        ([(20 * MINUTE, True), (24 * HOUR, False)], True),
        # it may just not have had the time to connect
        ([(10 * MINUTE, True), (48 * HOUR, False)], False),
        ([(10 * MINUTE, True), (24 * HOUR, False), (10 * MINUTE, True)], True),
        ([(72 * HOUR, False)], False),
    ],
)
def test_a_day_of_silence_and_a_quarter_of_an_hour_online(
    stretches: list[tuple[float, bool]], helped: bool
) -> None:
    silence, now = after(*stretches)
    assert silence.is_reportable(now) is helped


def test_gaps_in_the_looking_and_a_clock_that_is_set_back_count_for_nothing() -> None:
    silence, now = after((48 * HOUR, True), every=HOUR)
    assert silence.online == 0.0
    assert not silence.is_reportable(now)
    assert silence.check(T0 - HOUR, online=True).online == 0.0


def test_time_online_only_grows() -> None:
    silence, seen = Silence(), [0.0]
    for number in range(50):
        silence = silence.check(T0 + number * STEP, online=number % 7 != 0)
        seen.append(silence.online)
    assert all(one <= two for one, two in pairwise(seen))


async def test_a_silent_car_is_polled_explained_and_forgiven(
    home: Home, turned_clock: Home
) -> None:
    home.tesla.wake_with_charging_scope = True
    # from the beginning: a pause before the car's next attempt is not shortened once it has begun
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up(telemetry=embedded(port))
    car = home.tesla.telemetry(PEARL)
    await until(lambda: home.state("sensor", "telemetry") in {"configured", "synced"})
    await pass_time(home, STEP)
    home.tesla.billing.reset()
    await pass_time(home, 32 * MINUTE)
    assert home.tesla.billing.count(path_contains="vehicle_data") == 1
    assert home.tesla.billing.count(path_contains="fleet_telemetry_errors") == 0
    assert issue(home) is None
    await pass_time(home, 24 * HOUR)
    found = issue(home)
    assert found is not None
    assert found.translation_key == "telemetry_silent"
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["car"] == "Pearl"
    # the simulated car does not find the host, and has told Tesla so
    assert car.errors
    assert f"`{car.errors[-1].error.body}`" in found.translation_placeholders["errors"]
    assert home.state("sensor", "telemetry_problem") == "reported_by_car"
    assert home.tesla.billing.count(path_contains="fleet_telemetry_errors") == 1
    assert home.tesla.billing.count(path_contains="wake_up") == 0

    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await until(lambda: issue(home) is None)
    assert home.state("sensor", "telemetry_problem") == "none"
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
