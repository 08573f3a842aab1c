"""The page about schedules: every rule names a test that exists, every other reading is a rule."""

import ast
from pathlib import Path
import re

from simulator import OtherReading

HERE = Path(__file__).parent
PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()


def test_every_rule_names_a_test_that_exists() -> None:
    rules = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    rules = [line for line in rules if not line.startswith("| rule ")]
    named = [re.findall(r"`(test_schedules_\w+\.py)::(\w+)`", line) for line in rules]
    assert rules
    assert all(len(one) == 1 for one in named)
    for ((file, name),) in named:
        tree = ast.parse((HERE / file).read_text())
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {one.name for one in tree.body if isinstance(one, functions)}


def test_every_other_reading_is_a_rule_and_is_tested() -> None:
    tests = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    for reading in OtherReading:
        assert f"`{reading}`" in PAGE
        assert f"OtherReading.{reading.name}" in tests
        assert reading.about.endswith(".")
        assert reading.source
