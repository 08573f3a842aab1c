"""What a person reads: every text is of the form that Home Assistant wants, in every language alike."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
import string
from typing import Any

from homeassistant.const import Platform
import pytest
import voluptuous as vol

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "tesla_charging"
LANGUAGES = sorted((INTEGRATION / "translations").glob("*.json"))
OTHERS = [path for path in LANGUAGES if path.stem != "en"]
ENGLISH: dict[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text())


# -- the form of a text (hassfest) -----------------------------------------------------------------------

ADDRESS = re.compile(r"\b(?:(?:f|ht)tps?|scp|mqtts?|socket|socks5)://|\bwww\.\w", re.IGNORECASE)


def text(value: Any) -> str:
    """A text that may have placeholders."""
    if not isinstance(value, str) or not value:
        raise vol.Invalid("no text")
    problems = {
        "HTML": re.search(r"</?[a-z]\w*[^<>]*>", value, re.IGNORECASE),
        "an address": ADDRESS.search(value),
        "a placeholder in single quotes": re.search(r"'\{\w+\}'", value),
        "a space at its edge": value != value.strip(),
        "a reference, which nobody resolves": "[%" in value or "%]" in value,
    }
    for problem, found in problems.items():
        if found:
            raise vol.Invalid(f"has {problem}")
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]
    except ValueError as err:
        raise vol.Invalid(f"has a stray brace: {err}") from err
    if not all(name.isidentifier() for name in names):
        raise vol.Invalid("has a placeholder that is no name")
    return value


def plain(value: Any) -> str:
    """A text without placeholders."""
    if "{" in text(value):
        raise vol.Invalid("has a placeholder")
    return str(value)


KEY = vol.Match(r"^[a-z0-9]+([_-][a-z0-9]+)*$")
TEXTS, PLAINS = {KEY: text}, {KEY: plain}


def optional(**keys: Any) -> dict[Any, Any]:
    return {vol.Optional(key): rule for key, rule in keys.items()}


def named(**keys: Any) -> dict[Any, Any]:
    return {vol.Required("name"): text, vol.Required("description"): text, **optional(**keys)}


def described_fields_exist(step: dict[str, Any]) -> dict[str, Any]:
    strangers = set(step.get("data_description", {})) - set(step.get("data", {}))
    if strangers:
        raise vol.Invalid(f"describes fields that it does not have: {strangers}")
    return step


FIELDS = optional(data=TEXTS, data_description=TEXTS, description=text)
STEP = vol.All(
    {
        **FIELDS,
        **optional(title=text, submit=text, menu_options=TEXTS, menu_option_descriptions=TEXTS),
        **optional(
            sections={KEY: vol.All({**FIELDS, **optional(name=text)}, described_fields_exist)}
        ),
    },
    described_fields_exist,
)
PAGES = {
    vol.Required("step"): {KEY: STEP},
    **optional(flow_title=text, error=TEXTS, abort=TEXTS, progress=TEXTS, create_entry=TEXTS),
}
ISSUE = vol.Any(
    {vol.Required("title"): text, vol.Required("description"): text},
    {vol.Required("title"): text, vol.Required("fix_flow"): PAGES},
)
ATTRIBUTES = {KEY: optional(name=plain, state=PLAINS)}
ENTITY = optional(name=text, state=PLAINS, state_attributes=ATTRIBUTES, unit_of_measurement=plain)
ARGUMENTS = {KEY: named(example=text)}
TRANSLATIONS = vol.Schema(
    optional(
        title=text,
        common=TEXTS,
        application_credentials=optional(description=text),
        config=PAGES,
        options=PAGES,
        selector={KEY: optional(choices=TEXTS, options=TEXTS, unit_of_measurement=TEXTS)},
        device={KEY: optional(name=text)},
        device_automation=optional(
            action_type=TEXTS,
            condition_type=TEXTS,
            trigger_type=TEXTS,
            trigger_subtype=TEXTS,
            extra_fields=TEXTS,
            extra_fields_descriptions=TEXTS,
        ),
        entity={vol.In([platform.value for platform in Platform]): {KEY: ENTITY}},
        exceptions={KEY: {vol.Required("message"): text}},
        issues={KEY: ISSUE},
        services={
            KEY: named(
                fields=ARGUMENTS,
                sections={KEY: {vol.Required("name"): text, **optional(description=text)}},
            )
        },
        system_health=optional(info=TEXTS),
        triggers={KEY: named(fields=ARGUMENTS)},
        conditions={KEY: named(fields=ARGUMENTS)},
    )
)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_translations_are_of_home_assistants_form(path: Path) -> None:
    TRANSLATIONS(json.loads(path.read_text()))
    assert not (INTEGRATION / "strings.json").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"exceptions": {"a": {"message": "See https://tesla.com/teslaaccount"}}},
        {"exceptions": {"a": {"message": "See <b>this</b>"}}},
        {"exceptions": {"a": {"message": "The car '{car}' sleeps"}}},
        {"exceptions": {"a": {"message": "trailing "}}},
        {"exceptions": {"a": {"message": "{not a name}"}}},
        {"exceptions": {"a": {"message": "{open"}}},
        {"exceptions": {"a": {"message": "[%key:common::error%]"}}},
        {"exceptions": {"a": {"message": "Well", "title": "No"}}},
        {"exceptions": {"A_b": {"message": "Well"}}},
        {"entity": {"sensor": {"a": {"state": {"NoPower": "No power"}}}}},
        {"entity": {"sensor": {"a": {"state": {"on": "{car}"}}}}},
        {"entity": {"gauge": {"a": {"name": "A"}}}},
        {"issues": {"a": {"title": "A"}}},
        {"issues": {"a": {"title": "A", "description": "B", "fix_flow": {"step": {}}}}},
        {"services": {"a": {"name": "A"}}},
        {"services": {"a": {"name": "A", "description": "B", "fields": {"c": {"name": "C"}}}}},
        {"config": {"step": {"user": {"data_description": {"a": "A"}}}}},
        {"config": {"step": {"user": {"data": {"b": "B"}, "data_description": {"a": "A"}}}}},
        {"surprise": {}},
    ],
    ids=str,
)
def test_what_home_assistant_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        TRANSLATIONS(wrong)


# -- other languages -------------------------------------------------------------------------------------


def texts(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Return every text with where it is."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, f"{path}.{key}" if path else key)
    else:
        yield path, node


def placeholders(value: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}


def links(value: str) -> list[str]:
    """Return where the links of a text lead, which are placeholders; their order is the language's."""
    return sorted(re.findall(r"\]\(([^)]*)\)", value))


def differences(other: dict[str, Any]) -> list[str]:
    """Say what a language lacks, has too much, or tells with other placeholders and links than English."""
    english, translated = dict(texts(ENGLISH)), dict(texts(other))
    found = [f"missing: {path}" for path in english if path not in translated]
    found += [f"left over: {path}" for path in translated if path not in english]
    for path in english.keys() & translated.keys():
        for kind in (placeholders, links):
            if kind(english[path]) != kind(translated[path]):
                found.append(f"{kind.__name__} differ: {path}")
        if english[path].count("**") != translated[path].count("**"):
            found.append(f"bold text differs: {path}")
        if english[path].count("\n\n") != translated[path].count("\n\n"):
            found.append(f"paragraphs differ: {path}")
    return sorted(found)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_every_language_says_everything_that_english_says(path: Path) -> None:
    assert differences(json.loads(path.read_text())) == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_a_translation_is_one(path: Path) -> None:
    """A file that was merely copied is worse than none: Home Assistant would show English by itself."""
    english, translated = dict(texts(ENGLISH)), dict(texts(json.loads(path.read_text())))
    sentences = [key for key, value in english.items() if value.count(" ") > 3]
    same = [key for key in sentences if translated.get(key) == english[key]]
    assert same == []


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_language_is_named_as_home_assistant_names_it(path: Path) -> None:
    assert re.fullmatch(r"[a-z]{2,3}(-[A-Z][A-Za-z]+|-\d{3})?", path.stem)


def test_a_language_that_lags_behind_is_noticed() -> None:
    other: dict[str, Any] = json.loads(json.dumps(ENGLISH))
    assert differences(other) == []
    del other["entity"]["switch"]["charging"]["name"]
    other["exceptions"]["of_old"] = {"message": "Nobody says this any more."}
    message = other["exceptions"]["refused"]
    message["message"] = message["message"].replace("{", "{the_")
    page = other["config"]["step"]["prepare"]
    page["description"] = page["description"].replace("]({portal_url})", "](portal_url)")
    assert differences(other) == [
        "left over: exceptions.of_old.message",
        "links differ: config.step.prepare.description",
        "missing: entity.switch.charging.name",
        "placeholders differ: config.step.prepare.description",
        "placeholders differ: exceptions.refused.message",
    ]
