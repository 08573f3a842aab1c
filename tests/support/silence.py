"""Time that passes while a car that should stream does not, and the issue that comes of it."""

from homeassistant.helpers import issue_registry as ir

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.issues.registry import car_id
from tests.support.home import PEARL, Home

MINUTE, HOUR = 60.0, 3600.0
STEP = 2 * MINUTE


def issue(home: Home) -> ir.IssueEntry | None:
    issue_id = f"telemetry_silent_{car_id(home.hass, PEARL)}"
    return ir.async_get(home.hass).async_get_issue(DOMAIN, issue_id)


async def pass_time(home: Home, seconds: float) -> None:
    """Let minutes pass here and at Tesla, and have the car looked at as often as ever."""
    for _ in range(round(seconds / STEP)):
        home.tesla.clock.advance(STEP)
        await home.poll()
