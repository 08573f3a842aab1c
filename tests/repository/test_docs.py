"""The documents: every message is explained, every link, picture and named test exists, the map is the territory."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re

import pytest

from custom_components.tesla_charging.application_credentials import GUIDE_URL

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "tesla_charging"
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
USER_PAIN = ROOT / "docs" / "user_pain.md"
ENGLISH = json.loads((INTEGRATION / "translations" / "en.json").read_text())
THEMES = 34
LARGEST_PICTURE = 80_000

NOTHING_TO_DO = {"config.abort.reauth_successful", "config.abort.reconfigure_successful"}
"""What is said when all went well."""

LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


# -- troubleshooting ---------------------------------------------------------------------------------------


def first_words(text: str) -> str:
    """Return the first sentence of a message, with … for what it mentions of the person's own."""
    sentence = re.split(r"(?<=\.)\s", text)[0]
    return re.sub(r"\{\w+\}", "…", sentence)


def messages() -> Iterator[tuple[str, str]]:
    """Yield what a person may have to act on: where it is in the translations, and its words."""
    for flow in ("config", "options"):
        for kind in ("error", "abort"):
            for key, text in ENGLISH[flow].get(kind, {}).items():
                yield f"{flow}.{kind}.{key}", text
    for key, issue in ENGLISH["issues"].items():
        yield f"issues.{key}.title", issue["title"]
        for kind in ("error", "abort"):
            for name, text in issue.get("fix_flow", {}).get(kind, {}).items():
                yield f"issues.{key}.fix_flow.{kind}.{name}", text
    for key, exception in ENGLISH["exceptions"].items():
        yield f"exceptions.{key}.message", exception["message"]


def other_words() -> set[str]:
    """Return what else is on a page or a card, and may be explained as well."""
    titles = {
        step["title"]
        for flow in ("config", "options")
        for step in ENGLISH[flow]["step"].values()
        if "title" in step
    }
    sensors = ENGLISH["entity"]["sensor"].values()
    return titles | {word for sensor in sensors for word in sensor.get("state", {}).values()}


def rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of all tables of a document, without their heads."""
    for line in path.read_text().splitlines():
        cells = re.split(r"\s*\|\s*", line)[1:-1]
        if line.startswith("|") and not set(line) <= set("|- ") and cells[0] != "you see":
            yield cells


EXPLAINED = {row[0]: row for row in rows(TROUBLESHOOTING)}


@pytest.mark.parametrize("where", [key for key, _ in messages() if key not in NOTHING_TO_DO])
def test_every_message_is_in_the_troubleshooting(where: str) -> None:
    words = first_words(dict(messages())[where])
    assert words in EXPLAINED, f"{where} has no row: {words}"


def test_every_row_of_the_troubleshooting_is_about_words_that_somebody_sees() -> None:
    seen = {first_words(text) for _, text in messages()} | other_words()
    assert not EXPLAINED.keys() - seen


def test_every_row_of_the_troubleshooting_says_what_to_do() -> None:
    assert [row for row in EXPLAINED.values() if len(row) != 3 or not row[2]] == []


def test_no_words_are_explained_twice() -> None:
    words = [row[0] for row in rows(TROUBLESHOOTING)]
    assert sorted(words) == sorted(set(words))


# -- links and pictures ------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(FENCE.sub("", path.read_text())):
        if "://" in link:
            assert link.startswith("https://"), link
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.is_file(), f"{path.name}: {link}"
        assert file.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(file), f"{path.name}: {link}"


def test_every_picture_is_shown_and_small() -> None:
    shown = {
        (path.parent / link).resolve() for path in DOCS for link in LINK.findall(path.read_text())
    }
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.resolve() in shown, f"{picture.name} is shown nowhere"
        assert picture.stat().st_size <= LARGEST_PICTURE, picture.name


def test_the_dialog_for_credentials_links_to_the_guide() -> None:
    path, _, anchor = GUIDE_URL.partition("/blob/main/")[2].partition("#")
    assert anchor in anchors(ROOT / path)


# -- what hurts elsewhere ----------------------------------------------------------------------------------


def functions(path: Path) -> set[str]:
    """Return the names of a module's tests."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_theme_names_a_test_that_exists_or_an_issue() -> None:
    themes = [row for row in rows(USER_PAIN) if row[0].isdigit()]
    assert [int(row[0]) for row in themes] == [*range(1, THEMES + 1)]
    for number, _, here, shown_by in themes:
        named = TEST.findall(shown_by)
        assert named or re.search(r"issue \d", here), number
        for path, name in named:
            assert (ROOT / path).is_file(), path
            assert name in functions(ROOT / path), f"{path}::{name}"


# -- the map -----------------------------------------------------------------------------------------------


def mapped() -> set[str]:
    """Return the modules that the map shows, each with its room."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    tree = text.partition("## The rooms")[2].partition("```")[2].partition("```")[0]
    modules, room = set(), ""
    for line in tree.splitlines():
        if found := re.match(r"  (\w+/)", line):
            room = found[1]
        if found := re.match(r"(?:  |    )(\w+\.py(?:, \w+\.py)*)", line):
            place = room if line.startswith("    ") else ""
            modules |= {place + name for name in found[1].split(", ")}
    return modules


def test_the_map_shows_every_module_and_no_other() -> None:
    libraries = {"fleet_api", "vehicle_command", "fleet_telemetry", "smart_charging"}
    modules = {
        str(path.relative_to(INTEGRATION))
        for path in INTEGRATION.rglob("*.py")
        if path.parent == INTEGRATION or path.name != "__init__.py"
    }
    assert mapped() == {name for name in modules if name.partition("/")[0] not in libraries}


def test_every_page_of_the_flow_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "setup.md").read_text()
    steps = ENGLISH["config"]["step"] | ENGLISH["options"]["step"]
    for key, step in steps.items():
        for name in (*step.get("data", {}).values(), *step.get("menu_options", {}).values()):
            assert name in guide, f"{key}: {name}"
