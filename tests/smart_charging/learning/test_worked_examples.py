"""The numbers of docs/learning.md, computed again."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from custom_components.tesla_charging.smart_charging.learning.base_load import BaseLoad
from custom_components.tesla_charging.smart_charging.learning.capacity import Capacity, LevelRise
from custom_components.tesla_charging.smart_charging.learning.delay import Delay
from custom_components.tesla_charging.smart_charging.learning.departures import Departures
from custom_components.tesla_charging.smart_charging.learning.efficiency import Charge, Efficiency
from custom_components.tesla_charging.smart_charging.learning.power import Full, Power
from custom_components.tesla_charging.smart_charging.learning.solar_bias import SolarBias

PAGE = " ".join((Path(__file__).parents[3] / "docs" / "learning.md").read_text().split())
MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def says(*texts: str) -> None:
    for text in texts:
        assert text in PAGE, text


def test_efficiency() -> None:
    efficiency = Efficiency()
    assumed = [f"{efficiency.at(kw).value:.1%}".replace("%", " %") for kw in (11.0, 3.5)]
    says(f"assumed before: {assumed[0]} and {assumed[1]}")
    for charge in ((44, 40.6, 4), (33, 30.6, 3), (22, 20.2, 2), (7, 5.8, 2), (22.2, 20.4, 2)):
        efficiency = efficiency.with_charge(Charge(*charge))
    full, low = (f"{efficiency.at(kw).value * 100:.1f} %" for kw in (11.0, 3.5))
    says(f"At 11 kW **{full}** arrive, at 3.5 kW **{low}**")
    told = efficiency.told().numbers
    says(
        f"{told['percent']} %, standing loss {told['standing_watts']} W, {told['sessions']} charges"
    )


def test_power() -> None:
    power = Power()
    for kwh, hours in ((21.8, 2), (32.8, 3), (43.4, 4)):
        power = power.with_charge(Full(kwh, hours, 16, 3))
    volts = [f"{charge.volts:.1f}" for charge in power.charges]
    says(f"{volts[0]}, {volts[1]} and {volts[2]} V: **{power.watts.value:,.0f} W**")
    says(f"{power.reliable_share:.0%} of it".replace("%", " %"))


def test_capacity() -> None:
    rise = LevelRise().with_reading(20, 0)
    for level, kwh in ((21, 0.5), (26, 4.0), (31, 7.5), (36, 11.0)):
        rise = rise.with_reading(level, kwh)
    assert rise.measured is not None
    capacity, deviation = rise.measured
    says(f"are {10 / capacity * 100:.1f} percent in 10 kWh: **{capacity:.1f} kWh**")
    known = Capacity().with_charge(rise).kwh
    says(
        f"is {deviation * 100:.1f} %",
        f"{known.value:.1f}, between {known.low:.1f} and {known.high:.1f}",
    )


def test_delay() -> None:
    delay = Delay()
    for seconds in (12, 14, 13, 240):
        delay = delay.with_command(seconds)
    says(f"the delay is **{delay.seconds().value:.0f} s**")


def test_base_load() -> None:
    load = BaseLoad(UTC).with_reading(MONDAY, 0.2, now=MONDAY + QUARTER)
    (slot,) = load.forecast(MONDAY + QUARTER, MONDAY + 2 * QUARTER, now=MONDAY + QUARTER).slots
    says(f"00:15 **{slot.median:.0f} W**")


def test_solar_bias() -> None:
    bias, now = SolarBias(), MONDAY
    for day in range(14):
        for hour, share in ((8, 0.4), (10, 0.8), (12, 0.8), (14, 0.8)):
            start = MONDAY + timedelta(days=day, hours=hour)
            now = start + timedelta(hours=1)
            bias = bias.with_hour(start, 2.0, 2 * share, now=now)
    early, noon = (bias.share(hour, now=now).value for hour in (8, 12))
    says(f"the share is **{early:.1f}** at 8 and **{noon:.1f}** at 12")


def test_departures() -> None:
    learnt = Departures(UTC)
    trips = ((410, 18), (420, 20), (425, 22), (430, 24), (435, 26), (450, 40))
    for week, (minute, used) in enumerate(trips):
        left = MONDAY + timedelta(weeks=week, minutes=minute)
        learnt = learnt.with_trip(left, used, now=left + timedelta(hours=9))
    departure = learnt.next_departure(datetime.combine(date(2026, 3, 15), datetime.min.time(), UTC))
    assert departure is not None
    says(f"The quartile is **{departure.at:%H:%M}**, the median {departure.usual:%H:%M}")
    says(
        f"percentile of the use is {departure.need - 5:.1f} %",
        f"charged for **{departure.need:.1f} %**",
    )
    assert departure.confidence == 6 / 8
