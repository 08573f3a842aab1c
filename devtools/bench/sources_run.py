"""Virtual days with one price source after the other; prints one line of JSON. `python -m devtools.bench.sources_run DAYS`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
import gc
import json
import sys
from time import thread_time
from typing import Any, Final
from zoneinfo import ZoneInfo

from devtools.bench.cost_time import VirtualLoop, VirtualTime, install

ZONE: Final = ZoneInfo("Europe/Amsterdam")
DAY: Final = timedelta(days=1)
QUARTER: Final = timedelta(minutes=15)
PUBLISHED: Final = time(13, 2)
RUNS: Final = 3
"""All do the same: what took longer in one of them was the machine, not the work."""
TIMES: Final = ("a_day", "longest")
START: Final = datetime(2026, 11, 17, 0, 0, 20, tzinfo=ZONE)


class Meter:
    """How long the event loop was busy: in all, at the longest, and with the stand-ins of the providers."""

    def __init__(self) -> None:
        """Count every callback of the loop from now on."""
        self.busy = self.longest = self.provider = 0.0
        self.calls = 0
        run: Callable[[Any], Any] = asyncio.Handle._run  # noqa: SLF001

        def measured(handle: Any) -> Any:
            provider, begin = self.provider, thread_time()
            result = run(handle)
            took = thread_time() - begin - (self.provider - provider)
            self.busy += took
            self.longest = max(self.longest, took)
            return result

        asyncio.Handle._run = measured  # type: ignore[method-assign,assignment]  # noqa: SLF001

    def reset(self) -> None:
        """Begin anew."""
        self.busy = self.longest = self.provider = 0.0
        self.calls = 0


def rows_of(day: date, start: str, end: str | None, value: str) -> list[dict[str, Any]]:
    """Return the quarter hours of a day, as an action answers them."""
    first = datetime.combine(day, time(), ZONE).astimezone(UTC)
    rows = []
    for index in range(96):
        at = first + QUARTER * index
        row: dict[str, Any] = {
            start: at.isoformat(),
            value: (50 + index * 37 % 101 + index / 100) / 1000,
        }
        if end:
            row[end] = (at + QUARTER).isoformat()
        rows.append(row)
    return rows


def answers(clock: VirtualTime) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """Return by action what it answers: yesterday, today, and tomorrow from two past one on."""

    def published(day: date) -> bool:
        now = clock.now(ZONE)
        last = now.date() + (DAY if now.time() >= PUBLISHED else timedelta())
        return day <= last

    def of_day(day: date, start: str, end: str | None, value: str) -> list[dict[str, Any]]:
        return rows_of(day, start, end, value) if published(day) else []

    def some_hours(start: str, end: str, value: str) -> list[dict[str, Any]]:
        today = clock.now(ZONE).date()
        known = [row for d in (today, today + DAY) for row in of_day(d, start, end, value)]
        now = clock.utcnow().isoformat()
        return [row for row in known if row[end] > now][:96]

    def given(data: dict[str, Any], name: str) -> date:
        return date.fromisoformat(str(data[name])[:10])

    return {
        "nordpool.get_prices_for_date": lambda d: {
            "NL": [
                {**row, "price": row["price"] * 1000}
                for row in of_day(given(d, "date"), "start", "end", "price")
            ]
        },
        "tibber.get_prices": lambda _: {"prices": {"Home": some_hours("start_time", "x", "price")}},
        "energyzero.get_energy_prices": lambda d: {
            "prices": of_day(given(d, "start"), "start", "end", "price")
        },
        "easyenergy.get_energy_usage_prices": lambda d: {
            "prices": of_day(given(d, "start"), "timestamp", None, "price")
        },
        "omie.get_prices_for_date": lambda d: {
            "es": of_day(given(d, "date"), "start", "end", "price")
        },
        "amberelectric.get_forecasts": lambda _: {
            "forecasts": some_hours("start_time", "end_time", "per_kwh")
        },
        "green_planet_energy.get_prices": lambda _: {"prices": some_hours("start", "end", "price")},
    }


PARAMS: Final[dict[str, dict[str, Any]]] = {
    "nordpool": {"area": "NL"},
    "tibber": {"home": "Home"},
    "energyzero": {"price_type": "all_in", "interval": "quarter", "incl_vat": True},
    "easyenergy": {"price_type": "market", "granularity": "quarter", "incl_vat": True},
    "omie": {"country": "es"},
    "amberelectric": {"channel": "general"},
    "green_planet_energy": {},
    "fixed": {"price": 0.3},
    "time_of_use": {"price": 0.3},
    "price_now": {},
}
"""By kind: what its settings need."""


async def measure(kind: str, days: int, clock: VirtualTime, meter: Meter) -> dict[str, Any]:
    """Let days go by for a home with one source."""
    from homeassistant.config_entries import ConfigEntryState
    from homeassistant.core import SupportsResponse
    from pytest_homeassistant_custom_component.common import (
        MockConfigEntry,
        async_test_home_assistant,
    )

    from custom_components.tesla_charging.charging.adapter import PriceSettings
    from custom_components.tesla_charging.charging.adapters import BY_KIND
    from custom_components.tesla_charging.charging.price_source import PriceSource
    from custom_components.tesla_charging.charging.settings import SourceSettings

    async with async_test_home_assistant() as hass:
        hass.config.currency = "AUD" if kind == "amberelectric" else "EUR"
        await hass.config.async_set_time_zone(ZONE.key)
        service = BY_KIND[kind].service
        domain, _, name = service.partition(".")
        entry = MockConfigEntry(
            domain=domain or "none", data={"currency": "EUR"}, state=ConfigEntryState.LOADED
        )
        entry.add_to_hass(hass)
        unit = f"{hass.config.currency}/kWh"
        hass.states.async_set("sensor.price", "0.075", {"unit_of_measurement": unit})
        if service:
            answer = answers(clock)[service]

            async def act(call: Any) -> Any:
                begin = thread_time()
                meter.calls += 1
                try:
                    return answer(dict(call.data))
                finally:
                    meter.provider += thread_time() - begin

            hass.services.async_register(domain, name, act, supports_response=SupportsResponse.ONLY)
        settings = PriceSettings(kind, "sensor.price", entry.entry_id, PARAMS[kind])
        source = PriceSource(hass, SourceSettings(settings), lambda _: None, lambda: None)
        await hass.async_block_till_done()
        # how long a collection takes depends on everything else in the process
        gc.collect()
        gc.disable()
        await asyncio.sleep(0)  # or what comes before would be in the callback that is under way
        meter.reset()
        source.start()
        known = 0
        for _ in range(days * 24):
            await asyncio.sleep(3600)
            if kind == "price_now":
                hass.states.async_set(
                    "sensor.price",
                    str(0.2 + clock.utcnow().hour / 100),
                    {"unit_of_measurement": unit},
                )
            known += source.feeds[0].knows(clock.utcnow().replace(microsecond=0))
        source.stop()
        gc.enable()
        found = {
            "kind": kind,
            "calls": meter.calls / days,
            "a_day": meter.busy * 1000 / days,
            "longest": meter.longest * 1000,
            "known": known / (days * 24),
        }
        await hass.async_stop(force=True)
    return found


def main() -> None:
    """Measure all kinds."""
    clock = install(START.timestamp())
    days, meter, rows = int(sys.argv[1]), Meter(), []
    for kind in PARAMS:
        runs = []
        for _ in range(RUNS):
            clock.elapsed = 0.0
            loop = VirtualLoop(clock)
            try:
                runs.append(loop.run_until_complete(measure(kind, days, clock, meter)))
            finally:
                loop.close()
        rows.append({**runs[0], **{name: min(run[name] for run in runs) for name in TIMES}})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
