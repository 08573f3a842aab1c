"""Cars through the Fleet API: what it tells of them, and how commands reach them."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .client import FleetApiClient, check_vin, expect, is_vin
from .errors import InvalidApiAnswer
from .operations import (
    COMMAND,
    FLEET_STATUS,
    MOBILE_ENABLED,
    PRODUCTS,
    SIGNED_COMMAND,
    VEHICLE,
    VEHICLE_DATA,
    WAKE_UP,
)

MAX_VEHICLES: Final = 200
MAX_TEXT: Final = 100


class Connectivity(StrEnum):
    """Whether a car can be talked to, as the free state call tells."""

    ONLINE = "online"
    ASLEEP = "asleep"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Section(StrEnum):
    """Parts of `vehicle_data` that are asked for by name (`endpoints`)."""

    CHARGE_STATE = "charge_state"
    DRIVE_STATE = "drive_state"
    LOCATION_DATA = "location_data"
    VEHICLE_STATE = "vehicle_state"
    VEHICLE_CONFIG = "vehicle_config"
    CHARGE_SCHEDULES = "charge_schedule_data"
    PRECONDITION_SCHEDULES = "preconditioning_schedule_data"


@dataclass(frozen=True, slots=True)
class VehicleSummary:
    """A car as the account's lists show it."""

    vin: str
    name: str
    state: Connectivity
    access_type: str
    """OWNER or DRIVER."""
    in_service: bool

    @property
    def has_name(self) -> bool:
        """Whether `name` is the one that its owner gave it."""
        return self.name != _stand_in(self.vin)


@dataclass(frozen=True, slots=True)
class VehicleList:
    """The account's cars as one answer lists them."""

    cars: tuple[VehicleSummary, ...]
    is_complete: bool
    """Whether a car that is not in it was not listed: nothing was unreadable, cut short, or on another page."""


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """What Tesla knows of a car and this application's key (answer of `fleet_status` for one VIN)."""

    vin: str
    key_paired: bool
    protocol_required: bool | None
    """Whether commands must be signed; None if Tesla does not say."""
    firmware: str | None
    telemetry_version: str | None
    """Version of the car's telemetry client; None if it cannot stream."""
    streaming_allowed: bool | None = None
    """Whether the owner of a Model S or X with an Intel Atom lets third parties stream, which is a switch on the
    car's Safety screen; None for cars that have no such switch."""

    @property
    def needs_pairing(self) -> bool:
        """Whether commands will fail until the owner pairs the key."""
        return not self.key_paired and self.protocol_required is not False


type VehicleData = Mapping[str, Mapping[str, Any]]
"""Sections of `vehicle_data` by name, as Tesla sends them."""


class Vehicles:
    """The cars of one account."""

    def __init__(self, client: FleetApiClient) -> None:
        """Use this client for everything."""
        self._client = client

    async def list(self) -> tuple[VehicleSummary, ...]:
        """Return the account's cars. Free; touches no car."""
        return (await self.listed()).cars

    async def listed(self) -> VehicleList:
        """Return the account's cars, and whether that is all of them. Free; touches no car.

        Shape: developer.tesla.com, "User endpoints", products: cars and energy sites in `response`, how many of them in
        `count`.
        """
        answer = await self._client.request(PRODUCTS)
        products = expect(answer, list, "list of products")
        count, pages = answer.get("count", len(products)), answer.get("pagination")
        is_complete = (
            len(products) <= MAX_VEHICLES
            and count == len(products)
            and not (isinstance(pages, dict) and pages.get("next"))
        )
        cars: dict[str, VehicleSummary] = {}
        for item in products[:MAX_VEHICLES]:
            if not isinstance(item, dict):
                is_complete = False
            elif "vin" in item or "vehicle_id" in item:
                try:
                    car = _summary(item)
                except InvalidApiAnswer:  # one strange product must not hide the others
                    is_complete = False
                else:
                    cars.setdefault(car.vin, car)
        return VehicleList(tuple(cars.values()), is_complete)

    async def summary(self, vin: str) -> VehicleSummary:
        """Return one car's summary with its state. Free; never wakes the car."""
        answer = await self._client.request(VEHICLE, vin=check_vin(vin))
        return _summary(expect(answer, dict, "vehicle"))

    def check_bill(self) -> None:
        """Return if data may be asked for. Raises AccountUnpaid while Tesla is left alone after a refusal."""
        self._client.check_bill()

    async def data(
        self, vin: str, sections: Iterable[Section], *, insist: bool = False
    ) -> VehicleData:
        """Return sections of a car's data. Billed; raises VehicleAsleep when the car is not online.

        `insist` when somebody asks by hand: then it is asked also while Tesla is believed to refuse over the bill.
        """
        answer = await self._client.request(
            VEHICLE_DATA,
            vin=check_vin(vin),
            params={"endpoints": ";".join(sections)},
            insist=insist,
        )
        response: dict[str, Any] = expect(answer, dict, "vehicle data")
        return {name: value for name, value in response.items() if isinstance(value, dict)}

    async def wake_up(self, vin: str) -> Connectivity:
        """Ask a car to wake up and return its state now, usually still asleep. Billed.

        Tesla's cars take 10 to 60 seconds; the state call tells when they are there.
        """
        answer = await self._client.request(WAKE_UP, vin=check_vin(vin))
        return _state(expect(answer, dict, "vehicle", may_have_executed=True).get("state"))

    async def fleet_status(self, vin: str) -> FleetStatus:
        """Return whether the key is paired and what the car can do. Billed as data."""
        answer = await self._client.request(FLEET_STATUS, body={"vins": [check_vin(vin)]})
        response: dict[str, Any] = expect(answer, dict, "fleet status")
        paired, unpaired = response.get("key_paired_vins"), response.get("unpaired_vins")
        if not isinstance(paired, list) or not isinstance(unpaired, list):
            raise InvalidApiAnswer("the fleet status does not say which cars are paired")
        infos = response.get("vehicle_info")
        info = infos.get(vin) if isinstance(infos, dict) else None
        if not isinstance(info, dict):
            info = {}
        required = info.get("vehicle_command_protocol_required")
        allowed = info.get("safety_screen_streaming_toggle_enabled")
        return FleetStatus(
            vin,
            vin in paired,
            required if isinstance(required, bool) else None,
            _text(info.get("firmware_version")),
            _text(info.get("fleet_telemetry_version")),
            allowed if isinstance(allowed, bool) else None,
        )

    async def mobile_enabled(self, vin: str, *, insist: bool = False) -> bool:
        """Return whether the car's owner lets applications reach it. Billed as data; does not reach the car.

        `insist` as in data().
        """
        answer = await self._client.request(MOBILE_ENABLED, vin=check_vin(vin), insist=insist)
        response: dict[str, Any] = expect(answer, dict, "mobile access")
        if not isinstance(response.get("result"), bool):
            raise InvalidApiAnswer(
                "the answer does not say whether mobile access is on", status=200
            )
        return response["result"] is True

    async def signed_command(self, vin: str, message: bytes) -> bytes:
        """Carry a RoutableMessage to the car and return the car's answer. Billed as a command.

        An answer says only that the car answered. Raises SigningUnsupported for a car without the protocol.
        """
        answer = await self._client.request(
            SIGNED_COMMAND,
            vin=check_vin(vin),
            body={"routable_message": base64.b64encode(message).decode("ascii")},
        )
        try:
            return base64.b64decode(expect(answer, str, "message"), validate=True)
        except (binascii.Error, ValueError, InvalidApiAnswer) as err:
            raise InvalidApiAnswer(
                "the answer holds no message in base64", status=200, may_have_executed=True
            ) from err

    async def command(self, vin: str, command: str, body: Mapping[str, object]) -> tuple[bool, str]:
        """Send an unsigned command; return the car's `result` and `reason`. Billed as a command."""
        answer = await self._client.request(COMMAND, vin=check_vin(vin), command=command, body=body)
        response = answer.get("response")
        if not isinstance(response, dict) or not isinstance(response.get("result"), bool):
            raise InvalidApiAnswer(
                "the answer does not say what became of the command",
                status=200,
                may_have_executed=True,
            )
        return response["result"], _text(response.get("reason")) or ""


def _summary(item: Mapping[str, Any]) -> VehicleSummary:
    vin = item.get("vin")
    if not isinstance(vin, str) or not is_vin(vin):
        raise InvalidApiAnswer("the vehicle has no VIN", status=200)
    return VehicleSummary(
        vin,
        _text(item.get("display_name")) or _stand_in(vin),
        _state(item.get("state")),
        _text(item.get("access_type")) or "OWNER",
        item.get("in_service") is True,
    )


def _stand_in(vin: str) -> str:
    """Return what a car is called that has no name."""
    return f"Tesla {vin[-6:]}"


def _state(value: object) -> Connectivity:
    return (
        Connectivity(value)
        if isinstance(value, str) and value in Connectivity
        else Connectivity.UNKNOWN
    )


def _text(value: object) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None
