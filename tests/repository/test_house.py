"""The rules of the house: who may import whom, and that every word has its translation."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
import json
from pathlib import Path

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.tesla_charging.actions.prices import FIELDS, GET_PRICES
from custom_components.tesla_charging.const import PLATFORMS
from custom_components.tesla_charging.exceptions import Message
from custom_components.tesla_charging.services import ACTIONS
from custom_components.tesla_charging.vehicle_command import COMMANDS
from devtools.docs.entity_docs import tables
from tests.support.translations import ENGLISH

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "tesla_charging"
NAME = "custom_components.tesla_charging"
LIBRARIES = ("fleet_api", "vehicle_command", "fleet_telemetry", "smart_charging")
"""Rooms that know neither Home Assistant, nor each other, nor the rest."""
ORDER = (
    *("const", "clock", "listeners", "tasks", "request_origin", "words", "device"),
    *("vehicle", "polling", "issues", "client", "storage", "billing", "auth"),
    *("commands", "exceptions"),
    *("coordinator", "shared_cars", "account", "telemetry", "charging", "data"),
    *("entity", "entities", "actions", "services", "setup_flow", "monitors", "removal"),
    *(*PLATFORMS, "device_trigger", "diagnostics", "repairs", "system_health"),
    *("application_credentials", "config_flow", "__init__"),
)
"""The rooms and top-level modules of the integration. Each imports only what stands before it."""
FORBIDDEN = (
    ("vehicle_command", ("aiohttp", "yarl")),
    ("fleet_api", ("tesla_protocol",)),
)
"""What a library room must not import besides: signing knows no HTTP, the Fleet API no protobuf."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An import: from the module of a file to another module."""

    path: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.target}"


def edges_of(path: Path) -> Iterator[Edge]:
    """Yield the imports of a file at run time, by absolute module names; not those for type checkers only."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (Edge(path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            modules = [f"{module}.{alias.name}" for alias in node.names]
            known = [name for name in modules if name in OURS]
            yield from (Edge(path, node.lineno, name) for name in known or [module])


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """Return the whole name of the module that an import names."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
    return ".".join([*package, *((node.module,) if node.module else ())])


def module_of(path: Path) -> str:
    """Return the name of a file's module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


OURS = {module_of(path) for path in INTEGRATION.rglob("*.py")}


def room_of(module: str) -> str | None:
    """Return the room, or the top-level module, of a module of the integration; None for any other module."""
    if module != NAME and not module.startswith(f"{NAME}."):
        return None
    return module.removeprefix(NAME).removeprefix(".").partition(".")[0] or "__init__"


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room_of(name) for name in OURS}
    assert rooms == {*ORDER, *LIBRARIES} - ({"smart_charging"} - rooms)


def test_rooms_import_only_rooms_before_them() -> None:
    places = {room: place for place, room in enumerate(ORDER)}
    wrong = [
        str(edge)
        for path in INTEGRATION.rglob("*.py")
        for edge in edges_of(path)
        if (room := room_of(module_of(path))) in places
        and (target := room_of(edge.target)) in places
        and room != target
        and places[target] > places[room]
    ]
    assert wrong == []


def test_library_rooms_know_neither_home_assistant_nor_the_rest_of_the_integration() -> None:
    wrong = [
        str(edge)
        for room in LIBRARIES
        for path in (INTEGRATION / room).rglob("*.py")
        for edge in edges_of(path)
        if edge.target.startswith("homeassistant") or room_of(edge.target) not in {None, room}
    ]
    assert wrong == []


def test_what_is_learnt_knows_neither_planner_nor_controller() -> None:
    room = f"{NAME}.smart_charging"
    allowed = {f"{room}.{name}" for name in ("series", "model", "estimate")}
    wrong = [
        str(edge)
        for path in (INTEGRATION / "smart_charging" / "learning").glob("*.py")
        for edge in edges_of(path)
        if room_of(edge.target) is not None
        and edge.target not in allowed
        and not edge.target.startswith(f"{room}.learning")
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module_of(path): {edge.target for edge in edges_of(path)} & OURS - {module_of(path)}
        for path in INTEGRATION.rglob("*.py")
    }
    # a package's module is run before its own modules, which may import it no more
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN)
def test_a_library_room_knows_only_its_own_protocol(room: str, forbidden: tuple[str, ...]) -> None:
    wrong = [
        str(edge)
        for path in (INTEGRATION / room).rglob("*.py")
        for edge in edges_of(path)
        if edge.target.startswith(forbidden)
    ]
    assert wrong == []


def test_the_simulator_knows_nothing_of_the_integration() -> None:
    wrong = [
        str(edge)
        for path in (ROOT / "simulator").rglob("*.py")
        for edge in edges_of(path)
        if edge.target.startswith(("custom_components", "homeassistant", "tests", "devtools"))
    ]
    assert wrong == []


def test_only_one_place_reads_the_environment() -> None:
    readers = [p.name for p in INTEGRATION.rglob("*.py") if "os.environ" in p.read_text()]
    assert readers == ["client.py"]


def test_every_error_is_translated() -> None:
    assert {*Message} == set(ENGLISH["exceptions"])


def test_every_entity_has_a_name_and_an_icon() -> None:
    icons = json.loads((INTEGRATION / "icons.json").read_text())
    for platform, entities in ENGLISH["entity"].items():
        keys = {row.key for of_platform, row in tables() if of_platform == platform}
        assert keys == set(entities), platform
        # a battery's icon shows its level by itself
        assert keys - {"battery_level"} == set(icons["entity"][platform]), platform


def test_every_action_is_described() -> None:
    described = load_yaml_dict(str(INTEGRATION / "services.yaml"))
    icons = json.loads((INTEGRATION / "icons.json").read_text())["services"]
    names = {action.name for action in ACTIONS} | {GET_PRICES}
    assert names == set(described) == set(ENGLISH["services"]) == set(icons)
    for action in ACTIONS:
        fields = {"device_id"} | {str(marker) for marker in action.schema()}
        assert fields == set(described[action.name]["fields"]), action.name
        assert fields == set(ENGLISH["services"][action.name]["fields"]), action.name
    fields = {str(marker) for marker in FIELDS}
    assert fields == set(described[GET_PRICES]["fields"])
    assert fields == set(ENGLISH["services"][GET_PRICES]["fields"])
    assert {action.command for action in ACTIONS} - {None} <= set(COMMANDS)


def test_the_translations_link_leads_to_the_translations() -> None:
    assert (ROOT / "translations").resolve() == INTEGRATION / "translations"
