"""docs/simulated_home.md names only tests that there are, and every action and person."""

import ast
from pathlib import Path
import re

from simulator.home.actions import ACTIONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "simulated_home.md").read_text()
PLACES = (ROOT / "tests/simulator/home", ROOT / "tests/simulator/drivers")


def known_tests() -> set[str]:
    return {
        f"{path.name}::{node.name}"
        for place in PLACES
        for path in place.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_rule_names_a_test_that_there_is() -> None:
    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", PAGE))
    assert len(named) > 40
    assert named <= known_tests()


def test_every_action_is_on_the_page() -> None:
    assert [
        name for name in ACTIONS if f"`{name}`" not in PAGE and f"home/{name}`" not in PAGE
    ] == []
