"""Lets Home Assistant's test plugin work beside a Home Assistant that is newer than the one it was made for.

Imported before the plugin: `scripts/test --newest` hands it to pytest (`-p devtools.newest_home_assistant`). Beside the Home
Assistant that the plugin was made for it changes nothing; each part goes when the plugin has followed.
"""

from collections.abc import Mapping
import importlib
import importlib.metadata
from typing import Any

# Home Assistant gives the name httpx to httpx2 when it is imported, which has to be before anybody imports httpx. The
# plugin imports respx first, and respx imports httpx.
import homeassistant  # noqa: F401

PLUGIN = "pytest-homeassistant-custom-component"
#: What the plugin changes in Home Assistant before it imports more of it; so they come before what follows here, too.
PATCHES = ("patch_json", "patch_recorder", "patch_time")
#: The module where the plugin looks for a name, the name, and the module that has it now.
MOVED = (
    (
        "homeassistant.components.logger",
        "_clear_logger_overwrites",
        "homeassistant.components.logger.helpers",
    ),
)


def _set_last_states(data: Any, states: Mapping[str, Any]) -> None:
    """Take the restored states of a test, which the plugin has by entity id alone."""
    # not before the plugin has made its changes
    from homeassistant.core import callback
    from homeassistant.helpers import entity_registry as er

    data.last_states_by_entity_id.update(states)
    for entity_id in states:
        if (entry := er.async_get(data.hass).async_get(entity_id)) is not None:
            data.last_states_by_entity_registry_id[entry.id] = states[entity_id]
    # a real one hears of new entries from when it is set up, which the plugin leaves out
    data.hass.bus.async_listen(
        er.EVENT_ENTITY_REGISTRY_UPDATED,
        data._async_entity_registry_entry_created,  # noqa: SLF001
        event_filter=callback(lambda event_data: event_data["action"] == "create"),
    )


def _follow() -> None:
    for patch in PATCHES:
        importlib.import_module(f"pytest_homeassistant_custom_component.{patch}")
    for place, name, origin in MOVED:
        module = importlib.import_module(place)
        if not hasattr(module, name):
            setattr(module, name, getattr(importlib.import_module(origin), name))
    restored: Any = importlib.import_module("homeassistant.helpers.restore_state").RestoreStateData
    if hasattr(restored, "async_get_stored_state"):
        restored.last_states = property(
            lambda data: data.last_states_by_entity_id, _set_last_states
        )


if f"homeassistant=={importlib.metadata.version('homeassistant')}" not in (
    importlib.metadata.requires(PLUGIN) or []
):
    _follow()
