"""Add the integration to a Home Assistant through its API, step by step as a person would."""

from collections.abc import Callable
import time
from typing import Any

from devtools.home.home import Home, HomeError
from devtools.home.simulated_tesla import CLIENT_ID, CLIENT_SECRET, SimulatedTesla

DOMAIN = "tesla_charging"
FLOW = "/api/config/config_entries/flow"
MAX_STEPS = 300
PROGRESS_SECONDS = 0.5

#: What a person answers to a step. Fields that are missing here keep what the form proposes.
ANSWERS: dict[str, dict[str, Any]] = {
    "user": {"location": True},
}
#: What a person picks from a menu.
CHOICES: dict[str, str] = {"telemetry": "telemetry_embedded"}
#: Errors that a person knows better about, and submits again: the public name of a demo leads nowhere.
INSISTED: frozenset[str] = frozenset(
    {"reach_foreign", "reach_inside", "reach_no_name", "reach_refused", "reach_silent"}
)
#: What a person does elsewhere before answering a step.
ERRANDS: dict[str, Callable[[SimulatedTesla], None]] = {"pair": SimulatedTesla.pair_cars}


def add_entry(home: Home, tesla: SimulatedTesla) -> dict[str, Any]:
    """Walk the config flow to its end and return the config entry.

    Application credentials come first, then the flow: Tesla's sign-in page wherever it sends the
    person outside, ERRANDS and ANSWERS for its forms, CHOICES for its menus. The home's external
    URL has to be one that the simulator was told of (see devtools.home.demo_home). Raises HomeError with
    what Home Assistant said if the flow ends in anything but an entry.
    """
    home.ws(
        {
            "type": "application_credentials/create",
            "domain": DOMAIN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "name": "Demo application",
        }
    )
    step = home.rest("POST", FLOW, {"handler": DOMAIN, "show_advanced_options": False})
    for _ in range(MAX_STEPS):
        if step["type"] == "create_entry":
            entry: dict[str, Any] = step["result"]
            return entry
        step = _next_step(home, tesla, step)
    raise HomeError(f"the config flow goes on and on: {step}")


def remove_entries(home: Home) -> None:
    """Remove every entry of the integration, and the application credentials with them."""
    for entry in home.rest("GET", f"/api/config/config_entries/entry?domain={DOMAIN}"):
        home.rest("DELETE", f"/api/config/config_entries/entry/{entry['entry_id']}")
    for row in home.ws({"type": "application_credentials/list"})[0]:
        if row["domain"] == DOMAIN:
            home.ws(
                {"type": "application_credentials/delete", "application_credentials_id": row["id"]}
            )


def _next_step(home: Home, tesla: SimulatedTesla, step: dict[str, Any]) -> dict[str, Any]:
    path = f"{FLOW}/{step['flow_id']}"
    if errand := ERRANDS.get(step.get("step_id", "")):
        errand(tesla)
    following: dict[str, Any]
    match step["type"]:
        case "form" if INSISTED.issuperset((step.get("errors") or {}).values()):
            following = home.rest("POST", path, answer(step, tesla), timeout=90)
        case "menu" if step["step_id"] in CHOICES:
            following = home.rest("POST", path, {"next_step_id": CHOICES[step["step_id"]]})
        case "external":
            tesla.consent(step["url"])
            following = home.rest("GET", path)
        case "progress":
            time.sleep(PROGRESS_SECONDS)
            following = home.rest("GET", path)
        case _:
            raise HomeError(f"the config flow cannot go on: {step}")
    return following


def answer(step: dict[str, Any], tesla: SimulatedTesla) -> dict[str, Any]:
    """Return a filled-in form: what it proposes, and over that what ANSWERS say for its step."""
    answers = ANSWERS.get(step["step_id"], {})
    if step["step_id"] == "telemetry_embedded":
        answers = {"inside": {"listen_host": "127.0.0.1", "listen_port": tesla.telemetry_port}}
    return proposed(step.get("data_schema") or []) | answers


def proposed(schema: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the values that a form shows before anybody types, sections included."""
    values: dict[str, Any] = {}
    for row in schema:
        suggestion = (row.get("description") or {}).get("suggested_value")
        if row.get("type") == "expandable":
            values[row["name"]] = proposed(row["schema"])
        elif suggestion is not None:
            values[row["name"]] = suggestion
        elif row.get("default") is not None:
            values[row["name"]] = row["default"]
    return values
