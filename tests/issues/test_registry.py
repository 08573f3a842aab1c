"""The table of repair issues is complete, and one module alone raises and clears what is in it."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import tesla_charging
from custom_components.tesla_charging.issues.kinds import (
    ISSUE_TYPES,
    KEY_NOT_PAIRED,
    LEFTOVERS,
    LEFTOVERS_ACCOUNT,
    RECEIVER_ISSUES,
    TELEMETRY_SILENT,
    IssueType,
)
from custom_components.tesla_charging.issues.registry import async_issue_id
from tests.support.home import PEARL

INTEGRATION = Path(tesla_charging.__file__).parent
REGISTRY = INTEGRATION / "issues" / "registry.py"
CHANGES = {
    f"{prefix}{verb}_issue" for prefix in ("", "async_") for verb in ("create", "delete", "ignore")
}
"""What Home Assistant's issue registry offers to change an issue."""


def names_in(path: Path) -> Iterator[str]:
    """Return all names that a module imports or takes from another one."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.Attribute(attr=name):
                yield name


def test_only_the_registry_raises_and_clears_issues() -> None:
    users = {path for path in INTEGRATION.rglob("*.py") if CHANGES & set(names_in(path))}
    assert users == {REGISTRY}


def test_every_issue_of_the_translations_is_in_the_table() -> None:
    english = json.loads((INTEGRATION / "translations" / "en.json").read_text())
    assert {row.key for row in ISSUE_TYPES if row.shown} == set(english["issues"])


@pytest.mark.parametrize(
    ("issue_type", "expected"),
    [
        (KEY_NOT_PAIRED, "key_not_paired_ENTRY_unknown"),
        (RECEIVER_ISSUES["telemetry_port"], "telemetry_ENTRY"),
        (TELEMETRY_SILENT, "telemetry_silent_unknown"),
        (LEFTOVERS, "leftovers"),
        (LEFTOVERS_ACCOUNT, "leftovers_9af211329b2fc82e"),
    ],
)
def test_an_id_stays_as_it_is_stored(
    hass: HomeAssistant, issue_type: IssueType, expected: str
) -> None:
    entry: ConfigEntry = MockConfigEntry(entry_id="ENTRY", unique_id="account")
    assert async_issue_id(hass, issue_type, entry=entry, vin=PEARL) == expected


def test_an_issue_about_a_car_needs_a_car(hass: HomeAssistant) -> None:
    with pytest.raises(ValueError, match="telemetry_silent"):
        async_issue_id(hass, TELEMETRY_SILENT)
