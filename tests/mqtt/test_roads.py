"""Changing how data come from the car: embedded, polling, MQTT; no value is lost on the way."""

from collections import defaultdict
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from tests.support.flows import choose, is_changed, options, submit
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

from .brokers import BASE
from .home import Antenna, over_both_protocols, set_up_mqtt, subscribed

pytestmark = pytest.mark.usefixtures("current_request_with_host")


class Diary:
    """Every state that was written of every entity of the car, but for that of the telemetry itself."""

    def __init__(self, home: Home) -> None:
        self.home = home
        assert home.entry is not None
        registry = er.async_get(home.hass)
        self.entities = {
            entity.entity_id
            for entity in er.async_entries_for_config_entry(registry, home.entry.entry_id)
            if not entity.disabled
            and entity.unique_id.startswith(PEARL)
            and not entity.unique_id.endswith(("_telemetry", "_cost_this_month"))
        }
        self.written: dict[str, list[str]] = defaultdict(list)
        self.asked: set[int] = set()
        """How many requests for data had been made when a value came back."""
        self._cancel = home.hass.bus.async_listen(EVENT_STATE_CHANGED, self._on_change)

    def close(self) -> None:
        self._cancel()

    @callback
    def _on_change(self, event: Event[Any]) -> None:
        state = event.data["new_state"]
        if event.data["entity_id"] not in self.entities or state is None:
            return
        self.written[state.entity_id].append(state.state)
        if state.state != STATE_UNAVAILABLE:
            self.asked.add(self.home.tesla.billing.count(path_contains="vehicle_data"))

    def states(self) -> dict[str, str]:
        states = {entity_id: self.home.hass.states.get(entity_id) for entity_id in self.entities}
        return {entity_id: state.state for entity_id, state in states.items() if state}


async def reconfigured(home: Home, road: str, **entered: str) -> None:
    """Choose another road in the flow, and wait for the reload that follows."""
    entry = home.entry
    assert entry is not None
    before = entry.runtime_data
    result = await choose(home, await options(home, entry), road)
    if result["type"] is FlowResultType.FORM:
        result = await submit(home, result, **entered)
    assert is_changed(result)
    await until(lambda: entry.state is ConfigEntryState.LOADED and entry.runtime_data is not before)


@over_both_protocols
async def test_changing_the_road_loses_nothing_and_nothing_flaps(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    # of a time long ago, and of a car that is not there any more
    await road.publish(
        retain=True, BatteryLevel=5, DetailedChargeState="DetailedChargeStateDisconnected"
    )
    port = free_port()
    home.tesla.telemetry_pace = 20
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.car.plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "charging_state") == "stopped")
    await until(lambda: not road.car.data.assumed)
    # what it still has to say of the end of the charge would come between two looks, if they are far apart
    home.tesla.telemetry(PEARL).hold()
    await until(lambda: road.car._burst_timer is None)
    await home.settle()
    parked = {
        home.entity_id(platform, key)
        for platform, key in (
            ("sensor", "battery_level"),
            ("sensor", "charging_state"),
            ("binary_sensor", "plugged_in"),
            ("binary_sensor", "at_home"),
            ("number", "charge_limit"),
            ("switch", "charging"),
        )
    }

    for choice, entered in (
        ("telemetry_polling", {}),
        ("telemetry_mqtt", {"topic_base": BASE}),
        ("telemetry_polling", {}),
    ):
        diary = Diary(home)
        before = diary.states()
        home.tesla.billing.reset()
        await reconfigured(home, choice, **entered)
        assert diary.states() == before
        # they were there before Tesla was asked for anything that costs
        assert diary.asked == {0}
        if choice == "telemetry_mqtt":
            await subscribed(road)
        await home.settle()
        await home.poll()
        for entity_id, value in before.items():
            away, *back = diary.written[entity_id]
            assert (away, back[0]) == (STATE_UNAVAILABLE, value)
            # a poll may know the current of now; what nobody touched stays, and nothing goes away again
            assert not {STATE_UNAVAILABLE, STATE_UNKNOWN} & set(back[1:]), entity_id
            assert back == [value] or entity_id not in parked, entity_id
        diary.close()
        # of a car that is online one question after a restart, and no more
        assert home.tesla.billing.count(path_contains="vehicle_data") <= 1
        assert len([value for value in before.values() if value != STATE_UNKNOWN]) >= 10
