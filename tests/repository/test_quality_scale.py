"""The Integration Quality Scale: every rule has an answer, and nothing is claimed that is not reached.

hassfest does not read this file of a custom integration, so this test is what holds it to it.
"""

import json
from pathlib import Path
import re
from typing import Any

from homeassistant.const import Platform
from homeassistant.util.yaml import load_yaml_dict
import voluptuous as vol

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "tesla_charging"

TIERS = {
    "bronze": """
        action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
        dependency-transparency docs-actions docs-conditions docs-high-level-description
        docs-installation-instructions docs-removal-instructions docs-triggers entity-event-setup
        entity-unique-id has-entity-name runtime-data test-before-configure test-before-setup
        unique-config-entry
    """,
    "silver": """
        action-exceptions config-entry-unloading docs-configuration-parameters
        docs-installation-parameters entity-unavailable integration-owner log-when-unavailable
        parallel-updates reauthentication-flow test-coverage
    """,
    "gold": """
        devices diagnostics discovery discovery-update-info docs-data-update docs-examples
        docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting
        docs-use-cases dynamic-devices entity-category entity-device-class entity-disabled-by-default
        entity-translations exception-translations icon-translations reconfiguration-flow repair-issues
        stale-devices
    """,
    "platinum": "async-dependency inject-websession strict-typing",
}
ANSWERS: dict[str, Any] = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]


def test_every_rule_of_the_quality_scale_has_an_answer() -> None:
    rules = [rule for tier in TIERS.values() for rule in tier.split()]
    assert len(rules) == 54
    assert sorted(ANSWERS) == sorted(rules)
    sentence = vol.Match(r"^[A-Z].{20,}\.$")
    answer = {
        vol.Required("status"): vol.In(["done", "exempt", "todo"]),
        vol.Required("comment"): sentence,
    }
    vol.Schema({str: vol.Any("done", answer)})(ANSWERS)


def test_the_manifest_claims_no_tier_that_is_not_reached() -> None:
    claimed = json.loads((INTEGRATION / "manifest.json").read_text()).get("quality_scale")
    if claimed is None:
        return
    for tier, rules in TIERS.items():
        for rule in rules.split():
            answer = ANSWERS[rule]
            status = answer if isinstance(answer, str) else answer["status"]
            assert status in {"done", "exempt"}, rule
        if tier == claimed:
            break


SOURCES = {path: path.read_text() for path in INTEGRATION.rglob("*.py")}


def test_what_can_be_seen_of_the_rules_in_the_code_is_there() -> None:
    everything = "\n".join(SOURCES.values())
    for rule, evidence in {
        "config-flow": "class TeslaChargingFlow",
        "diagnostics": "async def async_get_config_entry_diagnostics",
        "has-entity-name": "_attr_has_entity_name = True",
        "inject-websession": "async_get_clientsession",
        "reauthentication-flow": "async def async_step_reauth",
        "reconfiguration-flow": "async def async_step_reconfigure",
        "repair-issues": "async def async_create_fix_flow",
        "runtime-data": "entry.runtime_data = ",
        "stale-devices": "async def async_remove_config_entry_device",
        "unique-config-entry": "_abort_if_unique_id_configured",
    }.items():
        if ANSWERS[rule] == "done":
            assert evidence in everything, rule


def test_every_platform_says_how_many_updates_it_takes_at_once() -> None:
    platforms = {f"{platform.value}.py" for platform in Platform}
    for path, source in SOURCES.items():
        if path.parent == INTEGRATION and path.name in platforms:
            assert re.search(r"^PARALLEL_UPDATES = \d+$", source, re.MULTILINE), path.name
