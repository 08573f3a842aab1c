"""The page that compares this integration with others: current, and without a silent gap."""

from devtools.docs import comparison


def test_nothing_that_the_others_have_is_passed_over_in_silence() -> None:
    assert list(comparison.problems()) == []


def test_the_page_is_current() -> None:
    assert comparison.PAGE.read_text() == comparison.page(), (
        "run: .venv/bin/python -m devtools.docs.comparison"
    )
