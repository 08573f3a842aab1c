"""The page about the actions says what they do now, and each of its examples can be called."""

import re
from typing import Any

from homeassistant.util.yaml import parse_yaml
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.services import ACTIONS
from devtools.docs.action_docs import PAGE, page
from tests.support.home import PEARL, SMART_CHARGING, Home

TEXT = PAGE.read_text()
OLD = {"set_scheduled_charging", "set_scheduled_departure"}
"""Actions for cars with software before 2024.26."""


def section(name: str) -> str:
    """Return what the page has about an action."""
    return TEXT.split(f"\n`{DOMAIN}.{name}`\n")[1].split("\n## ")[0]


def test_the_page_is_current() -> None:
    assert page() == TEXT, "run: python -m devtools.docs.action_docs"


def test_every_action_and_field_is_on_it() -> None:
    for action in ACTIONS:
        assert {str(marker) for marker in action.schema()} <= {
            line.split("`")[1]
            for line in section(action.name).splitlines()
            if line.startswith("| `")
        }


@pytest.mark.parametrize("name", [action.name for action in ACTIONS])
async def test_the_example_can_be_called(home: Home, name: str) -> None:
    home.tesla.wake_with_charging_scope = True
    firmware = "2024.20.9" if name in OLD else "2026.32.6"
    car = home.add_car(PEARL, "Pearl", sleep_after=None, firmware=firmware)
    if name != "close_charge_port":
        car.plug_in()
    await home.set_up(options=SMART_CHARGING)
    (example,) = re.findall(r"```yaml\n(.*?)```", section(name), re.DOTALL)
    step: Any = parse_yaml(example)
    assert step["action"] == f"{DOMAIN}.{name}"
    data = {**step["data"], "device_id": home.device_id()}
    if "schedule_id" in data:
        add = "add_" + name.partition("_")[2]
        fields = (
            {"precondition_time": "07:30"} if "precondition" in name else {"start_time": "02:00"}
        )
        data["schedule_id"] = (await home.act(add, **fields))["vehicles"][0]["schedule_id"]
    answer: Any = await home.hass.services.async_call(
        DOMAIN, name, data, blocking=True, return_response=True
    )
    car_s = answer["vehicles"][0]
    assert car_s.get("outcome", "executed") in {"executed", "already"}, car_s
