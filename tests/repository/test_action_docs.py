"""The page about the actions says what they do now."""

from custom_components.tesla_charging.services import ACTIONS
from devtools.docs.action_docs import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m devtools.docs.action_docs"


def test_every_action_and_field_is_on_it() -> None:
    text = PAGE.read_text()
    for action in ACTIONS:
        section = text.split(f"`tesla_charging.{action.name}`")[1].split("\n## ")[0]
        assert {str(marker) for marker in action.schema()} <= {
            line.split("`")[1] for line in section.splitlines() if line.startswith("| `")
        }
