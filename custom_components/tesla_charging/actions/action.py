"""The description of an action: a row with its fields, and how it acts on one car."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field as dataclass_field
from typing import Any, Final

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
import voluptuous as vol

from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..exceptions import Message
from ..vehicle_command import COMMANDS, CommandResult, Outcome, Parameter

ATTR_FORCE: Final = "force"

type ActionData = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The result of an action on one car, and further data for the response."""

    result: CommandResult
    extra: ActionData = dataclass_field(default_factory=dict)


EXECUTED: Final = CommandResult(Outcome.EXECUTED)


@dataclass(frozen=True, slots=True)
class Action:
    """One row. Without `act`, the action sends `command`, with `field` as its parameter if there is one."""

    name: str
    command: str | None = None
    field: str | None = None
    """The field whose bounds are those of the command's only parameter."""
    skips_redundant: bool = False
    """Whether no command is sent to a car that reports the wanted state already, unless `force` is set."""
    fields: Mapping[vol.Marker, Any] = dataclass_field(default_factory=dict)
    """Further fields besides the cars."""
    prepare: Callable[[HomeAssistant, ActionData], ActionData] = lambda _, data: data
    """Validates and completes the fields before any request is sent. Raises ServiceValidationError."""
    act: Callable[[VehicleCoordinator, ActionData], Awaitable[ActionResult]] | None = None
    """Acts on one car. Raises HomeAssistantError with a translation."""
    detail: Callable[[VehicleCoordinator], ActionData] = lambda _: {}
    """Returns further data for the response, after `command` was sent."""
    response: SupportsResponse = SupportsResponse.OPTIONAL

    def schema(self) -> dict[vol.Marker, Any]:
        """Return the schema of its fields besides the cars."""
        fields = dict(self.fields)
        if (row := self.parameter) is not None:
            fields[vol.Required(self.field)] = vol.All(
                vol.Coerce(int), vol.Range(min=row.minimum, max=row.maximum)
            )
        if self.skips_redundant:
            fields[vol.Optional(ATTR_FORCE, default=False)] = vol.Boolean()
        return fields

    @property
    def parameter(self) -> Parameter | None:
        """The command's parameter that `field` sets."""
        if self.field is None or self.command is None:
            return None
        (row,) = COMMANDS[self.command].parameters
        return row if isinstance(row, Parameter) else None

    async def perform(self, car: VehicleCoordinator, data: ActionData) -> ActionResult:
        """Act on one car. Raises HomeAssistantError with a translation."""
        if self.act is not None:
            return await self.act(car, data)
        assert self.command is not None
        row = self.parameter
        parameters = {row.name: data[str(self.field)]} if row else {}
        request = COMMANDS[self.command](**parameters)
        result = await car.send(request, force=data.get(ATTR_FORCE, False))
        return ActionResult(result, self.detail(car))


def invalid(key: Message, **placeholders: str) -> ServiceValidationError:
    """Return the error for fields that are not valid, or not for this car."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
