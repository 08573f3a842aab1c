"""The access tokens of a config entry: refreshed once for all requests, and saved before they are used."""

import asyncio
from collections.abc import Mapping
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    ImplementationUnavailableError,
    OAuth2TokenRequestBaseError,
    OAuth2TokenRequestReauthError,
)
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_TOKEN, DOMAIN, LOGGER
from ..fleet_api import (
    FleetApiError,
    InvalidApiAnswer,
    InvalidClient,
    LoginRequired,
    RateLimited,
    ServerFailure,
    TokenClaims,
    Unreachable,
    read_claims,
)
from ..tasks import result_of
from .token_file import (
    CONF_PREVIOUS,
    CONF_REFRESH_TOKEN,
    CONF_SIGN_IN,
    Token,
    TokenFile,
    is_same,
    is_usable,
    sign_in_id,
    supersedes,
)

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


CONF_EXPIRES_AT: Final = "expires_at"
MARGIN: Final = 30.0
"""Seconds before its expiry from which on a token is not used any more."""


class EntryAuthorization:
    """Gives the Fleet API client of one config entry its access tokens.

    There is one object for each entry as long as Home Assistant runs: if two refreshed at once, each would make the
    other one's new token invalid.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        implementation: AbstractOAuth2Implementation,
    ) -> None:
        self.implementation = implementation
        self._hass = hass
        self._entry = entry
        self._file = TokenFile(hass, entry.entry_id)
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[FleetApiError | None] | None = None
        self._unsaved = False
        self._token_of_removed: Token | None = None
        """The token of a removed entry, which cannot store it any more."""
        self._removed = False
        self._restored = False

    @property
    def token(self) -> Mapping[str, Any]:
        """The current token, expired or not."""
        current = self._token_of_removed or self._entry.data.get(CONF_TOKEN)
        return current if isinstance(current, Mapping) else {}

    @property
    def is_usable(self) -> bool:
        """Whether the token has the expected shape; else only a new sign-in helps."""
        return is_usable(self.token)

    async def access_token(self) -> str:
        """Return a token that has not expired, after a refresh if necessary.

        Raises LoginRequired when Tesla refuses to refresh it (the user is then prompted to sign in again), and
        RateLimited, ServerFailure, InvalidClient or Unreachable when there is no token for now.
        """
        if not self.is_usable:
            self._start_reauth()
            raise LoginRequired("the stored sign-in cannot be used")
        if self._unsaved or not _is_valid(self.token):
            if self._refreshing is None or self._refreshing.done():
                self._refreshing = self._hass.async_create_task(
                    self._refresh(), f"{DOMAIN} refresh of the sign-in"
                )
            # the caller may be cancelled; the token that Tesla returns must not be lost
            if (failure := await result_of(self._refreshing)) is not None:
                raise failure
        return str(self.token[CONF_ACCESS_TOKEN])

    async def claims(self) -> TokenClaims:
        """Return the claims of the access token; one that cannot be read is refreshed once.

        Raises what access_token() raises, and InvalidApiAnswer if Tesla's own token cannot be read.
        """
        token = await self.access_token()
        try:
            return read_claims(token)
        except InvalidApiAnswer:
            await self.renew(token)
            return read_claims(await self.access_token())

    async def renew(self, rejected: str) -> None:
        """Make the next access_token() refresh the token, unless another request already did."""
        if self.token[CONF_ACCESS_TOKEN] == rejected:
            self._set_token({**self.token, CONF_EXPIRES_AT: 0})

    async def restore(self) -> None:
        """Put the newer token into both entry and file: one of them may be from before a power cut.

        Later in the same run the entry's token is used. The entry gets every refreshed token at once, so a different
        one is from a new sign-in. It is used even if the old one was refreshed while the user was still on the pages
        after the sign-in.
        """
        async with self._lock:
            if self._removed:
                return
            stored = await self._file.load()
            if stored is not None and (
                not self.is_usable or (not self._restored and supersedes(stored, self.token))
            ):
                self._set_token(stored)
            elif not self.is_usable:
                return
            elif stored is None or not is_same(stored, self.token):
                await self._save(self.token)
            self._restored = True

    async def remove(self) -> None:
        """Delete the file, and never write it again."""
        self._removed = True
        async with self._lock:
            await self._file.remove()

    async def _refresh(self) -> FleetApiError | None:
        """Refresh the token unless it is valid; return the error if there is no valid token."""
        async with self._lock:
            current = self.token
            if _is_valid(current):
                if self._unsaved:
                    await self._save(current)
                return None
            try:
                token = await self._request_token(current)
            except OAuth2TokenRequestReauthError as err:
                if is_same(self.token, current):
                    self._start_reauth()
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
            if is_same(self.token, current):
                self._set_token(token)
            else:  # the user has signed in meanwhile: that token is used
                await self._save(self.token)
            return None

    async def _request_token(self, current: Mapping[str, Any]) -> Token:
        """Return Tesla's new token. Raises OAuth2TokenRequestBaseError.

        Tesla may still process a request after its timeout, and then the token that a repetition got meanwhile becomes
        invalid. The refresh token that both requests used works for another day.
        """
        used, previous = current.get(CONF_REFRESH_TOKEN), current.get(CONF_PREVIOUS)
        try:
            answer = await self.implementation.async_refresh_token(dict(current))
        except OAuth2TokenRequestReauthError:
            if not previous or previous == used:
                raise
            used = previous
            answer = await self.implementation.async_refresh_token(
                {**current, CONF_REFRESH_TOKEN: previous}
            )
        return {**answer, CONF_PREVIOUS: used, CONF_SIGN_IN: sign_in_id(current)}

    async def _save(self, token: Mapping[str, Any]) -> None:
        """Save a token. A failure is logged and saving is repeated later; the token is used all the same."""
        if self._removed:
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
    def _set_token(self, token: Token) -> None:
        if self._is_removed:
            self._token_of_removed = token
        else:
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, CONF_TOKEN: token}
            )

    @callback
    def _start_reauth(self) -> None:
        if not self._is_removed:
            self._entry.async_start_reauth_if_available(self._hass)


NO_AUTHORIZATION: Final = (ImplementationUnavailableError, ValueError, KeyError)
"""What async_get_authorization() raises for an entry without application credentials."""
DATA_AUTHORIZATIONS: Final[HassKey[dict[str, EntryAuthorization]]] = HassKey(
    f"{DOMAIN}_authorizations"
)


async def async_get_authorization(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry
) -> EntryAuthorization:
    """Return the one authorization of an entry, with the newest token of entry and file.

    Raises ImplementationUnavailableError and UnknownImplementationError without application credentials.
    """
    implementation = await async_get_config_entry_implementation(hass, entry)
    authorizations = hass.data.setdefault(DATA_AUTHORIZATIONS, {})
    authorization = authorizations.get(entry.entry_id)
    if authorization is None:
        authorization = EntryAuthorization(hass, entry, implementation)
        authorizations[entry.entry_id] = authorization
    authorization.implementation = implementation  # the credentials may be others now
    await authorization.restore()
    return authorization


async def async_remove_token_file(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the token file of a removed entry; its authorization still works, from memory. Raises OSError."""
    authorization = hass.data.get(DATA_AUTHORIZATIONS, {}).get(entry_id)
    await (authorization or TokenFile(hass, entry_id)).remove()


@callback
def async_forget_authorization(hass: HomeAssistant, entry_id: str) -> None:
    """Forget the authorization of a removed entry."""
    hass.data.get(DATA_AUTHORIZATIONS, {}).pop(entry_id, None)


def _is_valid(token: Mapping[str, Any]) -> bool:
    return bool(token[CONF_EXPIRES_AT] > time.time() + MARGIN)
