"""The rules of the house: who may import whom, and that every word has its translation."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.tesla_charging.exceptions import _REFUSALS, _TOO_OFTEN, _TRANSLATIONS
from custom_components.tesla_charging.services import ACTIONS
from custom_components.tesla_charging.vehicle_command import COMMANDS
from devtools.docs.entity_docs import tables
from tests.support.translations import ENGLISH

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "tesla_charging"
LIBRARY_ROOMS = [
    room
    for name in ("fleet_api", "vehicle_command", "fleet_telemetry", "smart_charging")
    if (room := INTEGRATION / name).exists()
]


MODULES = [
    path
    for path in INTEGRATION.rglob("*.py")
    if not any(path.is_relative_to(room) for room in LIBRARY_ROOMS)
]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield absolute(path, node)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """Return the module that an import names, whole."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
    return ".".join([*package, *((node.module,) if node.module else ())])


@pytest.mark.parametrize("room", LIBRARY_ROOMS, ids=lambda room: room.name)
def test_library_rooms_know_neither_home_assistant_nor_the_rest_of_the_integration(
    room: Path,
) -> None:
    for path in room.rglob("*.py"):
        for name in imports_of(path):
            assert not name.startswith("homeassistant"), (path, name)
            if name.startswith("custom_components"):
                assert name.split(".")[2:3] == [room.name], (path, name)


def test_signing_knows_no_http_and_the_fleet_api_knows_no_signing() -> None:
    for path in (INTEGRATION / "vehicle_command").rglob("*.py"):
        assert not [name for name in imports_of(path) if name.startswith(("aiohttp", "yarl"))], path
    for path in (INTEGRATION / "fleet_api").rglob("*.py"):
        assert not [name for name in imports_of(path) if name.startswith("tesla_protocol")], path


def test_the_simulator_knows_nothing_of_the_integration() -> None:
    for path in (ROOT / "simulator").rglob("*.py"):
        for name in imports_of(path):
            assert not name.startswith(("custom_components", "homeassistant", "tests")), (
                path,
                name,
            )


def test_only_one_place_reads_the_environment() -> None:
    readers = [p.name for p in INTEGRATION.rglob("*.py") if "os.environ" in p.read_text()]
    assert readers == ["client.py"]


def test_every_error_is_translated() -> None:
    words = ENGLISH["exceptions"]
    keys = {key for _, key in _TRANSLATIONS} | {f"refused_{word}" for word in _REFUSALS}
    keys |= {
        "unexpected",
        "refused",
        "outcome_unknown",
        "no_such_car",
        "key_missing",
        "key_unreadable",
    }
    keys |= set(_TOO_OFTEN.values())
    # those of the actions are where they are raised
    actions = {"services.py", "schedule_actions.py", "schedules.py", "coordinator.py"}
    raised = r'(?:invalid\(|asleep\(|translation_key=|key = )"(\w+)"(?: if expected else "(\w+)")?'
    for match in re.findall(
        raised, "".join(path.read_text() for path in MODULES if path.name in actions)
    ):
        keys |= set(match) - {""}
    assert keys == set(words)


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
    names = {action.name for action in ACTIONS}
    assert names == set(described) == set(ENGLISH["services"]) == set(icons)
    for action in ACTIONS:
        fields = {"device_id"} | {str(marker) for marker in action.schema()}
        assert fields == set(described[action.name]["fields"]), action.name
        assert fields == set(ENGLISH["services"][action.name]["fields"]), action.name
    assert {action.command for action in ACTIONS} - {None} <= set(COMMANDS)


def test_the_translations_link_leads_to_the_translations() -> None:
    assert (ROOT / "translations").resolve() == INTEGRATION / "translations"
