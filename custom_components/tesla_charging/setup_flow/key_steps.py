"""The steps about the domain and the virtual key: who serves it, which key it is, and its registration."""

from abc import ABCMeta, abstractmethod
from typing import Any, Final, override

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation
from homeassistant.helpers.selector import (
    FileSelector,
    FileSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..auth.key_store import async_get_key_store
from ..client import active_endpoints
from ..const import CONF_DOMAIN, DOMAIN, LOGGER
from ..fleet_api import KEY_PATH, FleetApiError, Region
from ..vehicle_command import InvalidKey, VirtualKey
from .domain import RegistrationError, bare_domain, domain_problem, proposed_domain
from .progress import KEY, progress
from .registration import registrar_of

CONF_FILE: Final = "file"
CONF_KEY: Final = "key"
CONF_PEM: Final = "pem"
CONF_SHOWN: Final = "shown"
SHOWN_HERE: Final = "here"
SHOWN_ELSEWHERE: Final = "elsewhere"
KEY_KEEP: Final = "keep"
KEY_NEW: Final = "new"
KEY_TESLA_FLEET: Final = "tesla_fleet"
KEY_IMPORT: Final = "import"
KEY_IMPORTED: Final = "imported"
MAX_FILE_LENGTH: Final = 8192


class KeySteps(ConfigFlow, metaclass=ABCMeta):
    """The steps of the flow that register a key and a domain with Tesla."""

    flow_impl: AbstractOAuth2Implementation

    def __init__(self) -> None:
        """Start with defaults; the step that leads here sets what is known."""
        super().__init__()
        self._domain = ""
        self._key_shown_here = True
        """Whether this Home Assistant serves the key at the domain; else another server does."""
        self._region = Region.NA
        """The account's region."""
        self._warned_domain = ""
        """The domain that a warning was shown for; the user may submit it again."""
        self._keys_offered: dict[str, VirtualKey] = {}
        """The keys that can be chosen, by the name of the choice."""
        self._key_choice = ""
        self._stored_key: VirtualKey | None = None
        """The key of this Home Assistant, as this flow last read it."""
        self._is_closed = False
        """Whether the user has closed the dialog; a request may still be in progress then."""
        self._is_replacing_key = False
        """Whether the user replaces the key of an existing entry."""

    @callback
    @override
    def async_remove(self) -> None:
        """Stop serving the public key for this flow; an entry serves it by itself."""
        self._is_closed = True
        async_get_key_store(self.hass).hide(self.flow_id)

    @abstractmethod
    async def _key_registered(self) -> ConfigFlowResult:
        """Continue with a key that Tesla fetched from the domain. May raise FleetApiError."""

    async def async_step_domain(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose the domain, who serves the key there, and which key it is."""
        try:
            await self._load_key_choices()
        except (InvalidKey, OSError) as err:
            return self.async_abort(
                reason="key_unreadable", description_placeholders={"detail": str(err)}
            )
        if user_input is None:
            return await self._show_key_form({})
        self._key_shown_here = user_input.get(CONF_SHOWN, SHOWN_HERE) == SHOWN_HERE
        self._key_choice = user_input.get(CONF_KEY, self._key_choices[0])
        try:
            self._domain = bare_domain(user_input[CONF_DOMAIN])
            self._warn_about(self._domain)
        except RegistrationError as err:
            if err.key != "domain_with_path":
                return await self._show_key_form({CONF_DOMAIN: err.key}, user_input)
            # propose the bare name, which is most likely what was meant
            return await self._show_key_form(
                {CONF_DOMAIN: err.key}, {**user_input, CONF_DOMAIN: err.detail}
            )
        if self._key_choice == KEY_IMPORT:
            return await self.async_step_import_key()
        return await self._key_chosen()

    def _warn_about(self, domain: str) -> None:
        """Show once that a name is known not to work. Raises RegistrationError."""
        key = domain_problem(domain, served_here=self._key_shown_here)
        if key is not None and self._warned_domain != domain:
            self._warned_domain = domain
            raise RegistrationError(key)

    async def _show_key_form(
        self,
        errors: dict[str, str],
        user_input: dict[str, Any] | None = None,
        *,
        detail: str = "",
        url: str = "",
    ) -> ConfigFlowResult:
        """Show the page on which the domain, or only another key, is chosen."""
        if self._is_replacing_key:
            schema = vol.Schema(
                {
                    vol.Required(CONF_KEY, default=self._key_choices[0]): _select(
                        self._key_choices, CONF_KEY
                    )
                }
            )
        else:
            schema = self._domain_schema()
        return self.async_show_form(
            step_id="replace_key" if self._is_replacing_key else "domain",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={
                "detail": detail or "-",
                "domain": self._domain,
                "url": url or "-",
                **(await progress(self.hass, self.source, KEY)),
            },
        )

    def _domain_schema(self) -> vol.Schema:
        proposed = self._domain or proposed_domain(self.hass) or vol.UNDEFINED
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_DOMAIN, default=proposed): TextSelector(),
            vol.Required(
                CONF_SHOWN, default=SHOWN_HERE if self._key_shown_here else SHOWN_ELSEWHERE
            ): _select([SHOWN_HERE, SHOWN_ELSEWHERE], CONF_SHOWN),
        }
        if len(self._key_choices) > 1:
            default = (
                self._key_choice if self._key_choice in self._key_choices else self._key_choices[0]
            )
            fields[vol.Required(CONF_KEY, default=default)] = _select(self._key_choices, CONF_KEY)
        return vol.Schema(fields)

    # -- which key ----------------------------------------------------------------------------------

    @property
    def _key_choices(self) -> list[str]:
        """The keys to choose from, the preferred one first.

        Cars of other entries are paired with the stored key, so only the step `replace_key` may replace it.
        """
        if self._is_replacing_key:
            return [name for name in (*self._keys_offered, KEY_IMPORT) if name != KEY_KEEP]
        if KEY_KEEP in self._keys_offered and self.hass.config_entries.async_entries(DOMAIN):
            return [KEY_KEEP]
        return [*self._keys_offered, KEY_IMPORT]

    async def _load_key_choices(self) -> None:
        """Load the keys that can be chosen. Raises InvalidKey or OSError if the stored key is damaged."""
        if self._keys_offered:
            return
        store = async_get_key_store(self.hass)
        tesla_fleet_key: VirtualKey | None = None
        try:
            tesla_fleet_key = await store.tesla_fleet_key()
        except (InvalidKey, OSError) as err:
            LOGGER.info("The key of tesla_fleet cannot be taken over: %s", err)
        self._stored_key = None if self._is_replacing_key else await store.load()
        named = {
            KEY_KEEP: self._stored_key,
            KEY_TESLA_FLEET: tesla_fleet_key,
            KEY_NEW: VirtualKey.generate(),
        }
        self._keys_offered = {name: key for name, key in named.items() if key is not None}

    async def async_step_replace_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose another key for an existing entry: every car has to be paired again."""
        self._is_replacing_key = True
        await self._load_key_choices()
        if user_input is None:
            return await self._show_key_form({})
        self._key_choice = user_input[CONF_KEY]
        if self._key_choice == KEY_IMPORT:
            return await self.async_step_import_key()
        return await self._key_chosen()

    async def async_step_import_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Import an existing key, pasted or uploaded; it is never shown again."""
        errors: dict[str, str] = {}
        if user_input is not None:
            pem: str | bytes = user_input.get(CONF_PEM, "")
            if CONF_FILE in user_input:
                pem = await self.hass.async_add_executor_job(
                    _read_upload, self.hass, user_input[CONF_FILE]
                )
            try:
                self._keys_offered[KEY_IMPORTED] = VirtualKey.from_pem(pem)
            except InvalidKey as err:
                errors["base"] = f"key_{err.reason}"
            else:
                self._key_choice = KEY_IMPORTED
                return await self._key_chosen()
        return self.async_show_form(
            step_id="import_key",
            data_schema=vol.Schema(
                {
                    vol.Optional(CONF_PEM): TextSelector(TextSelectorConfig(multiline=True)),
                    vol.Optional(CONF_FILE): FileSelector(
                        FileSelectorConfig(accept=".pem,.key,application/x-pem-file")
                    ),
                }
            ),
            errors=errors,
            description_placeholders=await progress(self.hass, self.source, KEY),
        )

    # -- serving and registering it -----------------------------------------------------------------

    async def _key_chosen(self) -> ConfigFlowResult:
        key = self._keys_offered[self._key_choice]
        if not self._key_shown_here:
            return await self.async_step_host_key()
        errors, detail, url = await self._try_to_register(key)
        if not errors:
            return await self._after_registration()
        return await self._show_key_form(errors, detail=detail, url=url)

    async def async_step_host_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the public key, which the user puts on another server, then let Tesla fetch it."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            errors, detail, _ = await self._try_to_register(self._keys_offered[self._key_choice])
            if not errors:
                return await self._after_registration()
        else:
            await self._store_first_key(self._keys_offered[self._key_choice])
        key = self._keys_offered[self._key_choice]
        return self.async_show_form(
            step_id="host_key",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders={
                "pem": key.public_pem.strip(),
                "url": active_endpoints().key_url(self._domain),
                "path": KEY_PATH,
                "domain": self._domain,
                "detail": detail or "-",
                **(await progress(self.hass, self.source, KEY)),
            },
            last_step=False,
        )

    async def _store_first_key(self, key: VirtualKey) -> None:
        """Store a first key at once: cars or servers may have it before this flow ends."""
        store = async_get_key_store(self.hass)
        if not self._is_replacing_key and await store.load() is None:
            await store.save(key)
            self._stored_key = key

    async def _check_stored_key(self) -> None:
        """Raise RegistrationError if another flow has stored a different key meanwhile.

        The stored key becomes the proposed choice; the user may choose again.
        """
        stored = None if self._is_replacing_key else await async_get_key_store(self.hass).load()
        if (stored and stored.public_key) == (self._stored_key and self._stored_key.public_key):
            return
        self._stored_key = stored
        self._keys_offered.pop(KEY_KEEP, None)
        self._keys_offered = {**({KEY_KEEP: stored} if stored else {}), **self._keys_offered}
        self._key_choice = self._key_choices[0]
        raise RegistrationError("key_changed")

    async def _try_to_register(self, key: VirtualKey) -> tuple[dict[str, str], str, str]:
        """Register the key: Tesla fetches it from the domain. Return errors, their detail, and the key's address."""
        store = async_get_key_store(self.hass)
        try:
            store.show(self.flow_id)
            async with store.trying(key):
                await self._check_stored_key()
                await self._store_first_key(key)
                await self._register(key)
                await store.save(key)
                self._stored_key = key
        except RegistrationError as err:
            field = (
                CONF_DOMAIN if err.key.startswith("domain_") and self._key_shown_here else "base"
            )
            return {field: err.key}, err.detail, err.url
        except OSError as err:
            return {"base": "key_not_saved"}, str(err), ""
        finally:
            if self._is_closed:
                self.async_remove()
        return {}, "", ""

    async def _register(self, key: VirtualKey) -> None:
        """Register this flow's application. Raises RegistrationError."""
        registrar = registrar_of(self.hass, self.flow_impl)
        await registrar.register(self._region, self._domain, key)
        await registrar.register_elsewhere(self._region, self._domain, key)

    async def _after_registration(self) -> ConfigFlowResult:
        try:
            return await self._key_registered()
        except FleetApiError as err:
            LOGGER.warning("Tesla did not list the account's cars: %s", err)
            return await self._show_key_form({"base": "cars_not_listed"}, detail=err.detail)


def _select(options: list[str], translation_key: str) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=options, translation_key=translation_key, mode=SelectSelectorMode.DROPDOWN
        )
    )


def _read_upload(hass: HomeAssistant, file_id: str) -> bytes:
    """Return the content of an uploaded file, which is deleted from the disk afterwards (blocking)."""
    with process_uploaded_file(hass, file_id) as path, path.open("rb") as file:
        return file.read(MAX_FILE_LENGTH + 1)
