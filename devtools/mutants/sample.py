"""Tests a seeded sample of all mutants of a room: of its functions, tables, constants and classes.

The names of mutants do not depend on line numbers, so the list of equivalent ones outlives other changes of a module.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
import copy
from dataclasses import dataclass
from pathlib import Path
import random
import time

from devtools.mutants import tables
from devtools.mutants.tables import Mutant

EQUIVALENT = Path(__file__).with_name("equivalent.txt")
SWAPPED_NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
}
NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
LEFT_OUT_FIELDS = frozenset(
    {"annotation", "returns", "decorator_list", "type_params", "bases", "ctx", "args"}
)
"""Annotations mean nothing to a running program; without its decorators or parameters everything fails."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is changed, and the tests that should notice."""

    modules: tuple[Path, ...]
    tests: tuple[str, ...]
    near: dict[str, tuple[str, ...]]

    @classmethod
    def named(cls, root: Path, integration: Path, name: str) -> Room:
        """Find a room by its name, a room inside it, or some modules of it by a pattern (`smart_charging/solar*`)."""
        place, _, pattern = name.strip("/").removesuffix("/*").partition("/")
        if (root / integration / place / pattern).is_dir():
            place, pattern = f"{place}/{pattern}".strip("/"), ""
        modules = sorted((root / integration / place).rglob(f"{pattern or '*'}.py"))
        tests = root / "tests" / place
        if not modules or not tests.is_dir():
            raise SystemExit(f"no room {name} with tests in tests/{place}")
        near = {
            path.stem: tuple(
                str(test.relative_to(root)) for test in sorted(tests.rglob(f"test_{path.stem}.py"))
            )
            for path in modules
        }
        return cls(
            tuple(path.relative_to(root) for path in modules),
            # a part of the room is tested by the tests whose names begin like its pattern
            tuple(str(test.relative_to(root)) for test in sorted(tests.glob(f"test_{pattern}.py")))
            if pattern
            else (f"tests/{place}",),
            near,
        )


def _compare(node: ast.Compare) -> Iterator[ast.expr]:
    for index, operator in enumerate(node.ops):
        others = [NEGATED.get(type(operator))]
        if index:
            # the first one is changed by the operator of the tables
            others.append({ast.Lt: ast.LtE, ast.LtE: ast.Lt}.get(type(operator)))
        for other in filter(None, others):
            yield ast.Compare(
                node.left, [*node.ops[:index], other(), *node.ops[index + 1 :]], node.comparators
            )


def _boolean(node: ast.BoolOp) -> Iterator[ast.expr]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _unary(node: ast.UnaryOp) -> Iterator[ast.expr]:
    yield node.operand


def _choice(node: ast.IfExp) -> Iterator[ast.expr]:
    yield ast.IfExp(node.test, node.orelse, node.body)


def _binary(node: ast.BinOp) -> Iterator[ast.expr]:
    if (other := OTHER_OPERATORS.get(type(node.op))) is not None:
        yield ast.BinOp(node.left, other(), node.right)


def _name(node: ast.Name) -> Iterator[ast.expr]:
    if isinstance(node.ctx, ast.Load) and (other := SWAPPED_NAMES.get(node.id)):
        yield ast.Name(other, node.ctx)


def _attribute(node: ast.Attribute) -> Iterator[ast.expr]:
    if isinstance(node.ctx, ast.Load) and (other := SWAPPED_NAMES.get(node.attr)):
        yield ast.Attribute(node.value, other, node.ctx)


EXPRESSIONS: dict[type[ast.AST], tuple[Callable[..., Iterator[ast.expr]], ...]] = {
    ast.Compare: (tables.OPERATORS[ast.Compare], _compare),
    ast.BoolOp: (_boolean,),
    ast.UnaryOp: (_unary,),
    ast.IfExp: (_choice,),
    ast.BinOp: (_binary,),
    ast.Name: (_name,),
    ast.Attribute: (_attribute,),
    **{
        kind: (tables.OPERATORS[kind],)
        for kind in (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict)
    },
}


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """Return what may stand in place of a statement."""
    match node:
        case ast.If() | ast.While():
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign() if other := OTHER_OPERATORS.get(type(node.op)):
            yield ast.AugAssign(node.target, other(), node.value)
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Assign(value=value) if not _is_none(value):
            yield ast.Assign(node.targets, ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.TypeAlias() | ast.JoinedStr() | ast.Assert():
            return True
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Assign(targets=[ast.Name(id="__slots__" | "__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Place:
    """An expression or statement of a module, and in which function or class it stands."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    scope: str

    def put(self, node: ast.AST) -> None:
        """Put another one there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def _places(node: ast.AST, scope: str = "") -> Iterator[_Place]:
    for field, value in ast.iter_fields(node):
        # the arguments of a call are expressions, those of a function are its parameters
        if field in LEFT_OUT_FIELDS and not (field == "args" and isinstance(node, ast.Call)):
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _is_left_out(child):
                continue
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{scope}.{child.name}" if scope else child.name
            yield _Place(node, field, index if isinstance(value, list) else None, child, scope)
            yield from _places(child, inner)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    for operator in EXPRESSIONS.get(type(node), ()):
        yield from operator(node)
    if isinstance(node, ast.stmt):
        yield from _statements(node)


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.copy(node))).split())[:80]


def mutants(root: Path, path: Path, only: str | None = None) -> Iterator[Mutant]:
    """Return every mutant of one module, or the one with that name. Without a name they share one tree: for names only."""
    tree = ast.parse((root / path).read_text())
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    seen: Counter[str] = Counter()
    for place in list(_places(tree)):
        for changed in _changed(place.node):
            ast.copy_location(changed, place.node)
            name = f"{path.stem}:{place.scope}: {_shown(place.node)} -> {_shown(changed)}"
            seen[name] += 1
            if seen[name] > 1:
                name += f" #{seen[name]}"
            if only is None:
                yield Mutant(name, module, root / path, tree)
            elif name == only:
                place.put(changed)
                yield Mutant(name, module, root / path, ast.fix_missing_locations(tree))
                return


def equivalent() -> frozenset[str]:
    """Return the names of the mutants that change nothing that could be noticed."""
    if not EQUIVALENT.exists():
        return frozenset()
    lines = EQUIVALENT.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("# "))


def names_of(root: Path, room: Room) -> list[tuple[Path, str]]:
    """Return the names of all mutants of a room that could be noticed."""
    known = equivalent()
    return [
        (path, mutant.name)
        for path in room.modules
        for mutant in mutants(root, path)
        if mutant.name not in known
    ]


def run(root: Path, room: Room, count: int, seed: int, minutes: float) -> Iterator[tuple[str, str]]:
    """Test a sample; return each mutant with what became of it, until the time is over.

    A mutant with which the import fails proves nothing: it is not counted, and another one takes its place.
    """
    order = names_of(root, room)
    random.Random(seed).shuffle(order)
    deadline = time.monotonic() + 60 * minutes
    package = ".".join(room.modules[0].parent.parts)
    test = tables.tester(root, room.tests, package)
    tested = 0
    for path, name in order:
        if tested == count or time.monotonic() > deadline:
            return
        mutant = next(mutants(root, path, name))
        code = test(mutant, room.near.get(path.stem, ()))
        if code != tables.STILLBORN:
            tested += 1
            yield name, {0: "survived", None: "timed out"}.get(code, "killed")
