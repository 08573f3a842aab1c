"""The pages about the sources of smart charging: what was found, with today's values, and what can be changed."""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryBaseFlow, ConfigFlowResult
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..charging.adapter import PriceSettings
from ..charging.energy_preferences import Power
from ..charging.own_prices import FIXED
from ..charging.preview import preview
from ..charging.price_form import (
    FIELD_ACTION,
    FIELD_ADDITION,
    FIELD_ENTITY,
    FIELD_FEES,
    FIELD_PRICE,
    FIELD_QUARTERS,
    FIELD_TABLE,
    FIELD_VAT,
    FIELD_WITH_TAXES,
    BadForm,
    as_form,
    from_form,
)
from ..charging.proposal import propose
from ..charging.settings import CONF_SOURCES, SourceSettings
from ..data import TeslaChargingConfigEntry

POWER_FIELDS: Final = (
    ("grid_taken", "grid", "plus"),
    ("grid_given", "grid", "minus"),
    ("solar_power", "solar", "plus"),
    ("battery_given", "battery", "plus"),
    ("battery_taken", "battery", "minus"),
)
"""Field, attribute of the settings, and side of the power."""
NUMBER: Final = NumberSelector(NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any"))
LINES: Final = TextSelector(TextSelectorConfig(multiline=True))


def _entities(domain: str, device_class: str | None = None) -> EntitySelector:
    if device_class is None:
        return EntitySelector(EntitySelectorConfig(domain=[domain, "number", "input_number"]))
    return EntitySelector(
        EntitySelectorConfig(domain=domain, device_class=device_class, multiple=True)
    )


class SourceSteps(ConfigEntryBaseFlow, metaclass=ABCMeta):
    """The steps of the options flow about sources."""

    _sources: SourceSettings | None = None
    """What the pages have come to; stored when the person says so."""

    @property
    @abstractmethod
    def _entry(self) -> TeslaChargingConfigEntry:
        """The entry that is changed."""

    @abstractmethod
    async def _set_options(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Store options of the entry."""

    async def async_step_sources(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what was found or is in use, with today's values; one choice takes it over."""
        if self._sources is None:
            stored = SourceSettings.from_options(self._entry.options)
            self._sources = stored or await propose(self.hass)
        if self._sources is None:
            return await self.async_step_sources_none()
        options = ["sources_save", "sources_import", "sources_export", "sources_power"]
        if self._entry.options.get(CONF_SOURCES) is not None:
            options.append("sources_off")
        return self.async_show_menu(
            step_id="sources",
            menu_options=options,
            description_placeholders=await preview(self.hass, self._sources),
        )

    async def async_step_sources_save(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Take over what was shown."""
        assert self._sources is not None
        return await self._set_options(self._sources.as_options())

    async def async_step_sources_off(self, _: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Read nothing any more."""
        return await self._set_options({CONF_SOURCES: None})

    async def async_step_sources_none(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Get along with one number where nothing was found; or let the person choose more."""
        return await self._price_page("sources_none", user_input, export=False)

    async def async_step_sources_import(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change where import prices come from."""
        return await self._price_page("sources_import", user_input, export=False)

    async def async_step_sources_export(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change where the prices of what is fed in come from; nothing entered means that it earns nothing."""
        return await self._price_page("sources_export", user_input, export=True)

    async def _price_page(
        self, step_id: str, user_input: dict[str, Any] | None, *, export: bool
    ) -> ConfigFlowResult:
        before = self._price(export=export)
        errors: dict[str, str] = {}
        words = {"currency": self.hass.config.currency, "detail": ""}
        if user_input is not None:
            try:
                self._store_price(from_form(self.hass, user_input, before, export=export), export)
            except BadForm as error:
                errors["base"], words["detail"] = error.key, error.detail
            else:
                return await self.async_step_sources()
        shown = as_form(before) if user_input is None else user_input
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(_price_schema(before), shown),
            errors=errors,
            description_placeholders=words,
        )

    def _price(self, *, export: bool) -> PriceSettings | None:
        if self._sources is None:
            return None
        return self._sources.exports if export else self._sources.imports

    def _store_price(self, price: PriceSettings | None, export: bool) -> None:
        """Keep a price; raise BadForm if it is that of import, and nothing."""
        if export and self._sources is not None:
            self._sources = replace(self._sources, exports=price)
        elif price is None:
            raise BadForm("price_needed")
        elif self._sources is None:
            self._sources = SourceSettings(price)
        else:
            self._sources = replace(self._sources, imports=price)

    async def async_step_sources_power(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the sensors of meter and battery, and what else may be known of the grid."""
        assert self._sources is not None
        if user_input is not None:
            self._sources = _with_power(self._sources, user_input)
            return await self.async_step_sources()
        return self.async_show_form(
            step_id="sources_power",
            data_schema=self.add_suggested_values_to_schema(
                POWER_SCHEMA, _power_form(self._sources)
            ),
        )


def _price_schema(before: PriceSettings | None) -> vol.Schema:
    """Return the fields of a price; some only where the source knows what they are about."""
    params: Mapping[str, Any] = before.params if before else {}
    fields: dict[Any, Any] = {
        vol.Optional(FIELD_ENTITY): _entities("sensor"),
        vol.Optional(FIELD_PRICE): NUMBER,
        vol.Optional(FIELD_TABLE): LINES,
    }
    if params.keys() & {"interval", "granularity"}:
        fields[vol.Optional(FIELD_QUARTERS)] = BooleanSelector()
    if "price_type" in params:
        fields[vol.Optional(FIELD_WITH_TAXES)] = BooleanSelector()
    if before is not None and before.kind != FIXED:
        fields |= {
            vol.Optional(FIELD_ADDITION): NUMBER,
            vol.Optional(FIELD_FEES): LINES,
            vol.Optional(FIELD_VAT): NUMBER,
        }
    return vol.Schema({**fields, vol.Optional(FIELD_ACTION): ObjectSelector()})


POWER_SCHEMA: Final = vol.Schema(
    {
        **{vol.Optional(name): _entities("sensor", "power") for name, _, _ in POWER_FIELDS},
        vol.Optional("battery_levels"): _entities("sensor", "battery"),
        vol.Optional("co2"): _entities("sensor"),
        vol.Optional("grid_limit"): _entities("sensor"),
    }
)


def _power_form(sources: SourceSettings) -> dict[str, Any]:
    form: dict[str, Any] = {
        name: list(getattr(getattr(sources, attribute), side))
        for name, attribute, side in POWER_FIELDS
    }
    form["battery_levels"] = list(sources.battery_levels)
    form |= {name: getattr(sources, name) for name in ("co2", "grid_limit")}
    return {name: value for name, value in form.items() if value}


def _with_power(sources: SourceSettings, form: Mapping[str, Any]) -> SourceSettings:
    """Return the sources with the sensors of a form."""

    def power(attribute: str) -> Power:
        sides = {
            side: tuple(form.get(name, ())) for name, of, side in POWER_FIELDS if of == attribute
        }
        before: Power = getattr(sources, attribute)
        return replace(before, **sides)

    return replace(
        sources,
        grid=power("grid"),
        solar=power("solar"),
        battery=power("battery"),
        battery_levels=tuple(form.get("battery_levels", ())),
        co2=form.get("co2", ""),
        grid_limit=form.get("grid_limit", ""),
    )
