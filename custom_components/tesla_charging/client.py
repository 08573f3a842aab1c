"""Which Tesla the integration talks to: the real one, unless a developer says otherwise."""

from functools import cache
import os

from .const import LOGGER
from .fleet_api import TESLA, Endpoints, all_under

ENVIRONMENT_VARIABLE = "TESLA_CHARGING_SIMULATOR"


@cache
def active_endpoints() -> Endpoints:
    """Return Tesla's endpoints, or those under the base URL in TESLA_CHARGING_SIMULATOR.

    The variable is for development and demonstrations; nothing else in the integration knows of it.
    """
    base_url = os.environ.get(ENVIRONMENT_VARIABLE)
    if not base_url:
        return TESLA
    LOGGER.warning(
        "%s is set: talking to a SIMULATED Tesla at %s, to no real account and no real car",
        ENVIRONMENT_VARIABLE,
        base_url,
    )
    return all_under(base_url)
