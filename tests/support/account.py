"""The account's list of cars."""

from tests.support.home import Home
from tests.support.waiting import until

MINUTE = 60.0


async def list_now(home: Home) -> None:
    """Have the list read while every connection lives on its own clock: as if a car was not found."""
    assert home.entry is not None
    home.tesla.clock.advance(16 * MINUTE)
    before = lists(home)
    home.entry.runtime_data.account.check_soon()
    await until(lambda: lists(home) > before)
    await home.settle()


def lists(home: Home) -> int:
    """Return how often the list was read; an expired token is refused first."""
    return sum(
        line.status == 200 for line in home.tesla.billing.requests if "/products" in line.path
    )
