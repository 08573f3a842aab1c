"""What came of the runs, as tables: what each contender costs and shows, and which goals are reached."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

CONTENDERS = {
    "telemetry": "Tesla Charging, telemetry",
    "polling": "Tesla Charging, polling only",
    "polling-50-cents": "the same, budget $0.50",
    "polling-20-cents": "the same, budget $0.20",
    "core": "Home Assistant's `tesla_fleet`",
    "every-10-min": "a timer, every 10 minutes",
    "every-minute": "a timer, every minute",
}
"""In the order of the tables, with the names that people read."""
DRIVERS = {
    "commuter": "commuter",
    "commuter-newer": "commuter, newer car",
    "sentry": "Sentry car",
}

type Result = dict[str, Any]
type Row = Sequence[str]

DEFINITIONS = """\
Ages are looked at every 10 seconds while the battery level changes, that is while the car drives or charges.
Age of the level: how long ago the car measured what is shown, or how long ago that was still right to 0.05 %.
On the screen: how long ago the car's own screen, which shows whole percent, last showed what is shown.
State late: from each change of the charging state until what is shown is the state that the car is in then.
Kept awake: minutes for which the car was awake while its twin, which nobody asks anything, slept.
"""

HEAD: Row = (
    "car",
    "who asks",
    "$ a month",
    "age of the level",
    "while charging",
    "on the screen",
    "state late",
    "wakes",
    "kept awake",
)


def seconds(value: float | None) -> str:
    """Return a duration as people say it."""
    if value is None:
        return "-"
    for size, unit in ((3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value:.0f} s"


def _spread(told: dict[str, Any] | None) -> str:
    """Return median and 95th percentile."""
    if not told or told["median"] is None:
        return "-"
    return f"{seconds(told['median'])} / {seconds(told['p95'])}"


def ordered(results: Iterable[Result]) -> list[Result]:
    """Return results in the order of the tables."""
    drivers, contenders = list(DRIVERS), list(CONTENDERS)
    return sorted(
        results, key=lambda r: (drivers.index(r["driver"]), contenders.index(r["contender"]))
    )


def main_rows(results: Iterable[Result]) -> Iterator[Row]:
    """Yield a row of the main table for each run; pairs are median / 95th percentile."""
    for run in ordered(results):
        yield (
            DRIVERS[run["driver"]],
            CONTENDERS[run["contender"]],
            f"{run['dollars_a_month']:.2f}",
            _spread(run["level_measured"]["all"]),
            _spread(run["level_measured"].get("charging")),
            _spread(run["level_seen"]["all"]),
            _spread(run["charging_delay"]),
            str(run["wakes"]),
            f"{run['needless_minutes']:,} min".replace(",", " "),
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of a contender, beside Home Assistant's own component on the same days."""

    contender: str
    what: str
    number: tuple[str, ...]
    """Where in a result the number is."""
    at_most: dict[str, float]
    """By driver, as a share of the number of Home Assistant's component; None of it where it is 0."""


_COST = ("dollars_a_month",)
_THIRTIETH = dict.fromkeys(DRIVERS, 1 / 30)
_SAME = dict.fromkeys(DRIVERS, 1.0)
_NONE = dict.fromkeys(DRIVERS, 0.0)
_SCREEN, _MEASURED = ("level_seen", "all"), ("level_measured", "all")

GOALS: tuple[Goal, ...] = (
    Goal(
        "telemetry", "cost", _COST, {"commuter": 1 / 4, "commuter-newer": 1 / 4, "sentry": 1 / 20}
    ),
    Goal("telemetry", "age of the level, median", (*_MEASURED, "median"), _THIRTIETH),
    Goal("telemetry", "the same on the car's screen", (*_SCREEN, "median"), _THIRTIETH),
    Goal("telemetry", "state late, median", ("charging_delay", "median"), _THIRTIETH),
    Goal("polling", "cost", _COST, {"commuter": 1, "commuter-newer": 1, "sentry": 1 / 4}),
    Goal(
        "polling",
        "age of the level while charging, median",
        ("level_measured", "charging", "median"),
        _SAME,
    ),
    Goal(
        "polling",
        "the same, 95th percentile",
        ("level_measured", "charging", "p95"),
        _SAME,
    ),
    *(Goal(ours, "wakes", ("wakes",), _NONE) for ours in ("telemetry", "polling")),
    *(
        Goal(ours, "minutes kept awake", ("needless_minutes",), _NONE)
        for ours in ("telemetry", "polling")
    ),
)
GOALS_HEAD: Row = ("car", "who asks", "what", "tesla_fleet", "goal", "reached", "")


def _number(run: Result, path: tuple[str, ...]) -> float | None:
    found: Any = run
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return None if found is None else float(found)


def _show(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def goal_rows(results: Iterable[Result]) -> Iterator[Row]:
    """Yield a row for each goal whose runs are there: what was to be reached, and whether it is."""
    runs = {(run["driver"], run["contender"]): run for run in results}
    for driver, name in DRIVERS.items():
        for goal in GOALS:
            ours, cores = runs.get((driver, goal.contender)), runs.get((driver, "core"))
            if ours is None or cores is None:
                continue
            reached, beside = _number(ours, goal.number), _number(cores, goal.number)
            if reached is None or beside is None:
                continue
            limit = beside * goal.at_most[driver]
            yield (
                name,
                CONTENDERS[goal.contender],
                goal.what,
                _show(beside),
                f"≤ {_show(limit)}",
                _show(reached),
                "yes" if reached <= limit else "no",
            )


PATHS_HEAD: Row = ("car", "who asks", "request", "how many", "$")


def path_rows(results: Iterable[Result]) -> Iterator[Row]:
    """Yield what was billed, by request; signals are one line."""
    for run in ordered(results):
        who = (DRIVERS[run["driver"]], CONTENDERS[run["contender"]])
        requests = sum(cost for _, cost in run["paths"].values())
        for path, (count, cost) in sorted(run["paths"].items(), key=lambda row: -row[1][1]):
            if cost:
                yield (*who, path, str(count), f"{cost:.3f}")
        if run["signals"]:
            yield (
                *who,
                "streamed signals",
                str(run["signals"]),
                f"{run['dollars'] - requests:.3f}",
            )


def as_text(head: Row, rows: Iterable[Row]) -> str:
    """Return a table for the terminal."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )
    return "\n".join(lines)


def as_markdown(head: Row, rows: Iterable[Row]) -> str:
    """Return a table for a page."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_report(results: list[Result]) -> None:
    """Print every table."""
    for head, rows in (
        (HEAD, main_rows(results)),
        (GOALS_HEAD, goal_rows(results)),
        (PATHS_HEAD, path_rows(results)),
    ):
        print(f"\n{as_text(head, rows)}")
    print(f"\nPairs are median / 95th percentile.\n{DEFINITIONS}")


WRITTEN_BY = """\
Written by `scripts/bench cost --write`; [what a month costs](../cost.md) explains it. {days:g} simulated days each,
costs for thirty of them. Pairs are median / 95th percentile."""
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
"""Between these lines the page about cost shows the main table."""


def with_table(text: str, results: Iterable[Result]) -> str:
    """Return a page with the main table of these results in its place. Raises ValueError if it has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no place for the table")
    return f"{before}{BEGIN}\n\n{as_markdown(HEAD, main_rows(results))}\n\n{END}{after}"


def page(results: Iterable[Result]) -> str:
    """Return a page with every table."""
    runs = list(results)
    days = min(run["days"] for run in runs)
    parts = (
        "# What the bench measured",
        WRITTEN_BY.format(days=days),
        DEFINITIONS.strip().replace("\n", "  \n"),
        as_markdown(HEAD, main_rows(runs)),
        "## Goals",
        as_markdown(GOALS_HEAD, goal_rows(runs)),
        "## What was billed",
        as_markdown(PATHS_HEAD, path_rows(runs)),
    )
    return "\n\n".join(parts) + "\n"
