"""The Energy dashboard of the demo: the simulated home as entities, their past, and the car as a device."""

from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any
import urllib.request

from devtools.docs.dashboard import our_entities
from devtools.home.config_entry import FLOW
from devtools.home.home import Home, HomeError

DOMAIN = "simulated_home"
INTEGRATION = Path(__file__).parent / "demo_integration" / DOMAIN
#: Where the simulated home is: its sun and prices follow the clock of this place.
TIME_ZONE = "Europe/Amsterdam"
CURRENCY = "EUR"
HOUR = timedelta(hours=1)
#: The counters of the home's past, by the unique id of the entity that goes on with them.
COUNTERS = {
    "grid_import": "grid_import_kwh",
    "grid_export": "grid_export_kwh",
    "solar_energy": "solar_kwh",
    "house_energy": "load_kwh",
    "battery_in": "battery_in_kwh",
    "battery_out": "battery_out_kwh",
}
#: The same for money: Home Assistant makes these entities itself, and names them after an entity of ours.
MONEY = {
    "import_cost": ("grid_import", "cost"),
    "export_revenue": ("grid_export", "compensation"),
}


def add_simulated_home(home: Home, base_url: str) -> None:
    """Add the home that the simulator at this address has, and fill the Energy dashboard with it.

    Of a kept Home Assistant the entry is made anew; it has its past already.
    """
    for entry in home.rest("GET", f"/api/config/config_entries/entry?domain={DOMAIN}"):
        home.rest("DELETE", f"/api/config/config_entries/entry/{entry['entry_id']}")
    step = home.rest("POST", FLOW, {"handler": DOMAIN})
    step = home.rest("POST", f"{FLOW}/{step['flow_id']}", {"url": base_url})
    if step["type"] != "create_entry":
        raise HomeError(f"the simulated home cannot be added: {step}")
    entities = entities_of(home)
    kept = has_preferences(home)
    save_preferences(home, sources(entities, step["result"]["entry_id"]), [])
    if not kept:
        import_past(home, entities, base_url)


def entities_of(home: Home) -> dict[str, str]:
    """Return the entity ids of the simulated home by unique id."""
    rows = home.ws({"type": "config/entity_registry/list"})[0]
    return {row["unique_id"]: row["entity_id"] for row in rows if row["platform"] == DOMAIN}


def has_preferences(home: Home) -> bool:
    """Tell whether the Energy dashboard is set up already."""
    try:
        return bool(home.ws({"type": "energy/get_prefs"})[0]["energy_sources"])
    except HomeError:  # "No prefs", the answer of a new Home Assistant
        return False


def save_preferences(
    home: Home, energy_sources: list[dict[str, Any]], devices: list[dict[str, Any]]
) -> None:
    """Set the Energy dashboard up."""
    wanted = {"energy_sources": energy_sources, "device_consumption": devices}
    home.ws({"type": "energy/save_prefs", **wanted})


def add_cars(home: Home) -> None:
    """Add what was charged at home as individual devices, under the names of the cars."""
    devices = [
        {"stat_consumption": row["entity_id"]}
        for row in our_entities(home)
        if row["translation_key"] == "energy_charged_home"
    ]
    prefs = home.ws({"type": "energy/get_prefs"})[0]
    save_preferences(home, prefs["energy_sources"], devices)


def sources(entities: dict[str, str], entry_id: str) -> list[dict[str, Any]]:
    """Return grid, sun and battery as the Energy dashboard's settings have them."""
    found: list[dict[str, Any]] = [
        {
            "type": "grid",
            "name": "Grid",
            "stat_energy_from": entities["grid_import"],
            "stat_energy_to": entities["grid_export"],
            "entity_energy_price": entities["import_price"],
            "entity_energy_price_export": entities["export_price"],
            "power_config": {"stat_rate": entities["grid_power"]},
            "cost_adjustment_day": 0,
        }
    ]
    if "solar_energy" in entities:
        found.append(
            {
                "type": "solar",
                "name": "Solar",
                "stat_energy_from": entities["solar_energy"],
                "stat_rate": entities["solar_power"],
                "config_entry_solar_forecast": [entry_id],
            }
        )
    if "battery_out" in entities:
        found.append(
            {
                "type": "battery",
                "name": "Battery",
                "stat_energy_from": entities["battery_out"],
                "stat_energy_to": entities["battery_in"],
                "power_config": {"stat_rate": entities["battery_power"]},
                "stat_soc": entities["battery_level"],
            }
        )
    return found


def import_past(home: Home, entities: dict[str, str], base_url: str) -> None:
    """Import the hours that the home was there before Home Assistant, as somebody moves an old database over."""
    with urllib.request.urlopen(f"{base_url}/home/history", timeout=60) as answer:
        hours: list[dict[str, Any]] = json.loads(answer.read())["hours"]
    if not hours:
        return
    energy = [
        metadata(entities[key], "kWh", "energy") | {"stats": counted(hours, field)}
        for key, field in COUNTERS.items()
        if key in entities
    ]
    money = [
        metadata(f"{entities[key]}_{suffix}", CURRENCY, None) | {"stats": counted(hours, field)}
        for field, (key, suffix) in MONEY.items()
    ]
    home.ws(*({"type": "recorder/import_statistics", **row} for row in energy + money))


def metadata(statistic: str, unit: str, unit_class: str | None) -> dict[str, Any]:
    """Describe a sum of an entity."""
    told = {"source": "recorder", "statistic_id": statistic, "name": None}
    told |= {"unit_of_measurement": unit, "unit_class": unit_class}
    return {"metadata": {**told, "mean_type": 0, "has_mean": False, "has_sum": True}}


def counted(hours: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Return the sums of the hours that have ended. They end at 0, where Home Assistant's own sum begins."""
    last = hours[-1][field]
    return [
        {
            "start": (datetime.fromisoformat(hour["at"]) - HOUR).isoformat(),
            "state": hour[field],
            "sum": hour[field] - last,
        }
        for hour in hours
    ]
