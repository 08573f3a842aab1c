"""The access tokens of a config entry: refreshed by one for all, saved before they are used, kept through trouble."""

import asyncio
from collections.abc import Mapping
import time
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import OAuth2TokenRequestBaseError, OAuth2TokenRequestReauthError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_TOKEN, DOMAIN, LOGGER
from ..fleet_api import (
    FleetApiError,
    InvalidClient,
    LoginRequired,
    RateLimited,
    ServerFailure,
    Unreachable,
)
from .token_file import (
    CONF_PREVIOUS,
    CONF_REFRESH_TOKEN,
    CONF_SIGN_IN,
    Token,
    TokenFile,
    is_same,
    supersedes,
    token_record_of,
)

CONF_EXPIRES_AT: Final = "expires_at"
MARGIN: Final = 30.0
"""Seconds before its end from which on a token is not used any more."""


class EntryAuthorization:
    """Gives the Fleet API client of one config entry its access tokens.

    There is one of it for each entry as long as Home Assistant runs: two that refresh at once would each end
    what the other was given.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, implementation: AbstractOAuth2Implementation
    ) -> None:
        """Use the tokens of a config entry."""
        self.implementation = implementation
        self._hass = hass
        self._entry = entry
        self._file = TokenFile(hass, entry.entry_id)
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[FleetApiError | None] | None = None
        self._unsaved = False
        self._last: Token | None = None
        """The token of an entry that is removed, and so cannot hold it any more."""
        self._forgotten = False
        self._restored = False

    @property
    def token(self) -> Mapping[str, Any]:
        """The token as it is, expired or not."""
        held: Mapping[str, Any] = self._last or self._entry.data[CONF_TOKEN]
        return held

    async def access_token(self) -> str:
        """Return a token that has not expired, refreshing it first if need be.

        Raises LoginRequired when Tesla refuses to refresh it (the owner is then asked to sign in again), and
        RateLimited, ServerFailure, InvalidClient or Unreachable when there is no token for now.
        """
        if self._unsaved or not _lasts(self.token):
            if self._refreshing is None or self._refreshing.done():
                self._refreshing = self._hass.async_create_task(
                    self._refresh(), f"{DOMAIN} refresh of the sign-in"
                )
            # who asked may be cancelled; what Tesla answers must not be lost with that
            if (failure := await asyncio.shield(self._refreshing)) is not None:
                raise failure
        return str(self.token[CONF_ACCESS_TOKEN])

    async def renew(self, rejected: str) -> None:
        """Have the next access_token() refresh, unless another request already did."""
        if self.token[CONF_ACCESS_TOKEN] == rejected:
            self._hold({**self.token, CONF_EXPIRES_AT: 0})

    async def restore(self) -> None:
        """Make entry and file agree on the newer of their tokens: one of them may come from before a power cut.

        Later in the same run the entry is right. It follows every refresh at once, so what differs is a new sign-in,
        and that counts even if the old one was refreshed while its owner was still on the pages that followed.
        """
        async with self._lock:
            try:
                stored = await self._file.load()
            except OSError as err:
                LOGGER.warning("The saved sign-in cannot be read: %s", err.strerror)
                stored = None
            if stored is not None and not self._restored and supersedes(stored, self.token):
                self._hold(stored)
            elif stored is None or not is_same(stored, self.token):
                await self._save(self.token)
            self._restored = True

    async def forget(self) -> None:
        """Delete the file, and never write it again."""
        self._forgotten = True
        async with self._lock:
            await self._file.remove()

    async def _refresh(self) -> FleetApiError | None:
        """Have a token that has not expired; return why not otherwise."""
        async with self._lock:
            held = self.token
            if _lasts(held):
                if self._unsaved:
                    await self._save(held)
                return None
            try:
                token = await self._ask(held)
            except OAuth2TokenRequestReauthError as err:
                if is_same(self.token, held):
                    self._ask_owner()
                cause = err.__cause__
                return cause if isinstance(cause, LoginRequired) else LoginRequired(str(err))
            except (OAuth2TokenRequestBaseError, TimeoutError) as err:
                cause = err.__cause__
                if isinstance(cause, RateLimited | ServerFailure | InvalidClient):
                    return cause
                failure = Unreachable("the token service did not give a token")
                failure.__cause__ = err
                return failure
            await self._save(token)
            if is_same(self.token, held):
                self._hold(token)
            else:  # the owner has signed in meanwhile, and that counts
                await self._save(self.token)
            return None

    async def _ask(self, held: Mapping[str, Any]) -> Token:
        """Return Tesla's new token. Raises OAuth2TokenRequestBaseError.

        A request that was given up may be carried out later all the same, and ends what a repetition was given
        meanwhile. The token with which both asked goes on working for a day.
        """
        used, previous = held.get(CONF_REFRESH_TOKEN), held.get(CONF_PREVIOUS)
        try:
            answer = await self.implementation.async_refresh_token(dict(held))
        except OAuth2TokenRequestReauthError:
            if not previous or previous == used:
                raise
            used = previous
            answer = await self.implementation.async_refresh_token(
                {**held, CONF_REFRESH_TOKEN: previous}
            )
        return {**answer, CONF_PREVIOUS: used, CONF_SIGN_IN: token_record_of(held)}

    async def _save(self, token: Mapping[str, Any]) -> None:
        """Put a token on disk. A full disk is told, and is no reason not to charge: it is tried again."""
        if self._forgotten:
            return
        try:
            await self._file.save(token)
        except OSError as err:
            if not self._unsaved:
                LOGGER.error(
                    "The sign-in to Tesla could not be saved (%s). Until it is, a restart may end it",
                    err.strerror,
                )
            self._unsaved = True
        else:
            self._unsaved = False

    @property
    def _is_removed(self) -> bool:
        return self._hass.config_entries.async_get_entry(self._entry.entry_id) is None

    @callback
    def _hold(self, token: Token) -> None:
        if self._is_removed:
            self._last = token
        else:
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, CONF_TOKEN: token}
            )

    @callback
    def _ask_owner(self) -> None:
        if not self._is_removed:
            self._entry.async_start_reauth_if_available(self._hass)


DATA_AUTHORIZATIONS: Final[HassKey[dict[str, EntryAuthorization]]] = HassKey(
    f"{DOMAIN}_authorizations"
)


async def async_get_authorization(hass: HomeAssistant, entry: ConfigEntry) -> EntryAuthorization:
    """Return the one authorization of an entry, with the newest token that is known.

    Raises ImplementationUnavailableError and UnknownImplementationError without application credentials.
    """
    implementation = await async_get_config_entry_implementation(hass, entry)
    known = hass.data.setdefault(DATA_AUTHORIZATIONS, {})
    authorization = known.get(entry.entry_id)
    if authorization is None:
        authorization = known[entry.entry_id] = EntryAuthorization(hass, entry, implementation)
    authorization.implementation = implementation  # the credentials may be others now
    await authorization.restore()
    return authorization


async def async_forget_sign_in(hass: HomeAssistant, entry_id: str) -> None:
    """Delete what is on disk of a removed entry's sign-in. Raises OSError."""
    known = hass.data.get(DATA_AUTHORIZATIONS, {}).pop(entry_id, None)
    await (known.forget() if known is not None else TokenFile(hass, entry_id).remove())


def _lasts(token: Mapping[str, Any]) -> bool:
    return bool(token[CONF_EXPIRES_AT] > time.time() + MARGIN)
