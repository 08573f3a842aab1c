"""Cost against age as an SVG: one mark for each contender and driver, both axes logarithmic."""

from collections.abc import Callable, Iterable, Iterator
import math
from typing import Any

from devtools.bench.cost_report import CONTENDERS, DRIVERS, seconds

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 600, 30, 450
#: Readable on white and on black alike.
INK, FAINT = "#7d8590", "#7d859055"
COLOURS = {
    "telemetry": "#1f9d55",
    "polling": "#2b7de9",
    "polling-50-cents": "#39a5d6",
    "polling-20-cents": "#6cc7d9",
    "core": "#e5534b",
    "every-10-min": "#c69026",
    "every-minute": "#986ee2",
}
FREE_CREDIT = 10.0
AGES = (1, 5, 10, 30, 60, 300, 600, 1800)
COSTS = (0.05, 0.1, 0.5, 1, 5, 10, 50, 100)


def _scale(ticks: tuple[float, ...], start: float, end: float) -> Callable[[float], float]:
    """Return what leads a value to its place; what is off the scale lies on its edge."""
    low, high = math.log(ticks[0]), math.log(ticks[-1])

    def place(value: float) -> float:
        clipped = min(max(value, ticks[0]), ticks[-1])
        return start + (math.log(clipped) - low) / (high - low) * (end - start)

    return place


_x = _scale(AGES, LEFT, RIGHT)
_y = _scale(COSTS, BOTTOM, TOP)


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str = f'stroke="{FAINT}"') -> str:
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" {style}/>'


def _mark(driver: str, colour: str, x: float, y: float, title: str = "", size: int = 7) -> str:
    """Return a driver's mark: a disc, a ring or a frame. `size` is half of it."""
    style = f'fill="{colour}"'
    if driver != "commuter":
        style = f'fill="none" stroke="{colour}" stroke-width="3"'
    said = f"<title>{title}</title>" if title else ""
    if driver == "sentry":
        corner = f'x="{x - size:.1f}" y="{y - size:.1f}"'
        return f'<rect {corner} width="{2 * size}" height="{2 * size}" {style}>{said}</rect>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {style}>{said}</circle>'


def _axes() -> Iterator[str]:
    for age in AGES:
        yield _line(_x(age), TOP, _x(age), BOTTOM)
        yield _text(_x(age), BOTTOM + 20, seconds(age), "middle")
    for cost in COSTS:
        yield _line(LEFT, _y(cost), RIGHT, _y(cost))
        yield _text(LEFT - 8, _y(cost) + 4, f"${cost:g}", "end")
    dashed = f'stroke="{INK}" stroke-dasharray="6 4"'
    yield _line(LEFT, _y(FREE_CREDIT), RIGHT, _y(FREE_CREDIT), dashed)
    yield _text(LEFT + 6, _y(FREE_CREDIT) - 6, "Tesla's free monthly credit")
    middle = (LEFT + RIGHT) / 2
    yield _text(middle, BOTTOM + 46, "median age of the battery level while it changes", "middle")
    yield _text(LEFT - 8, TOP - 12, "a month")


def _legend() -> Iterator[str]:
    y = TOP + 10.0
    for contender, name in CONTENDERS.items():
        yield f'<rect x="{RIGHT + 24}" y="{y - 10:.0f}" width="12" height="12" fill="{COLOURS[contender]}"/>'
        yield _text(RIGHT + 44, y, name.replace("`", ""))
        y += 24
    y += 12
    for driver, name in DRIVERS.items():
        yield _mark(driver, INK, RIGHT + 30, y - 4)
        yield _text(RIGHT + 44, y, name)
        y += 24


def chart(results: Iterable[dict[str, Any]]) -> str:
    """Return the picture of all runs that saw the level change."""
    marks = []
    # who does the same lies on top of each other: the last ones of the table lowest, and larger
    order = list(CONTENDERS)
    for run in sorted(results, key=lambda run: -order.index(run["contender"])):
        age, cost = run["level_measured"]["all"]["median"], run["dollars_a_month"]
        if age is None:
            continue
        name = (
            f"{CONTENDERS[run['contender']]}, {DRIVERS[run['driver']]}: ${cost:.2f}, {seconds(age)}"
        )
        colour = COLOURS[run["contender"]]
        size = (
            7
            + 3 * (run["driver"] == "sentry")
            + 2 * max(0, order.index(run["contender"]) - order.index("core"))
        )
        marks.append(_mark(run["driver"], colour, _x(age), _y(cost), name.replace("`", ""), size))
    parts = "\n".join((*_axes(), *_legend(), *marks))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' font-family="sans-serif" font-size="13" fill="{INK}">\n'
        f"<title>What a month costs, and how old what is shown is</title>\n{parts}\n</svg>\n"
    )
