"""Whether an action call names an entity or its device itself, or reaches it through all, an area, a label or a group."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.components.cover import DOMAIN as COVER_DOMAIN
from homeassistant.const import (
    ATTR_AREA_ID,
    ATTR_DEVICE_ID,
    ATTR_DOMAIN,
    ATTR_ENTITY_ID,
    ATTR_FLOOR_ID,
    ATTR_LABEL_ID,
    ATTR_SERVICE,
    ATTR_SERVICE_DATA,
    ENTITY_MATCH_ALL,
    EVENT_CALL_SERVICE,
    SERVICE_OPEN_COVER,
    SERVICE_TOGGLE,
)
from homeassistant.core import (
    DOMAIN as HOMEASSISTANT_DOMAIN,
    Context,
    Event,
    HomeAssistant,
    callback,
)
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

OPENING: Final = frozenset(
    {
        (COVER_DOMAIN, SERVICE_OPEN_COVER),
        (COVER_DOMAIN, SERVICE_TOGGLE),
        (HOMEASSISTANT_DOMAIN, SERVICE_TOGGLE),
    }
)
"""The actions that can open a charge port."""
KEPT: Final = 100
"""So many of the last calls are kept."""

_BROAD: Final = (ATTR_AREA_ID, ATTR_FLOOR_ID, ATTR_LABEL_ID, ATTR_DEVICE_ID)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call with its raw target."""

    context_id: str
    domain: str
    service: str
    data: Mapping[str, Any]

    def listed(self, kind: str) -> set[str]:
        """Return the ids of a kind that it lists."""
        ids = self.data.get(kind)
        if isinstance(ids, str):
            return {part.strip() for part in ids.split(",")}
        return {str(part) for part in ids} if isinstance(ids, list | tuple | set) else set()

    @property
    def entities(self) -> set[str]:
        """The entities that it lists."""
        return {entity_id.lower() for entity_id in self.listed(ATTR_ENTITY_ID)}

    @property
    def is_broad(self) -> bool:
        """Whether it reaches entities that it does not list."""
        return ENTITY_MATCH_ALL in self.entities or any(map(self.listed, _BROAD))


DATA_CALLS: Final[HassKey[deque[_Call]]] = HassKey(f"{DOMAIN}_calls")


@callback
def async_follow_calls(hass: HomeAssistant) -> None:
    """Keep the targets of the last calls that can open a charge port, as long as Home Assistant runs."""
    calls = hass.data.setdefault(DATA_CALLS, deque(maxlen=KEPT))

    @callback
    def keep(event: Event) -> None:
        calls.append(
            _Call(
                event.context.id,
                event.data[ATTR_DOMAIN],
                event.data[ATTR_SERVICE],
                event.data[ATTR_SERVICE_DATA],
            )
        )

    @callback
    def can_open(data: Mapping[str, Any]) -> bool:
        return (data[ATTR_DOMAIN], data[ATTR_SERVICE]) in OPENING

    hass.bus.async_listen(EVENT_CALL_SERVICE, keep, can_open)


@callback
def is_named(
    hass: HomeAssistant, context: Context | None, entity_id: str, device_id: str | None
) -> bool:
    """Return whether the latest call of a context lists this entity or its device itself.

    A group, and `homeassistant.toggle`, call again for their members, in the same context: then it is the first call
    that counts. A call that lists the entity after all those that may be such ones is a further step of a script.
    """
    if context is None:
        return False
    calls = [call for call in hass.data.get(DATA_CALLS, ()) if call.context_id == context.id]

    def names(call: _Call) -> bool:
        return entity_id in call.entities or device_id in call.listed(ATTR_DEVICE_ID)

    if not calls or not names(calls[-1]):
        return False
    latest = calls[-1]
    naming = sum(call.service == latest.service for call in calls if names(call))
    return naming > sum(_calls_again(hass, call, latest) for call in calls if not names(call))


def _calls_again(hass: HomeAssistant, call: _Call, latest: _Call) -> int:
    """Return how many calls like the latest one an earlier call may have caused."""
    if latest.service == SERVICE_TOGGLE:
        return int(call.domain == HOMEASSISTANT_DOMAIN)
    # whatever was called of a group, it calls `open_cover` of its members
    return sum(
        latest.entities.issubset(group.attributes.get(ATTR_ENTITY_ID) or ())
        for group in hass.states.async_all(COVER_DOMAIN)
        if call.is_broad or group.entity_id in call.entities
    )
