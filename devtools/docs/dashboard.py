"""The demo's dashboard: every car with what it shows, and a way to the simulated Tesla."""

from typing import Any

from devtools.home.config_entry import DOMAIN
from devtools.home.home import Home

PATH = "tesla-charging"

PRESS = {"action": "perform-action", "perform_action": "button.press", "target": {}}
#: What a newcomer wants to see, in this order, and what a tile lets him do.
TILES: dict[str, dict[str, Any]] = {
    "battery_level": {},
    "charging_state": {},
    "why_not_charging": {},
    "charging": {"features": [{"type": "toggle"}]},
    "plugged_in": {},
    "charge_limit": {"features": [{"type": "numeric-input", "style": "slider"}]},
    "charging_current": {"features": [{"type": "numeric-input", "style": "slider"}]},
    "charge_power": {},
    "energy_added": {},
    "full_charge_time": {"visibility": [{"condition": "state", "state_not": "unknown"}]},
    "range": {},
    "at_home": {},
    "status": {},
    "telemetry": {},
    "charge_port": {"features": [{"type": "cover-open-close"}]},
    "wake_up": {"hide_state": True, "tap_action": PRESS},
    "cost_this_month": {},
    "credit_left": {},
    "budget": {},
}


def our_entities(home: Home) -> list[dict[str, Any]]:
    """Return the integration's rows of the entity registry, without the disabled ones."""
    rows = home.ws({"type": "config/entity_registry/list"})[0]
    return [row for row in rows if row["platform"] == DOMAIN and not row["disabled_by"]]


def our_devices(home: Home) -> list[dict[str, Any]]:
    """Return the integration's rows of the device registry."""
    ids = {row["device_id"] for row in our_entities(home)}
    return [d for d in home.ws({"type": "config/device_registry/list"})[0] if d["id"] in ids]


def create_dashboard(home: Home, simulator_url: str, *, simulated_home: bool = False) -> str:
    """Create the dashboard, unless it is there, and fill it; return its path."""
    entities = our_entities(home)
    note = f"The cars live in a [simulated Tesla]({simulator_url}/): plug them in, drive them away."
    if simulated_home:
        note += (
            f" They charge at a [simulated home]({simulator_url}/home): plug in there, make clouds or a price outage. "
            "What it meters is in the [Energy dashboard](/energy)."
        )
    sections = []
    for device in our_devices(home):
        rows = {row["translation_key"]: row for row in entities if row["device_id"] == device["id"]}
        if shown := [_tile(rows[key], TILES[key]) for key in TILES if key in rows]:
            sections.append(_section(device["name_by_user"] or device["name"], shown))
    sections.append(_section("Simulated Tesla", [{"type": "markdown", "content": note}]))
    known = home.ws({"type": "lovelace/dashboards/list"})[0]
    if PATH not in {row["url_path"] for row in known}:
        home.ws(
            {
                "type": "lovelace/dashboards/create",
                "url_path": PATH,
                "title": "Tesla Charging",
                "icon": "mdi:ev-station",
                "show_in_sidebar": True,
                "require_admin": False,
            }
        )
    view = {"title": "Cars", "type": "sections", "sections": sections}
    home.ws({"type": "lovelace/config/save", "url_path": PATH, "config": {"views": [view]}})
    return f"/{PATH}/0"


def _tile(row: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    entity = row["entity_id"]
    tile = {"type": "tile", "entity": entity, "name": row["original_name"], **more}
    if "visibility" in tile:
        tile["visibility"] = [{**condition, "entity": entity} for condition in tile["visibility"]]
    if tile.get("tap_action") is PRESS:
        tile["tap_action"] = {**PRESS, "target": {"entity_id": entity}}
    return tile


def _section(heading: str, cards: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "grid", "cards": [{"type": "heading", "heading": heading}, *cards]}
