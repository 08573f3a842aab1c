"""What tests of the budget do and look at: money that is gone, the stage, what the owner is told, a command."""

from fractions import Fraction
import math

from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from custom_components.tesla_charging.const import DOMAIN
from tests.support.home import CLIENT_ID, PEARL, Home

WAKE = 0.02
"""The dearest request."""


def spend(home: Home, amount: float) -> None:
    """Put pushed values on the meter and on Tesla's bill until the month has cost so much."""
    assert home.entry is not None
    meter = home.entry.runtime_data.meter
    signals = math.ceil((Fraction(str(amount)) - meter.exact_cost) * 150_000)
    meter.add_signals(PEARL, signals)
    home.tesla.billing.stream(CLIENT_ID, PEARL, signals)


def stage(home: Home) -> str:
    """Return the state of the sensor Budget."""
    return home.account_state("budget").state


def told(home: Home) -> list[str]:
    """Return what the owner is told about the budget, by translation key."""
    return [
        str(issue.translation_key)
        for (domain, _), issue in ir.async_get(home.hass).issues.items()
        if domain == DOMAIN and issue.active and str(issue.translation_key).startswith("budget")
    ]


async def command(
    home: Home, percent: int, user: User | None = None, vin: str | None = None
) -> str:
    """Set the charge limit, as an automation does or by hand; return what went wrong, or nothing."""
    try:
        await home.hass.services.async_call(
            "number",
            "set_value",
            {"entity_id": home.entity_id("number", "charge_limit", vin), "value": percent},
            blocking=True,
            context=Context(user_id=user.id) if user else None,
        )
    except HomeAssistantError as err:
        return err.translation_key or type(err).__name__
    return ""
