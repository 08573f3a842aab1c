"""Runs the mutation tests and says what they found; see scripts/mutants.

Two tools share the work. mutmut changes what stands in the bodies of functions, as they are called; what
happens while a module is imported it cannot change: there devtools/mutants/tables.py steps in.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
import json
from pathlib import Path
import shutil
import subprocess
import sys

from devtools.mutants import sample, tables

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".cache" / "mutants"
TREE = WORK / "tree"
COPIED = ("custom_components", "simulator", "tests", "devtools", "docs")
INTEGRATION = Path("custom_components/tesla_charging")
MODULES = (
    INTEGRATION / "signals.py",
    *(
        INTEGRATION / "vehicle_command" / f"{name}.py"
        for name in (
            "commands",
            "errors",
            "faults",
            "messages",
            "metadata",
            "results",
            "sender",
            "session",
            "virtual_key",
        )
    ),
)
TESTS = ("tests/vehicle_command", "tests/vehicle/test_signals.py", "tests/vehicle/test_state.py")
NEAR = {
    "signals": ("tests/vehicle/test_signals.py",),
    "commands": ("tests/vehicle_command/test_commands.py", "tests/vehicle_command/test_tables.py"),
    "faults": ("tests/vehicle_command/test_tables.py",),
    "errors": ("tests/vehicle_command/test_tables.py",),
}
WANTED = 0.85
WANTED_OF_SAMPLE = 0.9

CONFIGURATION = f"""

[tool.mutmut]
source_paths = ["custom_components"]
only_mutate = {json.dumps([str(path) for path in MODULES])}
also_copy = {json.dumps(COPIED[1:])}
pytest_add_cli_args_test_selection = {json.dumps(TESTS)}
pytest_add_cli_args = ["-p", "no:xdist"]
"""

# mutmut's exit codes of a test run; anything else is a failed run, so a mutant that was noticed
SURVIVED, NOT_TESTED, SKIPPED, TYPE_CHECKED = 0, 33, 34, 37
TIMEOUTS = {24, 36, -24, 152, 255}
UNNOTICED = {"survived", "not run"}


def copy_tree() -> None:
    """Make the copy in which code is changed: the tree as it is now, also what is not committed."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "screenshots", "images")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, TREE / name, ignore=ignored)
        else:
            shutil.copy(source, TREE / name)
    project = (ROOT / "pyproject.toml").read_text()
    (TREE / "pyproject.toml").write_text(project + CONFIGURATION)


def functions() -> Iterator[tuple[str, str]]:
    """Have mutmut change the bodies of functions; return each mutant and what became of it."""
    run = [sys.executable, "-m", "mutmut", "run", "--max-children", "1"]
    with (WORK / "mutmut.log").open("w") as log:
        subprocess.run(run, cwd=TREE, stdout=log, stderr=log, check=False)
    for path in MODULES:
        meta = json.loads((TREE / "mutants" / f"{path}.meta").read_text())
        for name, code in meta["exit_code_by_key"].items():
            # a function of the import ran before mutmut could change it: the other tool's business
            if not tables.runs_at_import(name.split(".x_")[-1].rsplit("__mutmut_", 1)[0]):
                yield name.removeprefix("custom_components.tesla_charging."), became(code)


def of_tables() -> Iterator[tuple[str, str]]:
    """Change what mutmut does not reach; return each mutant and what became of it."""
    with (WORK / "tables.log").open("w") as log:
        for name, what in tables.run(TREE, MODULES, NEAR, TESTS):
            print(f"{what} {name}", file=log, flush=True)
            yield name, what


def became(code: int | None) -> str:
    """Return what an exit code of mutmut's stands for."""
    if code is None:
        return "not run"
    if code in TIMEOUTS:
        return "timed out"
    words = {
        SURVIVED: "survived",
        NOT_TESTED: "survived",
        SKIPPED: "skipped",
        TYPE_CHECKED: "killed",
    }
    return words.get(code, "killed")


def summary(title: str, outcomes: Counter[str]) -> float:
    """Print one line; return which part of the mutants was noticed."""
    total = outcomes.total() - outcomes["skipped"]
    noticed = outcomes["killed"] + outcomes["timed out"]
    ratio = noticed / total if total else 0.0
    rest = ", ".join(f"{count} {word}" for word, count in sorted(outcomes.items()))
    print(f"{title:<10} {noticed} of {total} noticed, {ratio:.1%} ({rest})")
    return ratio


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/mutants")
    parser.add_argument("what", nargs="*", metavar="functions | tables | ROOM")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of a room")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--minutes", type=float, default=30.0, help="the sample ends after them")
    chosen = parser.parse_args()
    if chosen.sample is None and set(chosen.what) - {"functions", "tables"}:
        parser.error("a room needs --sample")
    if chosen.sample is not None and len(chosen.what) != 1:
        parser.error("--sample needs one room")
    return chosen


def run_sample(chosen: argparse.Namespace) -> int:
    """Test a sample of the mutants of one room."""
    room = sample.Room.named(TREE, INTEGRATION, chosen.what[0])
    with (WORK / "sample.log").open("w") as log:
        found = []
        for name, what in sample.run(TREE, room, chosen.sample, chosen.seed, chosen.minutes):
            found.append((name, what))
            print(f"{what} {name}", file=log, flush=True)
    write_survivors(found)
    if len(found) < chosen.sample:
        print(f"only {len(found)} mutants: there are no more, or the time was over")
    counted = Counter(what for _, what in found)
    return 0 if summary(chosen.what[0], counted) >= WANTED_OF_SAMPLE else 1


def write_survivors(mutants: Iterable[tuple[str, str]]) -> None:
    """Write the file that names the mutants that nobody noticed."""
    lines = [f"{name}: {what}" for name, what in mutants if what in UNNOTICED]
    (WORK / "survivors.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run what was asked for. Exit status 0 only if enough mutants were noticed."""
    chosen = arguments()
    parts = chosen.what or ["functions", "tables"]
    copy_tree()
    if chosen.sample is not None:
        return run_sample(chosen)
    found: dict[str, list[tuple[str, str]]] = {}
    if "functions" in parts:
        found["functions"] = list(functions())
    if "tables" in parts:
        found["tables"] = list(of_tables())
    write_survivors(mutant for part in found.values() for mutant in part)
    outcomes = {part: Counter(what for _, what in mutants) for part, mutants in found.items()}
    for part, counted in outcomes.items():
        summary(part, counted)
    return 0 if summary("together", sum(outcomes.values(), Counter())) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
