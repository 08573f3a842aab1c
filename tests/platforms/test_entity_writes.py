"""A burst of pushes writes each changed entity once, and no other entity (`scripts/bench telemetry` shows the counts)."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from ..support.entity_writes import bursts_of_a_day
from ..support.home import HOME_DOMAIN, PEARL, Home
from ..support.streaming import embedded, free_port
from ..support.waiting import until


@pytest.fixture
async def streaming_home(home: Home) -> AsyncIterator[Home]:
    """A home whose car charges, streams, and tells where it is."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    entry = await home.set_up(telemetry=embedded(port), location=True)
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    await home.settle()
    yield home
    await home.hass.config_entries.async_unload(entry.entry_id)


async def test_a_burst_writes_each_changed_entity_once_and_no_other(
    streaming_home: Home, record_property: Callable[[str, object], None]
) -> None:
    day = await bursts_of_a_day(streaming_home)
    # a computer that is busy with other things may cut a burst in two
    whole = [burst for burst in day if burst.tellings == 1]
    assert len(whole) > len(day) / 2
    for burst in whole:
        record_property(burst.name, f"{burst.values} {len(burst.changed)} {burst.writes.total()}")
        assert burst.writes == Counter(burst.changed), burst.name
    # the day was one: entities of all kinds changed, and stayed as they were while others changed
    assert {entity.split(".")[0] for burst in whole for entity in burst.changed} == {
        "binary_sensor",
        "cover",
        "event",
        "device_tracker",
        "sensor",
        "switch",
    }
