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

What there is for each car, how energy is counted, and [every entity](#binary-sensor) as the tables in the code have it: this
page is written by `python -m devtools.docs.entity_docs`.

![The device page of a charging car](images/device.png)

| entity | shows or does |
| --- | --- |
| sensors: battery, range, charging state, charge power, session energy, time of full charge, next scheduled start | what the car says |
| sensor: reason for not charging | unplugged, no power, limit reached, waiting for its schedule, cable not locked, battery too cold, paused by the energy supplier, stopped by a person: as far as Tesla tells |
| sensor: energy charged at home | a counter for the Energy dashboard, which never goes back: see [Energy](#energy) |
| switch: charging | starts and stops charging |
| numbers: charge limit, current limit | with the car's own bounds |
| cover: charge port | opens and closes; opening also unlocks the cable |
| binary sensors: plugged in, at home | at home as the car itself says (the home of its driver profile) if it pushes its data, and as Home Assistant's home zone says, if you allow the location: the newer one, or what you choose; unknown after a drive of which neither tells |
| location on the map | only if you allow the location |
| sensor: status (diagnostic) | online, asleep, waking up, not reachable, in service, installing an update |
| sensor: telemetry (diagnostic) | how far the push channel has come: polling, refused, waiting for the car, waiting (for the first message over MQTT, or for Tesla), not connected, connected |
| button: wake up | wakes the car and waits until it is awake: $0.02, or nothing if it is awake |
| button: refresh | asks for the car's data now: $0.002. A car that is asleep is not woken for it |
| device *Tesla account*, sensors: bill this month, expected bill this month, free credit left; data requests, commands, wake-ups, telemetry signals this month; budget | what Tesla charges the application, counted here by Tesla's rules: see [What it costs](setup.md#what-it-costs) |

These are on at first, at most twenty for a car. Switched off at first, for whoever wants them:

| entity | shows or does |
| --- | --- |
| events: charging session (started, complete, stopped, interrupted), charging cable (plugged in, unplugged), home and away (came home, left) | what happened last, and when; the same are triggers of the car's device in the automation editor, which do not need these entities: see [automations](automations.md) |
| sensors: total energy charged, energy charged away | further counters for the Energy dashboard |
| sensors: measured current, charge voltage, odometer, daily start time of older software; binary sensors: awake, scheduled charging pending | what the car says |
| sensors: telemetry problem, last message, signals today (diagnostic) | why the push channel is no further, with Tesla's and the car's own words; when the car pushed something last; how many values since midnight, as Tesla bills them |
| sensor: share of Tesla's bill this month (diagnostic) | the car's part of what Tesla charges |
| sensors: usable battery, energy remaining, estimated and ideal range, AC and DC power, energy from the wall, charge rate, current that the cable allows, phases, cable and charger type, brand, port latch, scheduled charging mode, scheduled departure, gear, firmware; binary sensors: fast charger, battery heater, preconditioning, connected, at work, at a favorite place | for specialists. What only they show is pushed, and paid for, only while they are switched on |

An entity that not every car needs comes when the car first tells what it shows, and stays. Who had this integration
before keeps what is on, and every id.

Switch, numbers and cover show what is wanted while a command is on its way, whether it came from a dashboard or an action:
the cover opens or closes, the attribute `pending` is true, and *status* says when the car is being woken up. When the car
has accepted the command it stays so, until the car says something else; after a refusal it goes back, and the reason is told.
The current limit can be set higher than the cable allows: the attribute `effective_current` is what the car will use.

A time that there is not, such as the time of full charge of a car that does not charge, is "Unknown" in Home Assistant: it
has no other word for it. *Time of full charge* moves only when the car's estimate has changed by a quarter of an hour, or by an
eighth of the time until then, so that the Activity is not full of it; *last message* is not in the Activity at all.

Schedules are told when the car is asked, never pushed: a schedule that is changed elsewhere shows at the next request.

## Energy

*Session energy* is what the present session has put into the battery. *Total energy charged* adds up all sessions
from the day on which the integration first saw the car, over restarts, gaps and whatever Tesla's own counter forgets;
where it is not certain that a session was a new one, it counts the lesser of what is possible. For the Energy dashboard take
*Energy charged at home* as an individual device: it counts only what was charged at home, *away* the rest. Both are
there when the car's place is known (it pushes its data, or you allow the location); what was charged nobody knows where
is in *Total energy charged* alone (off at first, as *away* is). All of them measure what reaches the battery; the charger loses some 5 to 15 percent on
the way. *Energy from the wall* (only from a car that pushes, AC only) includes these.

## All of them

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
