"""Numbers: charge limit and charging current."""

from dataclasses import dataclass
from math import isnan
from typing import Final, override

from homeassistant.components.number import (
    DOMAIN,
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
    RestoreNumber,
)
from homeassistant.const import (
    ATTR_DOMAIN,
    ATTR_ENTITY_ID,
    ATTR_NAME,
    EVENT_LOGBOOK_ENTRY,
    PERCENTAGE,
    UnitOfElectricCurrent,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN as OUR_DOMAIN
from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_car_entities
from .entity import ControlEntity, VehicleEntityDescription
from .exceptions import Message
from .vehicle.charge_status import effective_current
from .words import words

ATTR_EFFECTIVE: Final = "effective_current"

# the commander of each car sends one command at a time
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleNumberDescription(VehicleEntityDescription, NumberEntityDescription):
    """One number that a command sets."""

    signal: str
    command: str
    parameter: str
    minimum_signal: str | None = None
    maximum_signal: str | None = None
    """Signals with the car's own bounds; those of the row are used until they are known."""
    limit_signal: str | None = None
    """The signal with what the car uses at most now; it accepts more, and uses it when it can."""


NUMBERS = (
    VehicleNumberDescription(
        key="charge_limit",
        signals=("ChargeLimitSoc", "charge_limit_soc_min", "charge_limit_soc_max"),
        signal="ChargeLimitSoc",
        command="set_charge_limit",
        parameter="percent",
        minimum_signal="charge_limit_soc_min",
        maximum_signal="charge_limit_soc_max",
        device_class=NumberDeviceClass.BATTERY,
        native_unit_of_measurement=PERCENTAGE,
        native_min_value=50,
        native_max_value=100,
        native_step=1,
        mode=NumberMode.SLIDER,
    ),
    VehicleNumberDescription(
        key="charging_current",
        signals=("ChargeCurrentRequest", "ChargeCurrentRequestMax"),
        signal="ChargeCurrentRequest",
        command="set_charging_amps",
        parameter="charging_amps",
        limit_signal="ChargeCurrentRequestMax",
        device_class=NumberDeviceClass.CURRENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        native_min_value=0,
        native_max_value=32,
        native_step=1,
        mode=NumberMode.SLIDER,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's numbers, also of those that join later."""
    async_add_car_entities(
        entry,
        async_add_entities,
        lambda car: [
            (CurrentNumber if row.limit_signal else VehicleNumber)(car, row) for row in NUMBERS
        ],
    )


class VehicleNumber(ControlEntity, NumberEntity):
    """A setting of a car."""

    entity_description: VehicleNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        """The current value."""
        value = self.shown_value(self.entity_description.signal)
        return value if isinstance(value, int | float) else None

    @property
    @override
    def native_min_value(self) -> float:
        """The car's own lower bound."""
        return self._bound(
            self.entity_description.minimum_signal, self.entity_description.native_min_value
        )

    @property
    @override
    def native_max_value(self) -> float:
        """The car's own upper bound."""
        return self._bound(
            self.entity_description.maximum_signal, self.entity_description.native_max_value
        )

    def _bound(self, signal: str | None, default: float | None) -> float:
        reported = self.state_of_car.number(signal) if signal else None
        return float(reported or default or 0)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Send a new value to the car."""
        row = self.entity_description
        if isnan(value):  # Home Assistant's own check of the range lets it through
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="out_of_range",
                translation_placeholders={
                    "value": str(value),
                    "entity_id": self.entity_id,
                    "min_value": str(self.min_value),
                    "max_value": str(self.max_value),
                },
            )
        await self.send(row.command, **{row.parameter: int(value)})  # type: ignore[arg-type]  # not `may_wake`


class CurrentNumber(VehicleNumber, RestoreNumber):
    """A current whose maximum depends on the cable: the car accepts more and uses what it can.

    So the upper bound is that of the row, or the highest maximum that the car ever reported; without a cable the car
    reports that of the last one, or of none.
    """

    _unrecorded_attributes = frozenset({"pending", ATTR_EFFECTIVE})
    _highest = 0.0
    _told: tuple[float, float] | None = None
    """What was last told about: the current that was set, and the one that the car uses instead."""

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the highest maximum."""
        if (last := await self.async_get_last_number_data()) is not None:
            self._highest = last.native_max_value or 0.0
        await super().async_added_to_hass()

    @property
    @override
    def native_max_value(self) -> float:
        """The highest maximum that the car ever reported, at least that of the row."""
        self._highest = max(self._highest, super().native_max_value, self._limit or 0.0)
        return self._highest

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Send a new value, and tell in the Activity if the car uses less: an action that succeeds shows no text."""
        await super().async_set_native_value(value)
        wanted, used = self.native_value, effective_current(self.state_of_car)
        above = None if wanted is None or used is None or used >= wanted else (wanted, used)
        if above is not None and above != self._told:
            message = await words(
                self.hass,
                "exceptions",
                f"{Message.CURRENT_ABOVE_CABLE}.message",
                wanted=f"{above[0]:.0f}",
                used=f"{above[1]:.0f}",
            )
            entry = {
                ATTR_NAME: self.name,
                "message": message,
                ATTR_DOMAIN: OUR_DOMAIN,
                ATTR_ENTITY_ID: self.entity_id,
            }
            self.hass.bus.async_fire(EVENT_LOGBOOK_ENTRY, entry, context=self._context)
        self._told = above

    @property
    def _limit(self) -> float | None:
        return self.state_of_car.number(self.entity_description.limit_signal or "")

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool | float | None]:
        """Besides whether a command is being sent: the current that the car will really use."""
        wanted, limit = self.native_value, self._limit
        used = None if wanted is None or limit is None else min(wanted, limit)
        return {**super().extra_state_attributes, ATTR_EFFECTIVE: used}
