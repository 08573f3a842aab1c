"""The rules of the tests: helpers stand in plain modules, and what is patched is named by its import."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = [path.relative_to(ROOT) for path in sorted((ROOT / "tests").rglob("*.py"))]
OURS = ("custom_components", "devtools", "simulator", "tests")
PATCHES = {"setattr", "delattr", "patch"}


def imported(path: Path) -> Iterator[str]:
    """Yield what a module imports, each name as if it were a module."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parts[: -node.level] if node.level else ()
            module = ".".join([*package, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_no_helper(name: str) -> bool:
    """Return whether a name is, or is in, a module that only pytest imports."""
    top, *inner = name.split(".")
    return top == "tests" and any(part == "conftest" or part.startswith("test_") for part in inner)


def patched_by_name(path: Path) -> Iterator[str]:
    """Yield the dotted names of our own modules that are given as strings to be patched."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in PATCHES
            and node.args
            and isinstance(target := node.args[0], ast.Constant)
            and str(target.value).split(".")[0] in OURS
        ):
            yield str(target.value)


def test_nothing_is_imported_from_a_test_module_or_a_conftest() -> None:
    assert [
        (str(path), name) for path in MODULES for name in imported(path) if is_no_helper(name)
    ] == []


def test_what_is_patched_is_named_by_its_import() -> None:
    assert [(str(path), name) for path in MODULES for name in patched_by_name(path)] == []
