"""What one action is: a row with its fields, and how it acts on one car."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field as dataclass_field
from typing import Any, Final

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
import voluptuous as vol

from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..vehicle_command import COMMANDS, CommandResult, Outcome, Parameter

ATTR_FORCE: Final = "force"

type Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action on one car, and what else the response tells of it."""

    result: CommandResult
    more: Data = dataclass_field(default_factory=dict)


EXECUTED: Final = CommandResult(Outcome.EXECUTED)


@dataclass(frozen=True, slots=True)
class Action:
    """One row. Without `act` it sends its command, with its one field if it has one."""

    name: str
    command: str | None = None
    field: str | None = None
    """Its field, whose bounds are those of the command's one parameter."""
    skips: bool = False
    """Whether a car that told that it is so already gets no command, unless asked to `force` it."""
    fields: Mapping[vol.Marker, Any] = dataclass_field(default_factory=dict)
    """What else it takes besides the cars."""
    prepare: Callable[[HomeAssistant, Data], Data] = lambda _, data: data
    """Checks and completes the fields before any car is asked. Raises ServiceValidationError."""
    act: Callable[[VehicleCoordinator, Data], Awaitable[Done]] | None = None
    """Acts on one car. Raises HomeAssistantError with a translation."""
    response: SupportsResponse = SupportsResponse.OPTIONAL

    def schema(self) -> dict[vol.Marker, Any]:
        """Return its fields besides the cars."""
        fields = dict(self.fields)
        if (row := self.parameter) is not None:
            fields[vol.Required(self.field)] = vol.All(
                vol.Coerce(int), vol.Range(min=row.minimum, max=row.maximum)
            )
        if self.skips:
            fields[vol.Optional(ATTR_FORCE, default=False)] = vol.Boolean()
        return fields

    @property
    def parameter(self) -> Parameter | None:
        """The command's parameter behind its one field."""
        if self.field is None or self.command is None:
            return None
        (row,) = COMMANDS[self.command].parameters
        return row if isinstance(row, Parameter) else None

    async def perform(self, car: VehicleCoordinator, data: Data) -> Done:
        """Act on one car. Raises HomeAssistantError with a translation."""
        if self.act is not None:
            return await self.act(car, data)
        assert self.command is not None
        row = self.parameter
        parameters = {row.name: data[str(self.field)]} if row else {}
        request = COMMANDS[self.command](**parameters)
        return Done(await car.send(request, force=data.get(ATTR_FORCE, False)))


def invalid(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error for fields that make no sense, or not for this car."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
