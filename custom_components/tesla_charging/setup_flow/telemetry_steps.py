"""The steps about telemetry: how data come from the cars, and under which address the cars connect."""

from abc import ABCMeta, abstractmethod
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryBaseFlow,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.data_entry_flow import section
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
)
from homeassistant.util.network import is_ip_address
import voluptuous as vol

from ..billing.meter_store import currency_of
from ..client import active_endpoints
from ..const import DOMAIN
from ..data import TeslaChargingConfigEntry
from ..device import vins_of
from ..fleet_api import VehicleSummary
from ..fleet_telemetry import is_hostname, is_topic_base
from ..telemetry.config_review import shown_signals
from ..telemetry.mqtt import Arrival, messages_arrive, mqtt_is_set_up
from ..telemetry.reachability import Reachability, check_reachability
from ..telemetry.server import TelemetryServerError, async_get_telemetry_server
from ..telemetry.settings import TelemetrySettings, Transport
from .domain import same_root
from .estimates import estimates
from .progress import DATA, progress

CONF_CERTIFICATE = "certificate"
"""The section of the user's own files. Home Assistant shows an error only at a section, not inside it."""
CONF_CERTIFICATE_FILE = "certificate_file"
CONF_HOSTNAME = "hostname"
CONF_INSIDE = "inside"
"""The section of what only this machine knows: where it listens."""
CONF_KEY_FILE = "key_file"
CONF_LISTEN_HOST = "listen_host"
CONF_LISTEN_PORT = "listen_port"
CONF_PORT = "port"
MAX_PORT = 65535
CONF_TOPIC_BASE = "topic_base"
CONF_VEHICLE_CA_FILE = "vehicle_ca_file"
_FILES = (CONF_CERTIFICATE_FILE, CONF_KEY_FILE, CONF_VEHICLE_CA_FILE)


class TelemetrySteps(ConfigEntryBaseFlow, metaclass=ABCMeta):
    """The steps of the flow that choose telemetry, for a new entry and for a reconfigured one."""

    def __init__(self) -> None:
        """Start with defaults; the step that leads here sets what is known."""
        super().__init__()
        self._domain = ""
        """The domain of the application; the receiver's host name has to be under it."""
        self._with_location = False
        """Whether the location may be read."""
        self._cars: tuple[VehicleSummary, ...] = ()
        """The account's cars; not used when an entry is reconfigured."""
        self._telemetry = TelemetrySettings()
        """The settings so far, then those that the user chooses here."""
        self._warned_settings: TelemetrySettings | None = None
        """The settings that an error was shown for; the user may submit them again."""

    @property
    @abstractmethod
    def _entry(self) -> TeslaChargingConfigEntry | None:
        """The entry that is changed; None while a new one is set up."""

    @abstractmethod
    async def _telemetry_chosen(self) -> ConfigFlowResult:
        """Continue with the telemetry that was chosen."""

    async def async_step_telemetry(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user choose how data come from the car, and show what each way costs."""
        entry = self._entry
        return self.async_show_menu(
            step_id="telemetry",
            menu_options=[
                "telemetry_embedded",
                *(["telemetry_mqtt"] if mqtt_is_set_up(self.hass) else []),
                "telemetry_polling",
            ],
            description_placeholders={
                **estimates(
                    self.hass,
                    currency=currency_of(self.hass, entry) if entry else None,
                    with_location=self._with_location,
                    shown=self._shown_signals(),
                ),
                **(await self._progress()),
            },
        )

    async def _progress(self) -> dict[str, str]:
        """Return the placeholder of the titles; both pages are one stage."""
        source = "" if self._entry else SOURCE_USER
        return await progress(self.hass, source, DATA)

    def _shown_signals(self) -> frozenset[str]:
        """Return the signals that enabled entities show."""
        if (entry := self._entry) is None:
            return frozenset()
        loaded = entry.state is ConfigEntryState.LOADED
        return shown_signals(entry.runtime_data.cars.values()) if loaded else frozenset()

    async def async_step_telemetry_polling(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose polling."""
        return await self._set_telemetry(TelemetrySettings())

    async def async_step_telemetry_embedded(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user enter the address under which cars connect to this Home Assistant."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            errors = self._mistakes(user_input)
            if not errors:
                settings = _entered(user_input)
                if settings == self._warned_settings:
                    return await self._set_telemetry(settings)
                errors, detail = await self._try_to_reach(settings)
                if not errors:
                    return await self._set_telemetry(settings)
        # without bounds: Home Assistant's own word for a number out of bounds is English, and does not tell them
        port = NumberSelector(NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any"))
        proposed = self._proposed_settings
        files = {field: getattr(proposed, field) for field in _FILES if getattr(proposed, field)}
        schema = vol.Schema(
            {
                vol.Required(
                    CONF_HOSTNAME, default=proposed.hostname or self._domain
                ): TextSelector(),
                vol.Required(CONF_PORT, default=proposed.port): port,
                vol.Required(CONF_INSIDE): section(
                    vol.Schema(
                        {
                            vol.Required(CONF_LISTEN_PORT, default=proposed.listen_port): port,
                            vol.Optional(CONF_LISTEN_HOST): TextSelector(),
                        }
                    ),
                    {"collapsed": CONF_INSIDE not in errors},
                ),
                vol.Required(CONF_CERTIFICATE): section(
                    vol.Schema({vol.Optional(field): TextSelector() for field in _FILES}),
                    {"collapsed": not files and CONF_CERTIFICATE not in errors},
                ),
            }
        )
        listen_port = proposed.listen_port
        if user_input is not None and _is_port(user_input[CONF_INSIDE][CONF_LISTEN_PORT]):
            listen_port = int(user_input[CONF_INSIDE][CONF_LISTEN_PORT])
        suggested = user_input or {
            CONF_INSIDE: {CONF_LISTEN_HOST: proposed.listen_host},
            CONF_CERTIFICATE: files,
        }
        return self.async_show_form(
            step_id="telemetry_embedded",
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=errors,
            description_placeholders={
                "domain": self._domain,
                "listen_port": str(listen_port),
                "detail": detail or "-",
                **(await self._progress()),
            },
        )

    def _mistakes(self, user_input: dict[str, Any]) -> dict[str, str]:
        """Return what is wrong with an address that was entered, as errors by field."""
        hostname = user_input[CONF_HOSTNAME].strip().lower()
        inside, files = user_input[CONF_INSIDE], user_input.get(CONF_CERTIFICATE, {})
        listen_host, certificate_file, key_file = (
            values.get(field, "").strip()
            for values, field in (
                (inside, CONF_LISTEN_HOST),
                (files, CONF_CERTIFICATE_FILE),
                (files, CONF_KEY_FILE),
            )
        )
        checks = (
            (CONF_HOSTNAME, "hostname_invalid", is_hostname(hostname)),
            (CONF_HOSTNAME, "hostname_foreign", same_root(hostname, self._domain)),
            (CONF_PORT, "port_invalid", _is_port(user_input[CONF_PORT])),
            (CONF_INSIDE, "port_invalid", _is_port(inside[CONF_LISTEN_PORT])),
            (CONF_INSIDE, "listen_host_invalid", not listen_host or is_ip_address(listen_host)),
            (CONF_CERTIFICATE, "certificate_alone", not key_file or bool(certificate_file)),
        )
        return next(({field: key} for field, key, is_right in checks if not is_right), {})

    @property
    def _proposed_settings(self) -> TelemetrySettings:
        """The settings to propose: this entry's, else another entry's, because all entries share one receiver."""
        if self._telemetry.transport is Transport.EMBEDDED:
            return self._telemetry
        others = (
            TelemetrySettings.from_options(entry.options)
            for entry in self.hass.config_entries.async_entries(DOMAIN)
        )
        return next(
            (other for other in others if other.transport is Transport.EMBEDDED), self._telemetry
        )

    async def _try_to_reach(self, settings: TelemetrySettings) -> tuple[dict[str, str], str]:
        """Open the receiver for a moment and connect to it; return errors and their detail."""
        self._warned_settings = None
        server = async_get_telemetry_server(self.hass, active_endpoints())
        entry_id = self._entry.entry_id if self._entry else None
        try:
            async with server.trial(settings, entry_id) as certificate:
                reach = await check_reachability(settings, certificate)
        except TelemetryServerError as err:
            if err.file is not None:
                return {CONF_CERTIFICATE: err.file.key}, err.file.path
            field = CONF_INSIDE if err.key == "telemetry_port" else "base"
            return {field: err.key}, err.detail
        if reach is Reachability.REACHED:
            return {}, ""
        self._warned_settings = settings
        return {"base": reach.value}, f"{settings.hostname}:{settings.port}"

    async def async_step_telemetry_mqtt(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user enter the topics of another server, and check whether messages arrive."""
        errors: dict[str, str] = {}
        if user_input is not None:
            base = user_input[CONF_TOPIC_BASE].strip().strip("/")
            settings = TelemetrySettings(Transport.MQTT, topic_base=base)
            if not is_topic_base(base):
                errors[CONF_TOPIC_BASE] = "topic_base_invalid"
            elif settings == self._warned_settings:
                return await self._set_telemetry(settings)
            else:
                arrival = await messages_arrive(self.hass, base, self._vins())
                if arrival is Arrival.RECEIVED:
                    return await self._set_telemetry(settings)
                self._warned_settings = settings
                errors["base"] = arrival.value
        schema = vol.Schema(
            {vol.Required(CONF_TOPIC_BASE, default=self._telemetry.topic_base): TextSelector()}
        )
        return self.async_show_form(
            step_id="telemetry_mqtt",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders=await self._progress(),
        )

    def _vins(self) -> list[str]:
        """Return the VINs of the account's cars; a reconfigured entry that is not loaded still has its devices."""
        if (entry := self._entry) is None:
            return [car.vin for car in self._cars]
        devices = dr.async_entries_for_config_entry(dr.async_get(self.hass), entry.entry_id)
        return [vin for device in devices for vin in vins_of(device)]

    async def _set_telemetry(self, settings: TelemetrySettings) -> ConfigFlowResult:
        self._telemetry = settings
        return await self._telemetry_chosen()


def _is_port(number: float) -> bool:
    return 1 <= number <= MAX_PORT and number == int(number)


def _entered(user_input: dict[str, Any]) -> TelemetrySettings:
    """Return the settings that were entered without a mistake."""
    inside, files = user_input[CONF_INSIDE], user_input.get(CONF_CERTIFICATE, {})
    return TelemetrySettings(
        Transport.EMBEDDED,
        user_input[CONF_HOSTNAME].strip().lower(),
        int(user_input[CONF_PORT]),
        int(inside[CONF_LISTEN_PORT]),
        inside.get(CONF_LISTEN_HOST, "").strip(),
        **{field: files.get(field, "").strip() for field in _FILES},
    )
