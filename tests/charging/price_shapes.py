"""The shapes in which integrations write prices into attributes, as their sources have them: one writer each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
import json
from typing import Any
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
QUARTER, HALF, HOUR = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Priced:
    """A price from a moment on, EUR per kWh."""

    start: datetime
    step: timedelta
    price: float

    @property
    def end(self) -> datetime:
        return self.start + self.step


def prices_of(day: date, step: timedelta = QUARTER, zone: tzinfo = AMSTERDAM) -> list[Priced]:
    """The prices of a local day; each differs from its neighbours."""
    start = datetime.combine(day, time(0), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    count = (end - start) // step
    return [
        Priced(start + i * step, step, round((i * 37 % 100) / 250 + day.day / 1000 - 0.02, 4))
        for i in range(count)
    ]


type Day = Sequence[Priced]


def local(moment: datetime) -> datetime:
    return moment.astimezone(AMSTERDAM)


def hacs_nordpool(today: Day, tomorrow: Day) -> dict[str, Any]:
    def raw(day: Day) -> list[dict[str, Any]]:
        return [{"start": local(p.start), "end": local(p.end), "value": p.price} for p in day]

    return {
        "average": 0.1,
        "unit": "kWh",
        "currency": "EUR",
        "today": [p.price for p in today],
        "tomorrow": [p.price for p in tomorrow],
        "tomorrow_valid": bool(tomorrow),
        "raw_today": raw(today),
        "raw_tomorrow": raw(tomorrow),
        "current_price": 0.1,
        "price_in_cents": False,
    }


def hacs_nordpool_cents(today: Day, tomorrow: Day) -> dict[str, Any]:
    cents = [[Priced(p.start, p.step, p.price * 100) for p in day] for day in (today, tomorrow)]
    return hacs_nordpool(*cents) | {"price_in_cents": True}


def hacs_nordpool_mwh(today: Day, tomorrow: Day) -> dict[str, Any]:
    mwh = [[Priced(p.start, p.step, p.price * 1000) for p in day] for day in (today, tomorrow)]
    return hacs_nordpool(*mwh) | {"unit": "MWh"}


def bare_lists(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {"today": [p.price for p in today], "tomorrow": [p.price for p in tomorrow] or None}


def entsoe(today: Day, tomorrow: Day) -> dict[str, Any]:
    def rows(day: Day) -> list[dict[str, Any]]:
        return [{"time": str(local(p.start)), "price": p.price} for p in day]

    return {
        "prices_today": rows(today),
        "prices_tomorrow": rows(tomorrow),
        "prices": rows([*today, *tomorrow]),
    }


def epex_spot(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "data": [
            {
                "start_time": local(p.start).isoformat(),
                "end_time": local(p.end).isoformat(),
                "price_per_kwh": p.price,
            }
            for p in (*today, *tomorrow)
        ]
    }


def epex_spot_before_3(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "data": [
            {
                "start_time": local(p.start).isoformat(),
                "end_time": local(p.end).isoformat(),
                "price_eur_per_mwh": p.price * 1000,
                "price_ct_per_kwh": p.price * 100,
            }
            for p in (*today, *tomorrow)
        ],
        "price_ct_per_kwh": 10.0,
    }


def octopus(today: Day, tomorrow: Day) -> dict[str, Any]:
    """Both days in one entity, as after both event entities were read."""
    return {
        "event_types": ["octopus_energy_electricity_current_day_rates"],
        "rates": [
            {
                "start": local(p.start),
                "end": local(p.end),
                "value_inc_vat": p.price,
                "is_capped": False,
                "is_intelligent_adjusted": False,
            }
            for p in (*today, *tomorrow)
        ],
        "tariff_code": "E-1R-AGILE",
    }


def energi_data_service(today: Day, tomorrow: Day) -> dict[str, Any]:
    def raw(day: Day) -> list[dict[str, Any]] | None:
        rows = [
            {"hour": local(p.start), "price": p.price, "spot_price": p.price / 2, "vat": 0.01}
            for p in day
        ]
        return rows or None

    return {
        "unit": "kWh",
        "currency": "EUR",
        "tomorrow_valid": bool(tomorrow),
        "raw_today": raw(today),
        "raw_tomorrow": raw(tomorrow),
        "use_cent": False,
        "tariffs": {"additional_tariffs": {"elafgift": 0.9}},
    }


def ge_spot(today: Day, tomorrow: Day) -> dict[str, Any]:
    def rows(day: Day) -> list[dict[str, Any]]:
        return [{"time": local(p.start), "value": p.price} for p in day]

    return {
        "currency": "EUR",
        "area": "NL",
        "source_info": {"active_source": "nordpool"},
        "today_interval_prices": rows(today),
        "tomorrow_interval_prices": rows(tomorrow),
    }


def frank_energie(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "prices": [
            {"from": local(p.start), "till": local(p.end), "price": p.price}
            for p in (*today, *tomorrow)
        ]
    }


def zonneplan_hours(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "forecast": [
            {
                "start_date": local(p.start),
                "datetime": p.start.isoformat(),
                "electricity_price": round(p.price * 1e7),
                "electricity_price_excl_tax": round(p.price * 5e6),
                "sustainability_score": 512,
                "tariff_group": "normal",
            }
            for p in (*today, *tomorrow)
        ]
    }


def zonneplan_before_2026(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "forecast": [
            {
                "electricity_price": round(p.price * 1e7),
                "electricity_price_excl_tax": round(p.price * 5e6),
                "datetime": p.start.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            }
            for p in (*today, *tomorrow)
        ]
    }


def zonneplan_quarters(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "forecast": [
            {
                "start_date": local(p.start),
                "end_date": local(p.end),
                "price_tax_included": {"amount": round(p.price * 1e7), "currency": "EUR"},
                "price_tax_excluded": {"amount": round(p.price * 5e6), "currency": "EUR"},
                "sustainability_score": {"permille": 512},
            }
            for p in (*today, *tomorrow)
        ]
    }


def amber(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "forecasts": [
            {
                "duration": 30,
                "date": str(local(p.start).date()),
                "nem_date": p.end.isoformat(),
                "per_kwh": p.price,
                "spot_per_kwh": p.price / 2,
                "start_time": (p.start + timedelta(seconds=1)).isoformat(),
                "end_time": p.end.isoformat(),
                "renewables": 49,
                "spike_status": "none",
                "descriptor": "low",
            }
            for p in (*today, *tomorrow)
        ],
        "channel_type": "general",
    }


def tibber_answer(today: Day, tomorrow: Day) -> dict[str, Any]:
    """A REST sensor on Tibber's `priceInfo`."""

    def rows(day: Day) -> list[dict[str, Any]]:
        return [
            {"total": p.price, "startsAt": local(p.start).isoformat(), "level": "NORMAL"}
            for p in day
        ]

    return {"current": {"total": 0.1}, "today": rows(today), "tomorrow": rows(tomorrow)}


def template_sensor(today: Day, tomorrow: Day) -> dict[str, Any]:
    """As the wiki of ev_smart_charging has it."""

    def rows(day: Day) -> list[dict[str, Any]]:
        return [{"time": local(p.start).isoformat(), "price": p.price} for p in day]

    return {"prices_today": rows(today), "prices_tomorrow": rows(tomorrow)}


def template_text(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {name: json.dumps(rows) for name, rows in template_sensor(today, tomorrow).items()}


def stromligning(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "prices": [
            {"price": p.price, "start": local(p.start), "end": local(p.end)}
            for p in (*today, *tomorrow)
        ]
    }


def hacs_omie(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {
        "today_hours": {local(p.start): p.price * 1000 for p in today},
        "today_provisional": False,
        "tomorrow_hours": {local(p.start): p.price * 1000 for p in tomorrow},
    }


def czech_spot(today: Day, tomorrow: Day) -> dict[str, Any]:
    return {local(p.start).isoformat(): p.price for p in (*today, *tomorrow)}


def pvpc(today: Day, tomorrow: Day) -> dict[str, Any]:
    attributes: dict[str, Any] = {"tariff": "2.0TD", "min_price": 0.05, "price_ratio": 0.5}
    for prefix, day in (("price_", today), ("price_next_day_", tomorrow)):
        for p in day:
            name = f"{prefix}{local(p.start):%H}h"
            attributes[f"{name}_d" if name in attributes else name] = p.price
    return attributes


@dataclass(frozen=True, slots=True)
class Shape:
    """A writer, with what its entity says besides."""

    write: Callable[[Day, Day], dict[str, Any]]
    unit: str = "€/kWh"
    state: str = "0.1"
    steps: tuple[timedelta, ...] = field(default=(QUARTER, HOUR))
    expected: bool = False
    """All is what the provider expects."""
    by_wall_clock: bool = False
    """The source itself loses an hour of the day that has 25."""


SHAPES = (
    Shape(hacs_nordpool, "EUR/kWh"),
    Shape(hacs_nordpool_cents, "c/kWh", "10.0"),
    Shape(hacs_nordpool_mwh, "EUR/MWh", "100.0"),
    Shape(bare_lists),
    Shape(entsoe, "EUR/kWh"),
    Shape(epex_spot),
    Shape(epex_spot_before_3, "EUR/MWh", "100.0"),
    Shape(octopus, "", "2026-11-28T00:05:00+00:00", (HALF,)),
    Shape(energi_data_service, "EUR/kWh"),
    Shape(ge_spot, "EUR/kWh"),
    Shape(frank_energie),
    Shape(zonneplan_hours, steps=(HOUR,)),
    Shape(zonneplan_before_2026, steps=(HOUR,)),
    Shape(zonneplan_quarters),
    Shape(amber, "$/kWh", steps=(HALF,), expected=True),
    Shape(tibber_answer),
    Shape(template_sensor),
    Shape(template_text),
    Shape(stromligning, "kr/kWh"),
    Shape(hacs_omie, "€/MWh", "100.0", (HOUR,), by_wall_clock=True),
    Shape(czech_spot),
    Shape(pvpc, steps=(HOUR,)),
)
