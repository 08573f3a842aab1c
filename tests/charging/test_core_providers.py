"""Every provider that core has an action for: real component, real library, its network answered here."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from custom_components.tesla_charging.charging.price_feed import DATA_ANSWERS
from custom_components.tesla_charging.charging.price_history import PriceHistory
from custom_components.tesla_charging.smart_charging.normalise import Formula
from custom_components.tesla_charging.smart_charging.series import Certainty

from .priced_home import TODAY, PricedHome
from .providers import AMBER, DAY, NORDPOOL, PROVIDERS, Provider

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)


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
    source = await home.read()
    assert source.feeds[0].error == ""
    slots = home.known(TODAY)
    assert [(slot.start, slot.end) for slot in slots] == home.expected(TODAY)
    for slot in slots:
        assert slot.import_price == pytest.approx(provider.per_kwh(slot.start), abs=1.1e-5)


@every_provider
async def test_prices_of_tomorrow_are_there_soon_after_core_can_answer_with_them(
    priced_home: PricedHome, provider: Provider
) -> None:
    home, tomorrow = priced_home, TODAY + DAY
    await home.move_in(provider, at=time(12, 30))
    await home.read()
    published = home.local(TODAY, provider.publishes)
    await home.go_to(published - timedelta(seconds=1))
    if provider is AMBER:  # its forecast knows no days
        return
    assert home.known(tomorrow) == []
    home.market.published.add(tomorrow)
    await home.core_can_answer(published)
    await home.go_to(datetime.now(UTC) + provider.within)
    slots = home.known(tomorrow)
    expected = home.expected(tomorrow)
    assert expected
    assert [(slot.start, slot.end) for slot in slots][: len(expected)] == expected
    for slot in slots:
        assert slot.import_price == pytest.approx(provider.per_kwh(slot.start), abs=1.1e-5)


@every_provider
@pytest.mark.parametrize(
    ("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)], ids=["92", "100"]
)
async def test_a_day_with_a_clock_change_has_all_its_quarters(
    priced_home: PricedHome, provider: Provider, day: date, quarters: int
) -> None:
    if not provider.dst:
        pytest.skip("its integration cannot tell the hours apart that come twice")
    home = priced_home
    await home.move_in(provider, today=day, at=time(0, 5))
    await home.read()
    slots = home.known(day)
    assert len(home.market.slots(day)) == quarters * provider.per_quarters
    lost = provider.lost_quarters if quarters == 92 else 0
    assert len(slots) == quarters * provider.per_quarters - lost
    assert {(slot.start, slot.end) for slot in slots} <= {*home.market.slots(day)}
    for slot in slots:
        assert slot.import_price == pytest.approx(provider.per_kwh(slot.start), abs=1.1e-5)


async def test_estimates_survive_a_restart(priced_home: PricedHome) -> None:
    home = priced_home
    await home.move_in(NORDPOOL, at=time(10))
    settings = await home.proposed()
    source = await home.read(settings, PriceHistory(home.hass, "entry"))
    await source.close()
    home.hass.data.pop(DATA_ANSWERS)
    home.net.down = True
    source = await home.read(settings, PriceHistory(home.hass, "entry"))
    assert source.feeds[0].slots == ()
    start = home.local(TODAY + DAY, time(2))
    (slot,) = (await source.series(start, start + timedelta(minutes=15))).slots
    assert slot.import_price == pytest.approx(NORDPOOL.per_kwh(start - DAY), abs=1e-6)
    assert slot.certainty is Certainty.ESTIMATED


async def test_import_and_export_from_one_source_ask_it_once(priced_home: PricedHome) -> None:
    home = priced_home
    await home.move_in(NORDPOOL, stat_energy_to="sensor.given")
    settings = await home.proposed()
    settings = replace(
        settings,
        imports=replace(settings.imports, formula=Formula(addition=0.1, vat_percent=21)),
        exports=replace(settings.imports, export=True),
    )
    home.calls.clear()
    source = await home.read(settings)
    assert [data["date"] for _, _, data in home.calls] == [TODAY.isoformat()]
    start = home.local(TODAY, time(9))
    (slot,) = (await source.series(start, start + timedelta(minutes=15))).slots
    market = NORDPOOL.per_kwh(start)
    assert slot.export_price == pytest.approx(market, abs=1e-6)
    assert slot.import_price == pytest.approx((market + 0.1) * 1.21, abs=1e-6)


async def test_prices_in_another_unit_than_the_entity_are_refused(priced_home: PricedHome) -> None:
    """The entity says 0.05 a kWh, so 50 a kWh cannot be right, whatever the currency."""
    home = priced_home
    await home.move_in(NORDPOOL)
    settings = await home.proposed()
    state = home.hass.states.get(home.entity_id)
    assert state is not None
    home.hass.states.async_set(home.entity_id, str(float(state.state) * 1000), state.attributes)
    source = await home.read(settings)
    assert source.feeds[0].slots == ()
    assert "not in the same unit" in source.feeds[0].error


@every_provider
async def test_without_an_answer_the_estimates_go_on_and_the_person_is_told_once(
    priced_home: PricedHome, provider: Provider
) -> None:
    home = priced_home
    await home.move_in(provider, at=time(20))
    source = await home.read()
    known = source.feeds[0].slots
    home.net.down = True
    await home.core_fails()
    midnight = home.local(TODAY + DAY, time())
    hours = 27 if provider is AMBER else 3
    await home.go_to(midnight + timedelta(hours=hours), step=timedelta(minutes=5 * hours))
    assert len(home.problems) == 1
    assert home.problems[0] not in {"", "-"}
    assert set(known) <= {*source.feeds[0].slots, *known}
    now = datetime.now(UTC)
    series = await source.series(now, now + timedelta(hours=12))
    assert {slot.certainty for slot in series.slots} == {Certainty.ESTIMATED}
    assert series.slots[-1].end == now + timedelta(hours=12)
    # and it is over by itself
    home.net.down = False
    home.market.published.add(TODAY + DAY)
    await home.core_works()
    await home.go_to(now + timedelta(hours=1), step=timedelta(minutes=15))
    assert home.solved == 1
    assert len(home.problems) == 1


@pytest.mark.parametrize(
    "provider",
    [
        # the schedule itself is tested for all rows in test_schedule.py
        pytest.param(row, id=name, marks=[] if row is NORDPOOL else pytest.mark.soak)
        for name, row in PROVIDERS.items()
    ],
)
async def test_it_is_not_asked_more_often_than_its_row_allows(
    priced_home: PricedHome, provider: Provider
) -> None:
    """From noon to noon, with tomorrow's prices an hour late, and without those of the day after."""
    home = priced_home
    await home.move_in(provider, at=time(12))
    home.calls.clear()
    await home.read()
    await home.go_to(home.local(TODAY, time(13, 45)), step=timedelta(minutes=3))
    home.market.published.add(TODAY + DAY)
    await home.core_can_answer(home.local(TODAY, time(14)))
    await home.go_to(home.local(TODAY + DAY, time(12, 40)), step=timedelta(hours=2))
    await home.go_to(home.local(TODAY + DAY, time(13)), step=timedelta(minutes=4))
    by_day: dict[str, list[datetime]] = {}
    for at, domain, data in home.calls:
        if domain == home.domain:
            by_day.setdefault(str(sorted(data.items())) if provider.per_day else "", []).append(at)
    assert by_day
    for times in by_day.values():
        between = [after - before for before, after in pairwise(times)]
        assert all(gap >= provider.every for gap in between), between
    assert sum(map(len, by_day.values())) <= provider.most_calls
