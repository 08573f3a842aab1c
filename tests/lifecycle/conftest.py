"""A home to reconfigure."""

import pytest

from tests.support.home import HOME_DOMAIN, PEARL, Home


@pytest.fixture
async def settled_home(home: Home, front_door: None) -> Home:
    """A home with a car, set up, whose domain leads to it."""
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    await home.poll()
    return home
