"""The page about the entities says what there is now."""

from devtools.docs.entity_docs import ENGLISH, PAGE, page, tables


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m devtools.docs.entity_docs"


def test_every_entity_that_has_a_name_is_on_it() -> None:
    named = {(platform, key) for platform, rows in ENGLISH["entity"].items() for key in rows}
    assert {(str(platform), row.translation_key or row.key) for platform, row in tables()} == named
