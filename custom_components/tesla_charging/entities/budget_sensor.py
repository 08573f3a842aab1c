"""The sensor that shows how far the saving goes, beside those of the meter."""

from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.core import callback

from ..billing.budget import STAGES
from ..device import account_device
from ..models import TeslaChargingConfigEntry


@dataclass(frozen=True, kw_only=True)
class BudgetSensorDescription(SensorEntityDescription):
    """One sensor."""


BUDGET_SENSORS: Final = (
    BudgetSensorDescription(
        key="budget", device_class=SensorDeviceClass.ENUM, options=[stage.value for stage in STAGES]
    ),
)


class BudgetSensor(SensorEntity):
    """Shows the stage of the application's budget; known here, also while Tesla cannot be asked."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _unrecorded_attributes = frozenset({"limit", "left", "currency", "until"})

    def __init__(
        self, entry: TeslaChargingConfigEntry, description: BudgetSensorDescription
    ) -> None:
        """Show a row of the table."""
        self._budget = entry.runtime_data.budget
        self._meter = entry.runtime_data.meter
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = account_device(entry)
        self._written: tuple[object, ...] = ()

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        self.async_on_remove(self._budget.subscribe(self._look))
        self._written = self._shown()

    @callback
    def _look(self) -> None:
        """Write the entity if it shows something else now."""
        if (shown := self._shown()) != self._written:
            self._written = shown
            self.async_write_ha_state()

    def _shown(self) -> tuple[object, ...]:
        return self.native_value, self.extra_state_attributes

    @property
    @override
    def native_value(self) -> str:
        """The stage now."""
        return self._budget.decision.stage.value

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """What may be spent in this month, what is left of it, and when the next one begins."""
        limit, left = self._budget.limit, self._budget.left
        digits = self._meter.prices.decimals
        return {
            "limit": None if limit is None else round(float(limit), digits),
            "left": None if left is None else round(float(left), digits),
            "currency": self._meter.currency,
            "until": self._budget.until.date().isoformat(),
        }
