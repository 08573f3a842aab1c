"""The dashboards to take over: Home Assistant loads them, and they name only entities that cars really have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.core import valid_entity_id
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.support.home import MIDNIGHT, PEARL, Home

DASHBOARDS = Path(__file__).parents[2] / "docs" / "dashboard"
FILES = ("one_car.yaml", "several_cars.yaml")
CORE_CARDS = {"grid", "heading", "history-graph", "logbook", "tile"}
FEATURES = {"toggle", "numeric-input", "cover-open-close"}


def loaded(name: str) -> dict[str, Any]:
    return load_yaml_dict(str(DASHBOARDS / name))


def words(node: object) -> Iterator[str]:
    """Return every text of a dashboard."""
    if isinstance(node, dict):
        for value in node.values():
            yield from words(value)
    elif isinstance(node, list):
        for value in node:
            yield from words(value)
    elif isinstance(node, str):
        yield node


def cards(name: str) -> Iterator[dict[str, Any]]:
    for view in loaded(name)["views"]:
        assert view["type"] == "sections"
        for section in view["sections"]:
            yield section
            yield from section["cards"]


def test_these_are_all() -> None:
    assert sorted(path.name for path in DASHBOARDS.glob("*.yaml")) == sorted(FILES)


@pytest.mark.new_home
@pytest.mark.parametrize("name", FILES)
async def test_only_entities_are_named_that_a_new_car_has(home: Home, name: str) -> None:
    for vin, car in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, car, sleep_after=None).plug_in()
    await home.set_up()
    named = {word for word in words(loaded(name)) if valid_entity_id(word)} - {"button.press"}
    assert len(named) >= 15
    assert {entity for entity in named if home.hass.states.get(entity) is None} == set()


@pytest.mark.parametrize("name", FILES)
async def test_home_assistant_loads_it(home: Home, name: str) -> None:
    hass = home.hass
    Path(hass.config.path("car.yaml")).write_text((DASHBOARDS / name).read_text())
    row = {"mode": "yaml", "filename": "car.yaml", "title": "Car", "show_in_sidebar": True}
    config = {"lovelace": {"dashboards": {"tesla-car": row}}}
    assert await async_setup_component(hass, "lovelace", config)
    assert await hass.data[LOVELACE_DATA].dashboards["tesla-car"].async_load(False) == loaded(name)


@pytest.mark.parametrize("name", FILES)
def test_it_needs_no_card_from_elsewhere(name: str) -> None:
    assert {card["type"] for card in cards(name)} <= CORE_CARDS
    features = {feature["type"] for card in cards(name) for feature in card.get("features", [])}
    assert features <= FEATURES


@pytest.mark.parametrize("name", FILES)
def test_the_page_tells_how_to_take_it_over(name: str) -> None:
    page = (DASHBOARDS.parent / "dashboard.md").read_text()
    assert f"dashboard/{name}" in page
