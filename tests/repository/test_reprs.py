"""No text form of an object holds a secret: logs and tracebacks show them."""

from dataclasses import fields, is_dataclass
import importlib
import inspect
from pathlib import Path
import pkgutil
import re

import pytest

from custom_components import tesla_charging
from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.setup_flow.registration import Registrar
from custom_components.tesla_charging.vehicle_command import VirtualKey

SECRET = re.compile(r"secret|password|private|pem$|access_token|refresh_token|^token$")


def classes() -> list[type]:
    found = {}
    for info in pkgutil.walk_packages(tesla_charging.__path__, f"{tesla_charging.__name__}."):
        module = importlib.import_module(info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__.startswith(tesla_charging.__name__):
                found[kind.__module__, kind.__qualname__] = kind
    return [*found.values()]


def test_no_repr_shows_a_secret() -> None:
    assert len(classes()) > len([*Path(tesla_charging.__file__).parent.glob("*.py")])
    shown = [
        f"{kind.__qualname__}.{field.name}"
        for kind in classes()
        if is_dataclass(kind)
        for field in fields(kind)
        if field.repr and (SECRET.search(field.name) or "PrivateKey" in str(field.type))
    ]
    assert shown == []


def test_a_key_and_a_client_secret_are_not_shown(hass: object) -> None:
    key = VirtualKey.generate()
    pem = key.private_pem().decode()
    registrar = Registrar(hass, active_endpoints(), "client", "ta-secret.not-a-real-one")  # type: ignore[arg-type]
    shown = f"{key!r} {key} {registrar!r}"
    assert "not-a-real-one" not in shown
    assert not any(line in shown for line in pem.splitlines()[1:-1])
    assert key.fingerprint in shown


@pytest.fixture(autouse=True)
def endpoints_of_tesla() -> None:
    active_endpoints.cache_clear()
