"""Writes docs/actions.md from the table of actions and its translations.

.venv/bin/python -m devtools.docs.action_docs          # writes it
.venv/bin/python -m devtools.docs.action_docs --check  # only says whether it is current
"""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import sys
from typing import Any, Final

from homeassistant.core import SupportsResponse
from homeassistant.util.yaml import load_yaml_dict
import voluptuous as vol

from custom_components.tesla_charging.actions.action import Action
from custom_components.tesla_charging.actions.prices import FIELDS, GET_PRICES
from custom_components.tesla_charging.commands.queue import DEADLINE
from custom_components.tesla_charging.commands.rate_limit import HOUR, LIMITS, MINUTE, Limit, Use
from custom_components.tesla_charging.commands.redundancy import (
    CONTRADICTION_TIME,
    DOUBT,
    LOW_CURRENT,
)
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import PRICES, Category
from custom_components.tesla_charging.services import ACTIONS, PLACEHOLDERS
from custom_components.tesla_charging.vehicle.charge_status import SILENCE

ROOT: Final = Path(__file__).parents[2]
INTEGRATION: Final = ROOT / "custom_components" / DOMAIN
PAGE: Final = ROOT / "docs" / "actions.md"

_COUNTED: Final = {
    Use.COMMAND: ("commands, all together", Category.COMMAND),
    Use.REPEAT: ("the same command", Category.COMMAND),
    Use.WAKE: ("wake-ups, also those for commands", Category.WAKE),
    Use.DATA: (f"data asked for (`{DOMAIN}.refresh`, *Refresh*, schedules)", Category.DATA),
}


def _limit_row(limit: Limit) -> str:
    what, category = _COUNTED[limit.use]
    period = {MINUTE: "a minute", HOUR: "an hour"}.get(limit.seconds, "a day")
    price = f"${limit.count * PRICES[category]:.2f}"
    month = f", ${limit.count * PRICES[category] * 30:.0f} a month" if period == "a day" else ""
    return f"| {what} | {limit.count} {period} | {limit.by_user} | {price} {period}{month} |"


LIMIT_TABLE: Final = "\n".join(
    [
        "| of one car | at most | by hand besides | what the first cost |",
        "| --- | --- | --- | --- |",
        *map(_limit_row, LIMITS),
    ]
)

HEAD: Final = f"""# Actions

For automations, scripts and the developer tools. This page is written by `python -m devtools.docs.action_docs`
from the table of actions and its translations.

Every action but `get_prices` takes one or more cars (`device_id`), and acts on all of them at once. A command costs
${PRICES[Category.COMMAND]:.3f}; a sleeping car is woken up for it, which costs ${PRICES[Category.WAKE]:.2f}.

![Adding a charge schedule under Settings, Tools, Actions](images/action.png)

| action | field | does |
| --- | --- | --- |
| `tesla_charging.start_charging` | | starts charging |
| `tesla_charging.stop_charging` | | stops charging |
| `tesla_charging.set_charge_limit` | `percent`, 50 to 100 | sets the battery level at which charging ends |
| `tesla_charging.set_charging_current` | `current`, 0 to 80 ampere | sets the current per phase |
| `tesla_charging.open_charge_port` | | opens the port, or unlocks the cable |
| `tesla_charging.close_charge_port` | | closes the port, where it is motorised |
| `tesla_charging.wake_up` | | wakes the car and waits until it is awake: $0.02, or nothing if it is awake |
| `tesla_charging.refresh` | | asks for the car's data now: $0.002. A car that is asleep is not woken for it |
| `tesla_charging.get_schedules` | `kind` | reads the car's schedules, for one data request |
| `tesla_charging.add_charge_schedule`, `change_…`, `remove_…` | times, days, once, place | when to start or end charging |
| `tesla_charging.add_precondition_schedule`, `change_…`, `remove_…` | time, days, once, place | when battery and cabin are to be ready |
| `tesla_charging.set_scheduled_charging`, `set_scheduled_departure` | time | the same for software before 2024.26 |
| `tesla_charging.get_prices` | from, until | returns the electricity prices of the home; no car is asked |

The examples below are steps of an automation or a script, or go into **Settings**, **Tools**, **Actions** in YAML mode. The
car's `device_id` is in the address of its device page, and is filled in by the editor when you choose the car.

## What an action answers

With a response variable, the answer has one entry per car, whatever became of the others:

```yaml
vehicles:
  - device_id: 0123456789abcdef0123456789abcdef
    name: Pearl
    outcome: refused
    reason: disconnected
    message: The car is not plugged in
```

The answer of `set_charging_current` has the current that the car will really use as `effective_current`; where cable
and charging station give less than what was set, `message` says so.

| outcome | means |
| --- | --- |
| `executed` | the car accepted it |
| `already` | the car was as wanted before |
| `superseded` | a later command for the same thing came first (a stop after a start, another limit): this one was not sent |
| `refused` | the car said no: `reason` is Tesla's word, `message` says it in plain words |
| `unknown` | the answer was lost: it may or may not have been carried out |
| `failed` | it was certainly not carried out: `reason` is a fixed word, `message` says why and what to do |

When an action ends with an error, which stops an automation:

| | one car | several cars |
| --- | --- | --- |
| with response variable | `failed` | all are `failed` |
| without | `failed`, `refused` or `unknown` | at least one is; the error names each of them |

Fields that make no sense, or a device that is no car, are an error before any car is asked.

## What costs nothing

A command for what is already so is not sent while the car is connected and has itself told that it is so. It is
then given {CONTRADICTION_TIME} seconds to contradict, because somebody may have changed it a moment ago; then the outcome is
`already`. Not taken as known is

- what was polled, or was told before the car connected,
- what a command has just set and the car has not confirmed,
- anything of a car that has said nothing for {SILENCE.seconds // 60} minutes,
- anything for {DOUBT:.0f} seconds after the answer to a command was lost,
- a charging current up to {LOW_CURRENT} A, or at the maximum of the cable.

A car that is asleep is not woken up for what it certainly is already: it does not charge, and its charge port is closed
if it was reported as closed.

`force: true` sends the command all the same.

## In which order, and until when

The commands of a car are sent one after the other, as they were given. A later command for the same thing replaces an
earlier one that was not sent. A command that could not be sent within {DEADLINE:.0f} seconds, beside the time of a wake-up,
is given up with an error: nothing that you wanted a while ago happens late.

`cover.open_cover` wakes a sleeping car only if the call lists the charge port or its car itself, not through `all`, an area,
a label or a group.

## Limits

An automation that repeats itself without end would spend your money, and have Tesla refuse what you yourself want.
So every car has limits, which no person and no sensible automation reaches:

{LIMIT_TABLE}

What exceeds a limit is an error, and is not sent; Settings, System, Repairs then tells which car and which command
it is, until an hour has passed without another. A command counts as *the same* until one of the same name with other
fields is given: a current that follows the sun is never the same. What [costs nothing](#what-costs-nothing) does not
count.

A person who uses a dashboard, a button or the developer tools has the second number on top when an automation has
used up the first. Home Assistant knows a person by the user; a program that uses a person's access token (Node-RED,
say) counts as that person. After a restart everything is counted from zero.

The prices are those of one request each, as is usual. The first command ever to a car takes two, and so does one
that the car does not get, or whose answer is lost: a runaway that never reaches its car costs twice as much.
"""
_NIGHT: Final = ("days: [mon, tue, wed, thu, fri]", 'start_time: "23:00"', 'end_time: "06:00"')
_ID: Final = "schedule_id: 1767225600"
_ANSWER: Final = "response_variable: answer"
EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "start_charging": (),
    "stop_charging": (),
    "set_charge_limit": ("percent: 80",),
    "set_charging_current": ("current: 10",),
    "open_charge_port": (),
    "close_charge_port": (),
    "wake_up": (),
    "refresh": (),
    "get_schedules": ("kind: charge",),
    "add_charge_schedule": ("name: Night", *_NIGHT),
    "change_charge_schedule": (_ID, 'start_time: "00:30"'),
    "remove_charge_schedule": (_ID,),
    "add_precondition_schedule": ('precondition_time: "07:30"', "days: [mon, tue, wed, thu, fri]"),
    "change_precondition_schedule": (_ID, "enabled: false"),
    "remove_precondition_schedule": (_ID,),
    "set_scheduled_charging": ("enabled: true", 'time: "01:00"'),
    "set_scheduled_departure": (
        "enabled: true",
        'departure_time: "07:30"',
        "preconditioning: weekdays",
        "off_peak_charging: weekdays",
        'off_peak_end_time: "06:00"',
    ),
    "get_plan": (),
    "set_departures": (
        'ready_by: "07:00"',
        "ready_level: 80",
        "weekly:",
        '  mon: "06:30"',
        "  fri:",
        '    time: "05:00"',
        "    level: 95",
        "  sun:",
    ),
    "charge_now": ("until_level: 60",),
    "pause": (),
    "skip": (),
    "resume": (),
}
"""By action: what an example of a call gives besides the car, as lines of YAML."""
ANSWERED: Final = frozenset(
    {"get_plan", "get_schedules", "add_charge_schedule", "add_precondition_schedule"}
)
"""Actions that are called for their answer."""
FIELD_HEAD: Final = "| field | | what it is |\n| --- | --- | --- |"


def page() -> str:
    """Return the whole page."""
    words = json.loads((INTEGRATION / "translations" / "en.json").read_text())
    described = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    parts = [HEAD]
    for action in ACTIONS:
        fields = described[action.name]["fields"]
        parts.extend(_section(action, words["services"][action.name], fields))
    parts.append(_prices(words["services"][GET_PRICES]))
    return "\n".join(parts) + "\n"


def _section(action: Action, words: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    description = words["description"].format(**PLACEHOLDERS)
    yield f"## {words['name']}\n\n`{DOMAIN}.{action.name}`\n\n{description}\n"
    if action.response is SupportsResponse.ONLY:
        yield "It needs a response variable.\n"
    yield FIELD_HEAD
    yield _row("device_id", "required", words["fields"]["device_id"]["description"])
    for marker in action.schema():
        name = str(marker)
        how = "required" if isinstance(marker, vol.Required) else _default(fields[name])
        text = words["fields"][name]["description"] + _choices(fields[name] or {})
        yield _row(name, how, text)
    yield f"\n```yaml\n{example(action.name)}\n```\n"


def _prices(words: Mapping[str, Any]) -> str:
    """Return the section about the prices, which are of a home and not of a car."""
    rows = "\n".join(
        _row(str(marker), "optional", words["fields"][str(marker)]["description"])
        for marker in FIELDS
    )
    head = f"## {words['name']}\n\n`{DOMAIN}.{GET_PRICES}`\n\n{words['description']}\n"
    return f"{head}\nIt needs a response variable.\n\n{FIELD_HEAD}\n{rows}\n{PRICES_ANSWER}"


PRICES_ANSWER: Final = """
```yaml
action: tesla_charging.get_prices
response_variable: answer
```

The answer, with prices per kWh, all included:

```yaml
currency: EUR
prices:
  - start: "2026-11-28T00:00:00+01:00"
    end: "2026-11-28T00:15:00+01:00"
    import_price: 0.2513
    export_price: 0.08
    certainty: known
    source: nordpool
sources:
  import:
    kind: nordpool
    entity_id: sensor.nord_pool_nl_current_price
    action: nordpool.get_prices_for_date
    asked_at: "2026-11-28T11:46:12+00:00"
    known_until: "2026-11-29T23:00:00+00:00"
    problem: null
```

`certainty` is `known` (published), `forecast` (the provider expects it) or `estimated` (from past days). The sources are set up
under *Configure*, *Smart charging: sources*.
"""


def example(name: str) -> str:
    """Return a call of an action, as a step of an automation or a script has it."""
    data = ("device_id: 0123456789abcdef0123456789abcdef", *EXAMPLES[name])
    lines = [f"action: {DOMAIN}.{name}", "data:", *(f"  {line}" for line in data)]
    return "\n".join([*lines, *([_ANSWER] if name in ANSWERED else [])])


def _row(name: str, how: str, text: str) -> str:
    return f"| `{name}` | {how} | {text} |"


def _default(field: Mapping[str, Any] | None) -> str:
    if field is None or "default" not in field:
        return "optional"
    return f"default `{json.dumps(field['default']).strip('"')}`"


def _choices(field: Mapping[str, Any]) -> str:
    """Return what can be chosen, or from where to where."""
    match field.get("selector"):
        case {"select": {"options": options, **more}}:
            return (
                (" Any of: " if more.get("multiple") else " One of: ")
                + ", ".join(f"`{option}`" for option in options)
                + "."
            )
        case {"number": {"min": minimum, "max": maximum, "unit_of_measurement": unit}}:
            return f" From {minimum} to {maximum} {unit}."
        case _:
            return ""


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text() == page() else 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
