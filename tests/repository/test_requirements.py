"""What is required and where it is tested: the manifest, the files of pinned packages, and the scripts agree."""

import importlib.metadata
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
from packaging.requirements import Requirement
from packaging.version import Version
import pytest

from devtools.ranges.__main__ import pins

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "tesla_charging"
MANIFEST: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text())
OLDEST = Version(json.loads((ROOT / "hacs.json").read_text())["homeassistant"])
REQUIRED = [Requirement(requirement) for requirement in MANIFEST["requirements"]]
LOWEST, HIGHEST = pins("lowest"), pins("highest")


def pinned(file: str) -> dict[str, Version]:
    """Return package -> version of a file that scripts/update-requirements has made."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {name: Version(version) for name, version in found}


DEVELOPMENT, NEWEST = pinned("requirements_dev.txt"), pinned("requirements_newest.txt")


def bounds(requirement: Requirement) -> dict[str, Version]:
    """Return operator -> version."""
    return {part.operator: Version(part.version) for part in requirement.specifier}


@pytest.mark.parametrize("requirement", REQUIRED, ids=str)
def test_a_range_of_the_manifest_is_tested_at_both_its_ends(requirement: Requirement) -> None:
    ends = bounds(requirement)
    assert set(ends) == {">=", "<"}, "a lowest version, and a major one that is not there yet"
    assert Version(LOWEST[requirement.name]) == ends[">="]
    highest = Version(HIGHEST[requirement.name])
    assert ends["<"] == Version(str(highest.major + 1)), "the next major version is untested"


@pytest.mark.parametrize("requirement", REQUIRED, ids=str)
def test_what_the_manifest_wants_is_what_the_tests_run_with(requirement: Requirement) -> None:
    for versions in (DEVELOPMENT, NEWEST):
        assert versions[requirement.name] in requirement.specifier


def test_what_a_requirement_needs_itself_is_tested_at_both_ends_of_its_range() -> None:
    """The bytes are protobuf's, in the version that Home Assistant happens to bring."""
    needed = [
        Requirement(text)
        for requirement in REQUIRED
        for text in importlib.metadata.requires(requirement.name) or []
    ]
    protobuf = next(requirement for requirement in needed if requirement.name == "protobuf")
    assert Version(LOWEST["protobuf"]) == bounds(protobuf)[">="]
    highest = Version(HIGHEST["protobuf"])
    assert bounds(protobuf)["<"] == Version(str(highest.major + 1))
    assert DEVELOPMENT["protobuf"] in protobuf.specifier
    assert NEWEST["protobuf"] in protobuf.specifier


def test_signatures_are_tested_with_the_cryptography_of_the_oldest_and_of_the_newest() -> None:
    assert Version(LOWEST["cryptography"]) <= DEVELOPMENT["cryptography"]
    assert Version(HIGHEST["cryptography"]) == NEWEST["cryptography"]


def test_the_newest_home_assistant_is_none_that_is_older() -> None:
    assert OLDEST <= DEVELOPMENT["homeassistant"] <= NEWEST["homeassistant"]
    first = (ROOT / "requirements_newest.txt").read_text().splitlines()[0]
    assert str(NEWEST["homeassistant"]) in first, "the first line says which"


def test_the_integration_does_not_use_what_it_does_not_require() -> None:
    """flatbuffers is in the environment for the tests only."""
    for path in INTEGRATION.rglob("*.py"):
        assert "flatbuffers" not in re.findall(
            r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE
        ), path


def test_continuous_integration_runs_both_ends_and_the_newest() -> None:
    run = (ROOT / ".ci" / "run").read_text()
    for command in (
        "scripts/ranges",
        "scripts/demo --newest --check",
        "scripts/test --newest --fast",
    ):
        assert re.search(rf"^ *(step|reported) .* {command}$", run, re.MULTILINE), command
    workflow = load_yaml_dict(str(ROOT / ".github" / "workflows" / "tests.yml"))
    steps = [step.get("run") for step in workflow["jobs"]["newest"]["steps"]]
    assert "scripts/test --newest" in steps
    assert "scripts/test --newest --soak" in steps
