"""Home Assistant's own checks of a custom integration (hassfest), as far as they need no network.

The pipeline runs the real ones; these say the same before anything is pushed. Texts are looked at in
test_translations.py, the quality scale in test_quality_scale.py.
"""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
import tomllib
from typing import Any

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv, selector
from homeassistant.util.yaml import load_yaml_dict
import voluptuous as vol

from custom_components.tesla_charging.const import DOMAIN

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / DOMAIN
MANIFEST: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text())
ICONS: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text())
SERVICES = load_yaml_dict(str(INTEGRATION / "services.yaml"))
ENGLISH: dict[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text())


# -- manifest ------------------------------------------------------------------------------------------


def url(value: str) -> str:
    if not re.fullmatch(r"https://[\w.-]+\.[a-z]+/\S*", value):
        raise vol.Invalid("no address with https")
    return value


def requirement(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w.\[\]-]*(([=<>~!]=|[<>])[\w.]+,?)*", value):
        raise vol.Invalid("no requirement without spaces")
    return value


MANIFEST_RULES = vol.Schema(
    {
        vol.Required("domain"): INTEGRATION.name,
        vol.Required("name"): str,
        vol.Required("codeowners"): vol.All([vol.Match(r"^@[\w-]+$")], vol.Length(min=1)),
        vol.Required("config_flow"): True,
        vol.Required("documentation"): url,
        vol.Required("issue_tracker"): url,
        vol.Required("integration_type"): vol.In(["device", "hub", "service"]),
        vol.Required("iot_class"): vol.In(
            [
                "assumed_state",
                "calculated",
                "cloud_polling",
                "cloud_push",
                "local_polling",
                "local_push",
            ]
        ),
        vol.Required("version"): str,
        vol.Optional("quality_scale"): vol.In(["bronze", "silver", "gold", "platinum"]),
        vol.Optional("requirements"): [requirement],
        vol.Optional("dependencies"): [cv.slug],
        vol.Optional("after_dependencies"): [cv.slug],
        vol.Optional("loggers"): [str],
        vol.Optional("import_executor"): bool,
        vol.Optional("single_config_entry"): bool,
    }
)


def test_the_manifest_says_what_home_assistant_wants_to_know() -> None:
    MANIFEST_RULES(MANIFEST)
    assert list(MANIFEST) == ["domain", "name", *sorted(set(MANIFEST) - {"domain", "name"})]
    assert "www.home-assistant.io" not in MANIFEST["documentation"]
    assert not set(MANIFEST["dependencies"]) & set(MANIFEST["after_dependencies"])
    assert (INTEGRATION / "config_flow.py").is_file()


def test_the_version_is_one_and_the_same_everywhere() -> None:
    strategies = [AwesomeVersionStrategy.SEMVER, AwesomeVersionStrategy.CALVER]
    assert AwesomeVersion(MANIFEST["version"], ensure_strategy=strategies).valid
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == MANIFEST["version"]


def test_no_other_file_is_taken_for_a_manifest() -> None:
    """hassfest looks at every manifest.json of the repository."""
    places = ("custom_components", "simulator", "tests", "scripts", "docs")
    found = [path for place in places for path in (ROOT / place).rglob("manifest.json")]
    assert found == [INTEGRATION / "manifest.json"]


ALWAYS_THERE = {platform.value for platform in Platform} | {
    "automation",
    "device_automation",
    "frontend",
    "homeassistant",
    "persistent_notification",
    "system_health",
    "webhook",
    "websocket_api",
    "zone",
}


def imported_components(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            parts = node.module.split(".")
            if parts[:2] == ["homeassistant", "components"]:
                yield from [parts[2]] if len(parts) > 2 else (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("homeassistant.components."):
                    yield alias.name.split(".")[2]


def test_every_component_in_use_is_declared() -> None:
    declared = {*MANIFEST["dependencies"], *MANIFEST["after_dependencies"]}
    for path in INTEGRATION.rglob("*.py"):
        for component in imported_components(ast.parse(path.read_text())):
            own_platform = (INTEGRATION / f"{component}.py").is_file()
            assert component in declared | ALWAYS_THERE or own_platform, (path.name, component)


# -- actions, icons ------------------------------------------------------------------------------------

SLUG = vol.Match(r"^[a-z0-9]+(_[a-z0-9]+)*$")


def optional(**keys: Any) -> dict[Any, Any]:
    return {vol.Optional(key): rule for key, rule in keys.items()}


FIELD = optional(
    required=bool,
    advanced=bool,
    example=vol.NotIn([None]),
    default=vol.NotIn([None]),
    selector=selector.validate_selector,
)
SECTION = {vol.Required("fields"): {SLUG: FIELD}, **optional(collapsed=bool)}


def fields_of(action: dict[str, Any] | None) -> dict[str, Any]:
    """Return the fields of an action, also those that are in a section."""
    found: dict[str, Any] = {}
    for key, field in ((action or {}).get("fields") or {}).items():
        inner = field.get("fields", {key: field})
        assert not set(inner) & set(found), "a field is there twice"
        found |= inner
    return found


def test_actions_are_of_home_assistants_form() -> None:
    action = optional(fields={SLUG: vol.Any(FIELD, SECTION)}, target=vol.Maybe(dict))
    vol.Schema({SLUG: vol.Maybe(action)})(SERVICES)


def test_every_action_and_field_has_words_and_no_word_is_left_over() -> None:
    words = ENGLISH["services"]
    assert set(words) == set(SERVICES) == set(ICONS["services"])
    for name, action in SERVICES.items():
        assert set(words[name].get("fields", {})) == set(fields_of(action)), name
        sections = {key for key, field in action["fields"].items() if "fields" in field}
        assert set(words[name].get("sections", {})) == sections, name
        for field in fields_of(action).values():
            key = field.get("selector", {}).get("select", {}).get("translation_key")
            assert key is None or "options" in ENGLISH["selector"][key], (name, key)


ICON = vol.Match(r"^mdi:[a-z0-9-]+$")
STATES = {SLUG: ICON}


def test_icons_are_of_home_assistants_form() -> None:
    entity = {
        **optional(default=ICON, state=STATES, range={str: ICON}),
        **optional(state_attributes={SLUG: optional(default=ICON, state=STATES)}),
    }
    service = {vol.Required("service"): ICON, **optional(sections={SLUG: ICON})}
    vol.Schema(
        {
            vol.Required("entity"): {cv.slug: {SLUG: entity}},
            vol.Required("services"): {SLUG: service},
            **optional(triggers={SLUG: {"trigger": ICON}}, conditions={SLUG: {"condition": ICON}}),
        }
    )(ICONS)


def test_an_icon_for_a_state_is_for_a_state_that_exists() -> None:
    own = {"on", "off", "open", "closed", "opening", "closing", "home", "not_home"}
    for platform, entities in ICONS["entity"].items():
        for key, icon in entities.items():
            words = ENGLISH["entity"][platform][key]
            assert set(icon.get("state", {})) <= set(words.get("state", {})) | own, (platform, key)
