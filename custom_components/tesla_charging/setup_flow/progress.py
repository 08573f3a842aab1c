"""How far the set-up is: the beginning of each page's title."""

from typing import Final

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..words import words

PREPARE: Final = "prepare"
SIGN_IN: Final = "sign_in"
KEY: Final = "key"
PAIR: Final = "pair"
DATA: Final = "data"
_STAGES: Final = (PREPARE, SIGN_IN, KEY, PAIR, DATA)


async def progress(hass: HomeAssistant, source: str | None, stage: str) -> dict[str, str]:
    """Return the placeholder of a title: "2 of 5 · " while an account is added, else nothing.

    The page that prepares comes with the first account only. The words are in the language of this Home Assistant.
    """
    if source != SOURCE_USER:
        return {"progress": ""}
    stages = _STAGES[1:] if hass.config_entries.async_entries(DOMAIN) else _STAGES
    place = stages.index(stage) + 1
    told = await words(hass, "common", "progress", step=place, steps=len(stages))
    return {"progress": f"{told} · "}
