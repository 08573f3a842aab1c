"""Writes docs/entities.md from the tables of entities, signals and telemetry fields, and their translations.

.venv/bin/python -m devtools.docs.entity_docs          # writes it
.venv/bin/python -m devtools.docs.entity_docs --check  # only says whether it is current
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
import json
from pathlib import Path
import sys
from typing import Any, Final

from homeassistant.helpers.entity import EntityDescription
from homeassistant.util import slugify

from custom_components.tesla_charging.const import DOMAIN, PLATFORMS
from custom_components.tesla_charging.fleet_telemetry.fields import FIELDS
from custom_components.tesla_charging.vehicle.signals import SIGNALS

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "entities.md"
LANGUAGES: Final[Mapping[str, Mapping[str, Any]]] = {
    path.stem: json.loads(path.read_text())
    for path in sorted((ROOT / "custom_components" / DOMAIN / "translations").glob("*.json"))
}
ENGLISH: Final = LANGUAGES["en"]

HEAD: Final = """# Entities

All entities, as the tables in the code have them: this page is written by `python -m devtools.docs.entity_docs`. What they
are good for is told in the [README](../README.md#what-you-get).

- **Pushed as** is the field of Tesla's Fleet Telemetry that the car sends when it changes.
- **Asked as** is what Tesla answers in `vehicle_data`. Where both are named, the newer one is shown.
- **Off** means that the entity is switched off at first: switch it on in its settings. What only such entities show is
  pushed, and paid for, only while one of them is switched on.
- **Comes later** means that the entity is there from when the car first tells what it shows.
"""
IDS: Final = """## Entity ids

Home Assistant makes the id of an entity when it first meets it: of the car's name and the entity's name, in the language
that is set under Settings, System, Home information. So `number.pearl_charge_limit` is `number.pearl_ladelimit` in a German home.
It stays as it is when the language, the car or this integration changes a name. These are the ids of a new home, of the
entities that are on at first; in place of … stands the car's name.
"""
TABLE: Final = "| name | key | unit or states | pushed as | asked as | |\n| --- | --- | --- | --- | --- | --- |"


def page() -> str:
    """Return the whole page."""
    sections = (line for platform in PLATFORMS for line in _section(platform))
    return "\n".join([HEAD, *sections, IDS, *_ids(), ""])


def tables() -> Iterator[tuple[str, EntityDescription]]:
    """Yield every row of every platform's tables, with the platform."""
    for platform in PLATFORMS:
        module = import_module(f"custom_components.{DOMAIN}.{platform}")
        seen: dict[str, EntityDescription] = {}
        for value in vars(module).values():
            for row in value if isinstance(value, tuple) else (value,):
                if isinstance(row, EntityDescription):
                    seen.setdefault(row.key, row)
        for row in seen.values():
            yield platform, row


def _section(platform: str) -> Iterator[str]:
    title = platform.replace("_", " ").capitalize()
    yield f"## {title}\n\n{TABLE}"
    for of_platform, row in tables():
        if of_platform == platform:
            yield _line(platform, row)
    yield ""


def _line(platform: str, row: EntityDescription) -> str:
    words = ENGLISH["entity"][platform][row.translation_key or row.key]
    signals: tuple[str, ...] = getattr(row, "signals", ())
    pushed = [name for name in signals if name in FIELDS]
    asked = [
        f"{signal.section}.{signal.field}"
        for name in signals
        if (signal := SIGNALS.get(name)) and signal.section
    ]
    remarks = [
        *(() if row.entity_registry_enabled_default else ("off",)),
        *(("comes later",) if getattr(row, "needs", ()) else ()),
    ]
    cells = (
        words["name"],
        f"`{row.key}`",
        _values(row, words),
        _code(pushed),
        _code(asked),
        ", ".join(remarks),
    )
    return "| " + " | ".join(cells) + " |"


def _ids() -> Iterator[str]:
    """Yield the table of the ids in every language."""
    others = [language for language in LANGUAGES if language != "en"]
    yield "| " + " | ".join(["en", *others]) + " |"
    yield "| " + " | ".join(["---"] * len(LANGUAGES)) + " |"
    for platform, row in tables():
        of_car = hasattr(row, "signals")
        if of_car and row.entity_registry_enabled_default:
            key = row.translation_key or row.key
            names = {
                language: slugify(words["entity"][platform][key]["name"])
                for language, words in LANGUAGES.items()
            }
            cells = [f"`{platform}.…_{names['en']}`", *(f"`…_{names[code]}`" for code in others)]
            yield "| " + " | ".join(cells) + " |"


def _values(row: EntityDescription, words: Mapping[str, Any]) -> str:
    """Return the unit of what is shown, or all states and event types by the names that automations know."""
    unit = getattr(row, "native_unit_of_measurement", None)
    states = (
        getattr(row, "options", None) or getattr(row, "event_types", None) or words.get("state", {})
    )
    return f"{unit}" if unit else _code(states)


def _code(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text() == page() else 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
