"""The bench of cost and freshness: its days, its ages, its goals and its chart; and a morning of it for real."""

import asyncio
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import subprocess
import sys
import time
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from devtools.bench.cost import write
from devtools.bench.cost_age import LevelAge, StateDelay, quantile
from devtools.bench.cost_chart import chart
from devtools.bench.cost_drivers import DRIVERS
from devtools.bench.cost_report import BEGIN, CONTENDERS, END, goal_rows, ordered, page, with_table
from devtools.bench.cost_run import start_of_month
from devtools.bench.cost_time import VirtualLoop, VirtualTime
from simulator.drivers.moments import DAY

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def run(contender: str, driver: str, **more: Any) -> dict[str, Any]:
    spread = {"median": 60.0, "p95": 120.0, "count": 9}
    ages = {"all": spread, "charging": spread, "driving": spread}
    return {
        "contender": contender,
        "driver": driver,
        "days": 30,
        "dollars": 1.0,
        "dollars_a_month": 1.0,
        "signals": 0,
        "wakes": 0,
        "paths": {"GET vehicles/…/vehicle_data 200": [500, 1.0]},
        "level_measured": ages,
        "level_seen": ages,
        "charging_delay": spread,
        "awake_hours": 100.0,
        "needless_minutes": 0,
        "real_seconds": 1.0,
        **more,
    }


# -- the days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRIVERS)
def test_a_month_is_the_same_each_time_and_in_order(name: str) -> None:
    month = DRIVERS[name].month(30)
    assert month == DRIVERS[name].month(30)
    assert [moment.at for moment in month] == sorted(moment.at for moment in month)
    assert month[0].at > 0
    assert 27 * DAY < month[-1].at < 30 * DAY


@pytest.mark.parametrize("name", DRIVERS)
def test_a_shorter_month_is_the_beginning_of_a_longer_one(name: str) -> None:
    short, long = DRIVERS[name].month(9.5), DRIVERS[name].month(30)
    assert short == long[: len(short)]


# -- time --------------------------------------------------------------------------------------------------


def test_a_day_of_sleep_takes_no_time_and_work_in_a_thread_none_of_it() -> None:
    clock = VirtualTime(1_000_000.0)

    async def live() -> tuple[float, float]:
        await asyncio.sleep(86400)
        slept = clock.time()
        waiting = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.to_thread(time.sleep, 0.2)
        worked = clock.time()
        waiting.cancel()
        return slept, worked

    began = time.monotonic()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        slept, worked = runner.run(live())
    assert slept == pytest.approx(1_000_000.0 + 86400)
    assert worked == slept
    assert time.monotonic() - began < 5


def test_the_month_is_over_whatever_day_it_is() -> None:
    for day in range(800):
        today = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        passed = today - start_of_month(today)
        assert timedelta(days=30) < passed < timedelta(days=100)


# -- ages --------------------------------------------------------------------------------------------------


def test_a_level_is_as_old_as_its_measurement() -> None:
    age = LevelAge()
    age.told(50.0, 1000.0)
    age.look(50.0, 50.0, 1000.0, "charging")
    age.look(50.5, 50.0, 1100.0, "charging")
    age.look(51.5, 50.0, 1300.0, "charging")
    assert age.measured == {"charging": [0.0, 100.0, 300.0]}
    # the screen showed 50 until it showed 51
    assert age.seen == {"charging": [0.0, 0.0, 200.0]}


def test_a_measurement_that_is_still_right_is_not_old() -> None:
    age = LevelAge()
    age.told(50.0, 0.0)
    age.look(50.0, 50.0, 30_000.0, None)
    age.look(49.9, 50.0, 30_010.0, "driving")
    assert age.measured == {"driving": [10.0]}


def test_what_was_told_but_is_not_shown_makes_nothing_fresher() -> None:
    age = LevelAge()
    age.told(50.0, 0.0)
    age.told(60.0, 500.0)
    age.look(60.5, 50.0, 600.0, "charging")
    assert age.measured == {"charging": [600.0]}


def test_every_change_of_a_state_counts_until_what_is_shown_is_true() -> None:
    delay = StateDelay()
    for now, truth, shown in (
        (0, "disconnected", "disconnected"),
        (100, "no_power", "disconnected"),
        (400, "charging", "disconnected"),
        (500, "charging", "no_power"),
        (600, "charging", "charging"),
        (700, "complete", "complete"),
    ):
        delay.look(truth, shown, now)
    assert delay.delays == [500, 200, 0]


def test_quantiles_are_values_that_were_seen() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0


# -- the report --------------------------------------------------------------------------------------------


def test_goals_are_measured_against_home_assistants_component() -> None:
    cores = run("core", "sentry", dollars_a_month=8.0, wakes=0)
    cheap, dear = (run("telemetry", "sentry", dollars_a_month=cost) for cost in (0.4, 0.41))
    for ours, verdict in ((cheap, "yes"), (dear, "no")):
        rows = [row for row in goal_rows([cores, ours]) if row[2] == "cost"]
        assert [row[-1] for row in rows] == [verdict]
    kept_awake = run("polling", "sentry", needless_minutes=1)
    rows = [row for row in goal_rows([cores, kept_awake]) if row[2] == "minutes kept awake"]
    assert [row[-1] for row in rows] == ["no"]


def test_the_chart_has_a_mark_for_each_run() -> None:
    runs = [run(contender, driver) for driver in DRIVERS for contender in CONTENDERS]
    root = ET.fromstring(chart(runs))
    assert len(root.findall(f".//{SVG}circle/{SVG}title")) == 2 * len(CONTENDERS)
    assert len(root.findall(f".//{SVG}rect/{SVG}title")) == len(CONTENDERS)


def test_what_was_not_repeated_is_kept(tmp_path: Path) -> None:
    (tmp_path / "cost.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write([run("core", "sentry"), run("core", "commuter")], tmp_path)
    write([run("core", "sentry", dollars_a_month=7.77)], tmp_path)
    kept = json.loads((tmp_path / "cost" / "results.json").read_text())
    assert [(one["driver"], one["dollars_a_month"]) for one in kept] == [
        ("commuter", 1.0),
        ("sentry", 7.77),
    ]
    about = (tmp_path / "cost.md").read_text()
    assert "7.77" in about
    assert "old" not in about
    assert about.startswith("before\n")
    assert about.endswith("after\n")


def test_the_written_pages_are_those_of_the_written_results() -> None:
    docs = ROOT / "docs"
    results = json.loads((docs / "cost" / "results.json").read_text())
    assert len(results) == len(DRIVERS) * len(CONTENDERS)
    assert ordered(results) == results
    about = (docs / "cost.md").read_text()
    assert (docs / "cost" / "results.md").read_text() == page(results)
    assert (docs / "cost" / "cost_and_age.svg").read_text() == chart(results)
    assert about == with_table(about, results)


# -- for real ----------------------------------------------------------------------------------------------


def morning(contender: str) -> dict[str, Any]:
    """Return what came of the commuter's first nine hours, in a process with clocks of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "devtools.bench.cost_run", contender, "commuter", "--days", "0.375"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_home_assistants_component_asks_every_ten_minutes_and_keeps_the_car_awake() -> None:
    result = morning("core")
    assert result["paths"]["GET vehicles/…/vehicle_data 200"][0] == 54
    assert result["dollars"] == pytest.approx(54 * 0.002)
    assert 200 < result["level_measured"]["driving"]["median"] < 400
    assert result["needless_minutes"] > 400


def test_with_telemetry_a_morning_costs_a_cent_and_wakes_nobody() -> None:
    result = morning("telemetry")
    assert 50 < result["signals"] < 500
    assert result["dollars"] < 0.02
    assert result["level_measured"]["driving"]["median"] < 100
    assert (result["needless_minutes"], result["wakes"]) == (0, 0)
