"""Changes what a module does while it is imported: tables, constants, classes; one mutant in one forked process.

Importing Home Assistant takes seconds, so it happens once, before the first fork. What is changed is imported
after it, so each process sees its own mutant. A mutant with which the import itself fails proves nothing about
the tests and is not counted.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import copy
from dataclasses import dataclass
import gc
import importlib
import importlib.util
import os
from pathlib import Path
import resource
import signal
import sys
import time
from types import ModuleType

AT_IMPORT = frozenset({"_number", "_void", "_empty", "_values"})
"""Functions that fill the tables: called during the import, and never again."""
PATIENCE = 90.0
"""Seconds of work after which a test run counts as noticed: a mutant may well make something go on for ever."""
LONGEST = 900.0
"""The same in seconds of the clock, for what waits for ever: on a busy computer work takes long."""


STILLBORN = 70


def runs_at_import(function: str) -> bool:
    """Return whether a function's body takes effect only during the import of its module."""
    return function in AT_IMPORT


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed module."""

    name: str
    module: str
    path: Path
    tree: ast.Module


def _constant(node: ast.Constant) -> Iterator[ast.expr]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() | float():
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case str():
            yield ast.Constant(f"XX{node.value}XX")
        case bytes():
            yield ast.Constant(b"XX" + node.value)


def _call(node: ast.Call) -> Iterator[ast.expr]:
    """Leave out one argument that may have a default; if it has none, the mutant is stillborn."""
    if node.args:
        yield ast.Call(node.func, node.args[:-1], node.keywords)
    for index in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:index] + node.keywords[index + 1 :])


def _elements(node: ast.Tuple | ast.List | ast.Set) -> Iterator[ast.expr]:
    """Leave out one element."""
    for index in range(len(node.elts)):
        rest = node.elts[:index] + node.elts[index + 1 :]
        if rest or not isinstance(node, ast.Set):
            changed = copy.copy(node)
            changed.elts = rest
            yield changed


def _dictionary(node: ast.Dict) -> Iterator[ast.expr]:
    for index in range(len(node.keys)):
        keys = node.keys[:index] + node.keys[index + 1 :]
        yield ast.Dict(keys, node.values[:index] + node.values[index + 1 :])


def _operation(node: ast.BinOp) -> Iterator[ast.expr]:
    others: dict[type[ast.operator], ast.operator] = {
        ast.Add: ast.Sub(),
        ast.Sub: ast.Add(),
        ast.Mult: ast.Div(),
        ast.Div: ast.Mult(),
        ast.LShift: ast.RShift(),
    }
    if (other := others.get(type(node.op))) is not None:
        yield ast.BinOp(node.left, other, node.right)


def _comparison(node: ast.Compare) -> Iterator[ast.expr]:
    others: dict[type[ast.cmpop], ast.cmpop] = {
        ast.Lt: ast.LtE(),
        ast.LtE: ast.Lt(),
        ast.Gt: ast.GtE(),
        ast.GtE: ast.Gt(),
        ast.Eq: ast.NotEq(),
    }
    if (other := others.get(type(node.ops[0]))) is not None:
        yield ast.Compare(node.left, [other, *node.ops[1:]], node.comparators)


MEMBERS = {
    "Retry": ("NEVER", "AFTER_PAUSE", "RESIGN"),
    "Section": ("CHARGE_STATE", "DRIVE_STATE", "VEHICLE_STATE"),
}
NAMES = (
    ("_word", "_boolean", "_version", "_position", "_PERCENT", "_AMPERES"),
    ("_CHARGE", "_DRIVE"),
    (
        "VehicleFault",
        "KeyNotPaired",
        "KeyDisabled",
        "NotAuthorized",
        "ProtocolRejected",
        "VehicleBusy",
        "CommandUnsupported",
        "CarUnreachable",
        "SessionOutOfSync",
        "RemoteAccessDisabled",
        "OutcomeUnknownFault",
    ),
)
"""What can stand for one another; each is tried as the one after it."""


def _attribute(node: ast.Attribute) -> Iterator[ast.expr]:
    """Take another member of an enumeration."""
    if isinstance(node.value, ast.Name):
        for member in MEMBERS.get(node.value.id, ()):
            if member != node.attr:
                yield ast.Attribute(node.value, member, node.ctx)


def _name(node: ast.Name) -> Iterator[ast.expr]:
    for alike in NAMES:
        if isinstance(node.ctx, ast.Load) and node.id in alike:
            yield ast.Name(alike[(alike.index(node.id) + 1) % len(alike)], node.ctx)


def _nothing(_: ast.expr) -> Iterator[ast.expr]:
    yield from ()


OPERATORS: dict[type[ast.AST], Callable[..., Iterator[ast.expr]]] = {
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Tuple: _elements,
    ast.List: _elements,
    ast.Set: _elements,
    ast.Dict: _dictionary,
    ast.BinOp: _operation,
    ast.Compare: _comparison,
    ast.Attribute: _attribute,
    ast.Name: _name,
}


def _targets(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Return every expression of the import: parent, field, and index if the field is a list."""
    for field, value in ast.iter_fields(node):
        # annotations mean nothing to a running program, decorators make everything else fail
        if field in {"annotation", "returns", "decorator_list", "type_params", "bases", "ctx"}:
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _left_out(child):
                continue
            if isinstance(child, ast.expr):
                yield node, field, index if isinstance(value, list) else None
            yield from _targets(child)


def _left_out(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name=name) if name in AT_IMPORT or name in {"fill", "check"}:
            return False
        case (
            ast.FunctionDef()
            | ast.AsyncFunctionDef()
            | ast.Import()
            | ast.ImportFrom()
            | ast.TypeAlias()
        ):
            return True
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Assign(targets=[ast.Name(id="__slots__" | "__all__")]):
            return True
        case _:
            return False


def mutants(root: Path, path: Path) -> Iterator[Mutant]:
    """Return every mutant of one module."""
    tree = ast.parse((root / path).read_text())
    module = ".".join(path.with_suffix("").parts)
    for parent, field, index in _targets(tree):
        place = getattr(parent, field)
        original = place if index is None else place[index]
        operator = OPERATORS.get(type(original), _nothing)
        for number, changed in enumerate(operator(original)):
            _put(parent, field, index, changed)
            name = f"{path.stem}:{original.lineno}:{original.col_offset}.{number} {ast.unparse(original)[:60]}"
            yield Mutant(
                f"{name} -> {ast.unparse(changed)[:60]}".replace("\n", " "),
                module,
                root / path,
                ast.fix_missing_locations(copy.deepcopy(tree)),
            )
        _put(parent, field, index, original)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.expr) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


class _Importer:
    """Gives the mutant to whoever imports its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, *_: object) -> object:
        if name != self._mutant.module:
            return None
        # the interface of importlib, without its abstract classes
        return importlib.util.spec_from_file_location(name, self._mutant.path, loader=self)  # type: ignore[arg-type]

    def create_module(self, _: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.tree, str(self._mutant.path), "exec"), module.__dict__)


def _tested(
    mutant: Mutant | None, near: Sequence[str], tests: Sequence[str], options: Sequence[str] = ()
) -> int | None:
    """Run the tests in a process of their own; return pytest's exit code, or STILLBORN, or None for too long."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (round(PATIENCE), round(PATIENCE) + 5))
            if mutant is not None:
                sys.meta_path.insert(0, _Importer(mutant))  # type: ignore[arg-type]  # as above
                status = STILLBORN
                importlib.import_module(mutant.module)
            import pytest

            # most fall at once, in the tests closest to them
            for chosen in filter(None, (near, tests)):
                status = int(pytest.main(["-x", "-q", "-p", "no:xdist", *options, *chosen]))
                if status:
                    break
        finally:
            os._exit(status)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _prepare(
    tests: Sequence[str], options: Sequence[str] = (), room: str = "custom_components"
) -> None:
    """Import what every process needs; what can be changed, and the tests of it, is left to each process."""
    import pytest

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        pytest.main(["--collect-only", "-q", "-p", "no:xdist", *options, *tests])
    if any(_uses(module, room) for module in list(sys.modules.values())):
        room = "custom_components"
    left = (room, "tests", "devtools.bench")
    for name in [name for name in sys.modules if name.startswith(left)]:
        del sys.modules[name]
    # pytest collects garbage at its end: what all processes have in common needs not be looked through each time
    gc.collect()
    gc.freeze()


def _uses(module: ModuleType, room: str) -> bool:
    """Return whether a module of the integration outside a room has something of it."""
    name = getattr(module, "__name__", "")
    if not name.startswith("custom_components") or name.startswith(room):
        return False
    things = list(vars(module).values())
    return any(str(getattr(thing, "__module__", "")).startswith(room) for thing in things)


ALONE = ("--noconftest", "-p", "no:homeassistant")
"""Options with which the tests of a room that needs no Home Assistant run, in a third of the time."""


def tester(
    root: Path, tests: Sequence[str], room: str | None
) -> Callable[[Mutant, Sequence[str]], int | None]:
    """Prepare the tests; return what runs them on a mutant, see _tested(). `room`: all mutants are of that package."""
    os.chdir(root)
    sys.path.insert(0, str(root))
    for options in ((),) if room is None else (ALONE, ()):
        _prepare(tests, options, room if room and options else "custom_components")
        if _tested(None, (), tests, options) == 0:
            return lambda mutant, near, options=options: _tested(mutant, near, tests, options)  # type: ignore[misc]
    raise SystemExit("the tests fail without any mutant")


def run(
    root: Path, modules: Sequence[Path], near: Mapping[str, Sequence[str]], tests: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Test every mutant; return each with what became of it. `near`: tests to begin with, by module."""
    test = tester(root, tests, None)
    for path in modules:
        for mutant in mutants(root, path):
            code = test(mutant, near.get(path.stem, ()))
            if code != STILLBORN:
                yield mutant.name, {0: "survived", None: "timed out"}.get(code, "killed")
