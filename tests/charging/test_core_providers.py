"""Every provider that core has an action for: real component, real library, its network answered here."""


import pytest

from .conftest import TODAY, PricedHome
from .providers import PROVIDERS, Provider

every_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda row: row.name)


@every_provider
async def test_it_is_proposed_from_the_dashboard_and_read(
    priced_home: PricedHome, provider: Provider
) -> None:
    home = priced_home
    await home.move_in(provider)
    settings = (await home.proposed()).imports
    assert settings.kind == provider.name
    assert settings.entity_id == home.entity_id
    assert dict(settings.params) == provider.params
    await home.read()
    slots = home.known(TODAY)
    assert [(slot.start, slot.end) for slot in slots] == home.market.slots(TODAY)
    for slot in slots:
        assert slot.import_price == pytest.approx(provider.per_kwh(slot.start), abs=1e-6)
    assert home.source is not None
    assert home.source.feeds[0].error == ""
