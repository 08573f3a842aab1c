"""What lies around a home whose config flow is walked: names that lead to it, and an entry that polls."""

from collections.abc import AsyncIterator
import socket
from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from tests.support.home import HOME_DOMAIN, PEARL, Home

PUBLIC_ADDRESS = "93.184.215.14"


@pytest.fixture
def internet(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Have every name of the home's domain lead to its router, which leads back here; give what names lead elsewhere."""
    special = {f"nowhere.{HOME_DOMAIN}": ""}
    real, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if isinstance(host, str) and host.endswith("example.com"):
            host = special.get(host, PUBLIC_ADDRESS)
        if host == "":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **options)

    def router(caller: socket.socket, address: Any) -> None:
        host, *rest = address
        connect(caller, ("127.0.0.1" if host == PUBLIC_ADDRESS else host, *rest))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", router)
    return special


@pytest.fixture
async def polled_home(home: Home) -> AsyncIterator[Home]:
    """A home whose entry polls."""
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    yield home
    assert home.entry is not None
    if home.entry.state is ConfigEntryState.LOADED:
        assert await home.hass.config_entries.async_unload(home.entry.entry_id)
