"""Samples of mutants: each has a name of its own, and the list of equivalent ones names nothing that is gone."""

import ast
from pathlib import Path

import pytest

from devtools.mutants import sample

ROOT = Path(__file__).parents[2]
INTEGRATION = Path("custom_components/tesla_charging")


def room(name: str) -> sample.Room:
    return sample.Room.named(ROOT, INTEGRATION, name)


def test_a_part_of_a_room_has_its_modules_and_tests() -> None:
    part = room("smart_charging/solar*")
    assert all(path.stem.startswith("solar") for path in part.modules)
    assert part.tests
    assert all("/test_solar" in test for test in part.tests)
    assert part.near["solar_money"] == ("tests/smart_charging/test_solar_money.py",)
    assert room("smart_charging").tests == ("tests/smart_charging",)


def test_a_room_inside_a_room_has_its_modules_and_tests() -> None:
    for name in ("smart_charging/learning", "smart_charging/learning/*"):
        inner = room(name)
        assert {path.parent.name for path in inner.modules} == {"learning"}
        assert inner.tests == ("tests/smart_charging/learning",)
        assert inner.near["power"] == ("tests/smart_charging/learning/test_power.py",)


def test_a_room_that_does_not_exist_is_refused() -> None:
    for name in ("no_room", "smart_charging/nothing*"):
        with pytest.raises(SystemExit):
            room(name)


def test_every_mutant_has_a_name_of_its_own_and_is_another_program() -> None:
    path = INTEGRATION / "smart_charging" / "solar_money.py"
    text = (ROOT / path).read_text()
    found = [mutant.name for mutant in sample.mutants(ROOT, path)]
    assert len(found) == len(set(found)) > 100
    original = ast.unparse(ast.parse(text))
    for name in found[::15]:
        (mutant,) = sample.mutants(ROOT, path, name)
        assert ast.unparse(mutant.tree) != original, name
        compile(mutant.tree, "mutant", "exec")


def test_the_list_of_equivalent_mutants_names_existing_ones() -> None:
    stems = {line.partition(":")[0] for line in sample.equivalent()}
    modules = [path for path in (ROOT / INTEGRATION).rglob("*.py") if path.stem in stems]
    existing = {
        mutant.name for path in modules for mutant in sample.mutants(ROOT, path.relative_to(ROOT))
    }
    assert sample.equivalent() <= existing
