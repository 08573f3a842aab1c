"""The steps about the domain and the virtual key: where it is shown, which key it is, what Tesla says to it."""

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
from ..const import CONF_DOMAIN, DOMAIN, LOGGER, PORTAL_URL
from ..fleet_api import KEY_PATH, FleetApiError, Region
from ..vehicle_command import InvalidKey, VirtualKey
from .domain import RegistrationError, bare_domain, domain_problem, proposed_domain
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
    """The part of the flow that has a key and a domain registered with Tesla."""

    flow_impl: AbstractOAuth2Implementation

    def __init__(self) -> None:
        """Begin with nothing known; whoever leads here fills in what is known."""
        super().__init__()
        self._domain = ""
        self._shown_here = True
        """Whether this Home Assistant shows the key at the domain, or somebody else's server does."""
        self._region = Region.NA
        """Where the account lives."""
        self._doubted = ""
        """The domain that the person was told of already, and may insist on."""
        self._offered: dict[str, VirtualKey] = {}
        """The keys that can be chosen, by the name of the choice."""
        self._choice = ""
        self._kept: VirtualKey | None = None
        """The key of this Home Assistant, as this flow knows it."""
        self._left = False
        """Whether the person has closed the dialog; what was being asked then is answered later."""
        self._replacing = False
        """Whether the key of an entry that exists is being replaced, for good reasons."""

    @callback
    @override
    def async_remove(self) -> None:
        """Stop showing the public key for a flow that ended; an entry shows it by itself."""
        self._left = True
        async_get_key_store(self.hass).hide(self.flow_id)

    @abstractmethod
    async def _key_registered(self) -> ConfigFlowResult:
        """Go on with a key that Tesla took from the domain. May raise FleetApiError."""

    async def async_step_domain(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the domain, who shows the key there, and which key it is."""
        try:
            await self._find_keys()
        except (InvalidKey, OSError) as err:
            return self.async_abort(
                reason="key_unreadable", description_placeholders={"detail": str(err)}
            )
        if user_input is None:
            return self._form({})
        self._shown_here = user_input.get(CONF_SHOWN, SHOWN_HERE) == SHOWN_HERE
        self._choice = user_input.get(CONF_KEY, self._choices[0])
        try:
            self._domain = bare_domain(user_input[CONF_DOMAIN])
            self._insist_on(self._domain)
        except RegistrationError as err:
            if err.key != "domain_with_path":
                return self._form({CONF_DOMAIN: err.key}, user_input)
            # what is left of it is most likely what was meant
            return self._form({CONF_DOMAIN: err.key}, {**user_input, CONF_DOMAIN: err.detail})
        if self._choice == KEY_IMPORT:
            return await self.async_step_import_key()
        return await self._key_chosen()

    def _insist_on(self, domain: str) -> None:
        """Tell once what is known against a name. Raises OnboardingError."""
        key = domain_problem(domain, served_here=self._shown_here)
        if key is not None and self._doubted != domain:
            self._doubted = domain
            raise RegistrationError(key)

    def _form(
        self,
        errors: dict[str, str],
        user_input: dict[str, Any] | None = None,
        *,
        detail: str = "",
        url: str = "",
    ) -> ConfigFlowResult:
        """Show the page on which the domain, or only another key, is chosen."""
        if self._replacing:
            schema = vol.Schema(
                {vol.Required(CONF_KEY, default=self._choices[0]): _select(self._choices, CONF_KEY)}
            )
        else:
            schema = self._domain_schema()
        return self.async_show_form(
            step_id="replace_key" if self._replacing else "domain",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={
                "detail": detail or "-",
                "domain": self._domain,
                "url": url or "-",
                "portal_url": PORTAL_URL,
            },
        )

    def _domain_schema(self) -> vol.Schema:
        proposed = self._domain or proposed_domain(self.hass) or vol.UNDEFINED
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_DOMAIN, default=proposed): TextSelector(),
            vol.Required(
                CONF_SHOWN, default=SHOWN_HERE if self._shown_here else SHOWN_ELSEWHERE
            ): _select([SHOWN_HERE, SHOWN_ELSEWHERE], CONF_SHOWN),
        }
        if len(self._choices) > 1:
            default = self._choice if self._choice in self._choices else self._choices[0]
            fields[vol.Required(CONF_KEY, default=default)] = _select(self._choices, CONF_KEY)
        return vol.Schema(fields)

    # -- which key ----------------------------------------------------------------------------------

    @property
    def _choices(self) -> list[str]:
        """The keys to choose from, the best first.

        Cars of other entries are paired with the key that is there: it is replaced on purpose only, never by the way.
        """
        if self._replacing:
            return [name for name in (*self._offered, KEY_IMPORT) if name != KEY_KEEP]
        if KEY_KEEP in self._offered and self.hass.config_entries.async_entries(DOMAIN):
            return [KEY_KEEP]
        return [*self._offered, KEY_IMPORT]

    async def _find_keys(self) -> None:
        """Find out what can be chosen. Raises InvalidKey, OSError for a key of ours that is damaged."""
        if self._offered:
            return
        store = async_get_key_store(self.hass)
        found: VirtualKey | None = None
        try:
            found = await store.tesla_fleet_key()
        except (InvalidKey, OSError) as err:
            LOGGER.info("The key of tesla_fleet cannot be taken over: %s", err)
        self._kept = None if self._replacing else await store.load()
        named = {KEY_KEEP: self._kept, KEY_TESLA_FLEET: found, KEY_NEW: VirtualKey.generate()}
        self._offered = {name: key for name, key in named.items() if key is not None}

    async def async_step_replace_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose another key for an entry that exists: every car has to be paired again."""
        self._replacing = True
        await self._find_keys()
        if user_input is None:
            return self._form({})
        self._choice = user_input[CONF_KEY]
        if self._choice == KEY_IMPORT:
            return await self.async_step_import_key()
        return await self._key_chosen()

    async def async_step_import_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a key that exists already, by paste or upload; it is never shown again."""
        errors: dict[str, str] = {}
        if user_input is not None:
            pem: str | bytes = user_input.get(CONF_PEM, "")
            if CONF_FILE in user_input:
                pem = await self.hass.async_add_executor_job(
                    _read_upload, self.hass, user_input[CONF_FILE]
                )
            try:
                self._offered[KEY_IMPORTED] = VirtualKey.from_pem(pem)
            except InvalidKey as err:
                errors["base"] = f"key_{err.reason}"
            else:
                self._choice = KEY_IMPORTED
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
        )

    # -- showing and registering it -----------------------------------------------------------------

    async def _key_chosen(self) -> ConfigFlowResult:
        key = self._offered[self._choice]
        if not self._shown_here:
            return await self.async_step_host_key()
        errors, detail, url = await self._try_to_register(key)
        if not errors:
            return await self._after_registration()
        return self._form(errors, detail=detail, url=url)

    async def async_step_host_key(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Give the public key to somebody who puts it on a server of theirs, then have Tesla look."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            errors, detail, _ = await self._try_to_register(self._offered[self._choice])
            if not errors:
                return await self._after_registration()
        else:
            await self._keep_first(self._offered[self._choice])
        key = self._offered[self._choice]
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
            },
            last_step=False,
        )

    async def _keep_first(self, key: VirtualKey) -> None:
        """Keep a first key at once: cars or servers may know it before this flow comes to its end."""
        store = async_get_key_store(self.hass)
        if not self._replacing and await store.load() is None:
            await store.save(key)
            self._kept = key

    async def _refuse_another_key(self) -> None:
        """Raise OnboardingError if another flow gave this Home Assistant a key that this one did not know of.

        It goes with the key that is there, unless the person chooses again.
        """
        now = None if self._replacing else await async_get_key_store(self.hass).load()
        if (now and now.public_key) == (self._kept and self._kept.public_key):
            return
        self._kept = now
        self._offered.pop(KEY_KEEP, None)
        self._offered = {**({KEY_KEEP: now} if now else {}), **self._offered}
        self._choice = self._choices[0]
        raise RegistrationError("key_changed")

    async def _try_to_register(self, key: VirtualKey) -> tuple[dict[str, str], str, str]:
        """Have Tesla take the key from the domain; return errors, what they mention, and the key's address."""
        store = async_get_key_store(self.hass)
        try:
            store.show(self.flow_id)
            async with store.trying(key):
                await self._refuse_another_key()
                await self._keep_first(key)
                await self._register(key)
                await store.save(key)
                self._kept = key
        except RegistrationError as err:
            field = CONF_DOMAIN if err.key.startswith("domain_") and self._shown_here else "base"
            return {field: err.key}, err.detail, err.url
        except OSError as err:
            return {"base": "key_not_saved"}, str(err), ""
        finally:
            if self._left:
                self.async_remove()
        return {}, "", ""

    async def _register(self, key: VirtualKey) -> None:
        """Register this flow's application. Raises OnboardingError."""
        registrar = registrar_of(self.hass, self.flow_impl)
        await registrar.register(self._region, self._domain, key)
        await registrar.register_elsewhere(self._region, self._domain, key)

    async def _after_registration(self) -> ConfigFlowResult:
        try:
            return await self._key_registered()
        except FleetApiError as err:
            LOGGER.warning("Tesla did not list the account's cars: %s", err)
            return self._form({"base": "cars_not_listed"}, detail=err.detail)


def _select(options: list[str], translation_key: str) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=options, translation_key=translation_key, mode=SelectSelectorMode.LIST
        )
    )


def _read_upload(hass: HomeAssistant, file_id: str) -> bytes:
    """Return an uploaded file, which is then gone from the disk (blocking)."""
    with process_uploaded_file(hass, file_id) as path, path.open("rb") as file:
        return file.read(MAX_FILE_LENGTH + 1)
