"""Writes docs/comparison.md: this integration beside the others for the same cars.

`.venv/bin/python -m devtools.docs.comparison` writes it; with `--check` it only says whether the page is current, and which
charging entity of the others is in no row. What Home Assistant's own integrations have is read from core_names.json, so that
the page does not depend on the release that is installed; `--read` writes that file anew from the installed one.
"""

from collections.abc import Iterable, Iterator, Mapping
import json
from pathlib import Path
import re
import sys
from typing import Any

from homeassistant import components
from homeassistant.const import __version__

from devtools.docs.comparison_actions import ACTIONS
from devtools.docs.comparison_rows import ENTITIES, Row

ROOT = Path(__file__).resolve().parents[2]
ROWS = (*ENTITIES, *ACTIONS)
PAGE = ROOT / "docs" / "comparison.md"
OURS = ROOT / "custom_components" / "tesla_charging" / "translations" / "en.json"
CORE = Path(__file__).with_name("core_names.json")
COMPARED = {"tesla_fleet": "fleet", "teslemetry": "teslemetry"}
"""Domain of an integration of Home Assistant's, and its column in a row."""

ABOUT_CHARGING = re.compile(
    r"charg|preconditioning|battery_(level|range|heater)|rated_range|energy_remaining|located_at|schedule"
    r"|powershare|^bms|^brick|^pack_(current|voltage)|lifetime_energy|energy_at_arrival|^credit_|^wake$"
)
HOUSE = re.compile(r"^(total_|percentage_|off_grid|components_|battery_energy|default_real_mode)")
"""Entities of Powerwalls and of the house."""

HEAD = """# Beside the other integrations

Each entity and action about charging of Home Assistant's *Tesla Fleet* and *Teslemetry* (read from Home Assistant
{version}) and of `tesla_custom` (alandtse/tesla, read from its public code), with ours. *Being built* means that
ours is planned and not there yet. What stands in parentheses is an attribute of another entity.

This page is written by `.venv/bin/python -m devtools.docs.comparison`; a test says when it is not current.

{counts}

| | this integration | Tesla Fleet | Teslemetry | tesla_custom |
| --- | --- | --- | --- | --- |
"""
TAIL = """
## What a table of entities does not show

| | this integration | Tesla Fleet | Teslemetry | tesla_custom |
| --- | --- | --- | --- | --- |
| who stands between home and Tesla | nobody | nobody | a paid relay | nobody |
| how data come | pushed by the car into this home, or over MQTT, or polled | polled | pushed to the relay | polled |
| through Tesla's official interface | yes | yes | yes | no: that of the owner app |
| commands are signed | in this home | in this home | by the relay, or over Bluetooth | by a proxy to be run beside |
| permissions of the Tesla account | data and charging; location if you like | all that its entities need | what is chosen at the relay | everything |
| what Tesla charges | by request and value | by request | included in the relay's price | nothing |
| climate, doors, media, Powerwall | no: charging only | yes | yes | yes |
"""


def entities(words: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of entities and actions by key, as a strings file or translation gives them."""
    named = {
        f"{platform}.{key}": str(entity.get("name", key))
        for platform, of_platform in words.get("entity", {}).items()
        for key, entity in of_platform.items()
    }
    actions = {f"action.{key}": key for key in words.get("services", {})}
    # a name may refer to the title of its platform: "Software update" of an update, say
    return {key: _plain(key, name) for key, name in (named | actions).items()}


def _plain(key: str, name: str) -> str:
    return key.partition(".")[0].replace("_", " ").capitalize() if name.startswith("[%") else name


def core() -> dict[str, Any]:
    """Return what is kept of Home Assistant: its version, and the names of each compared integration."""
    kept: dict[str, Any] = json.loads(CORE.read_text())
    return kept


def installed() -> dict[str, Any]:
    """Return the same as it is in the installed Home Assistant: what is about charging or in a row."""
    found: dict[str, Any] = {"version": __version__}
    for domain in COMPARED:
        strings = Path(components.__path__[0]) / domain / "strings.json"
        names = entities(json.loads(strings.read_text()))
        found[domain] = {
            key: names[key] for key in sorted(of_charging(names) | in_rows(domain)) if key in names
        }
    return found


def in_rows(domain: str) -> set[str]:
    """Return what the rows name of an integration of Home Assistant's."""
    return {key for row in ROWS for key in getattr(row, COMPARED[domain])}


def of_charging(names: Iterable[str]) -> set[str]:
    """Return those that have to be in a row."""
    keys = {key: key.partition(".")[2] for key in names}
    return {
        whole for whole, key in keys.items() if ABOUT_CHARGING.search(key) and not HOUSE.search(key)
    }


def problems() -> Iterator[str]:
    """Say what the rows leave out, and what they name that does not exist."""
    kept = core()
    for domain in COMPARED:
        names, rows = kept[domain], in_rows(domain)
        yield from (f"{domain}: {key} is in no row" for key in sorted(of_charging(names) - rows))
        yield from (f"{domain}: there is no {key}" for key in sorted(rows - set(names)))
    for row in ROWS:
        if not row.ours and not row.note:
            yield f"{row.fact}: it is not said why ours is missing"


def status(row: Row, ours: Mapping[str, str]) -> str:
    """Return what is there of ours, and what is still being built."""
    words = dict.fromkeys(_word(key, ours) for key in row.ours)
    return ", ".join(words) if words else "no"


def _word(key: str, names: Mapping[str, str]) -> str:
    name = names.get(key)
    if name is None:
        return "*being built*"
    kind = key.partition(".")[0].replace("_", " ")
    return f"`{name}`" if kind == "action" else f"{name} ({kind})"


def page() -> str:
    """Return the page as it has to be."""
    ours = entities(json.loads(OURS.read_text()))
    kept = core()
    fleet, teslemetry = kept["tesla_fleet"], kept["teslemetry"]
    lines: list[str] = []
    notes: list[str] = []
    for row in ROWS:
        mark = ""
        if row.note:
            notes.append(row.note)
            mark = f" [{len(notes)}](#notes)"
        columns = (
            f"{row.fact}{mark}",
            status(row, ours),
            ", ".join(_word(key, fleet) for key in row.fleet),
            ", ".join(_word(key, teslemetry) for key in row.teslemetry),
            ", ".join(_custom(name) for name in row.custom),
        )
        lines.append(f"| {' | '.join(column or '-' for column in columns)} |")
    built = sum("being built" in status(row, ours) for row in ROWS)
    without = sum(not row.ours for row in ROWS)
    counts = f"{len(ROWS)} rows: {built} being built, {without} that ours leaves out, each with its reason."
    head = HEAD.format(version=kept["version"], counts=counts)
    numbered = "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1))
    return f"{head}{'\n'.join(lines)}\n{TAIL}\n## Notes\n\n{numbered}\n"


def _custom(name: str) -> str:
    if name.startswith("("):
        return name
    kind, _, word = name.partition(".")
    return f"`{word}`" if kind == "action" else f"{word} ({kind.replace('_', ' ')})"


def main() -> int:
    """Write the page, or check it."""
    if "--read" in sys.argv:
        CORE.write_text(f"{json.dumps(installed(), indent=2, ensure_ascii=False)}\n")
    found = list(problems())
    print("\n".join(found) or "every charging entity is in a row")
    if "--check" in sys.argv:
        return 1 if found or PAGE.read_text() != page() else 0
    PAGE.write_text(page())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
