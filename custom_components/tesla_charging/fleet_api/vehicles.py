"""Cars through the Fleet API: lists, states and data, and commands to them."""

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
    """Whether a car is reachable, as the free state request reports."""

    ONLINE = "online"
    ASLEEP = "asleep"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Section(StrEnum):
    """Parts of `vehicle_data` that are requested by name (`endpoints`)."""

    CHARGE_STATE = "charge_state"
    DRIVE_STATE = "drive_state"
    LOCATION_DATA = "location_data"
    VEHICLE_STATE = "vehicle_state"
    VEHICLE_CONFIG = "vehicle_config"
    CHARGE_SCHEDULES = "charge_schedule_data"
    PRECONDITION_SCHEDULES = "preconditioning_schedule_data"


@dataclass(frozen=True, slots=True)
class VehicleSummary:
    """A car as the account's lists contain it."""

    vin: str
    name: str
    state: Connectivity
    access_type: str
    """OWNER or DRIVER."""
    in_service: bool

    @property
    def has_name(self) -> bool:
        """Whether `name` is the one that the owner gave it."""
        return self.name != _default_name(self.vin)


@dataclass(frozen=True, slots=True)
class VehicleList:
    """The account's cars in one answer."""

    cars: tuple[VehicleSummary, ...]
    is_complete: bool
    """Whether it contains all cars: nothing was unreadable, cut off, or on another page."""


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """Tesla's data about a car and this application's key (answer of `fleet_status` for one VIN)."""

    vin: str
    key_paired: bool
    protocol_required: bool | None
    """Whether commands must be signed; None if the answer does not contain it."""
    firmware: str | None
    telemetry_version: str | None
    """Version of the car's telemetry client; None if it cannot stream."""
    streaming_allowed: bool | None = None
    """Whether the owner of a Model S or X with an Intel Atom allows third parties to stream (a switch on the car's
    Safety screen); None for cars without this switch."""

    @property
    def needs_pairing(self) -> bool:
        """Whether commands will fail until the owner pairs the key.

        The VIN decides where it tells model and year: for an unpaired car Tesla's `protocol_required` can be wrong.
        """
        if self.key_paired:
            return False
        required = self.protocol_required
        if (by_vin := vin_requires_protocol(self.vin)) is not None:
            return by_vin or required is True
        return required is not False

    @property
    def can_stream(self) -> bool:
        """Whether the car can push its data; one that has the switch, once it is on."""
        return self.telemetry_version is not None and self.streaming_allowed is not False


_YEARS: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
"""The model years from 2010 on, by the tenth character of a VIN (ISO 3779: without I, O, Q, U, Z and 0)."""
_FIRST_YEAR: Final = 2010
_FIRST_YEAR_WITH_PROTOCOL: Final = {"3": 0, "Y": 0, "C": 0, "S": 2021, "X": 2021}
"""By the model, the fourth character of a VIN, the first model year that accepts only signed commands (0: all years).
Source: README of teslamotors/vehicle-command: all but Model S and X before 2021."""


def vin_requires_protocol(vin: str) -> bool | None:
    """Return whether a car accepts only signed commands, by model and year; None if its VIN does not tell that."""
    if len(vin) != 17:
        return None
    first_year = _FIRST_YEAR_WITH_PROTOCOL.get(vin[3].upper())
    if first_year is None:
        return None
    if first_year == 0:
        return True
    year = _YEARS.find(vin[9].upper())
    return None if year < 0 else _FIRST_YEAR + year >= first_year


type VehicleData = Mapping[str, Mapping[str, Any]]
"""Sections of `vehicle_data` by name, as Tesla sends them."""


class Vehicles:
    """The cars of one account."""

    def __init__(self, client: FleetApiClient) -> None:

        self._client = client

    async def list(self) -> tuple[VehicleSummary, ...]:
        """Return the account's cars. Free; no car is contacted."""
        return (await self.listed()).cars

    async def listed(self) -> VehicleList:
        """Return the account's cars, and whether the list is complete. Free; no car is contacted.

        Shape: developer.tesla.com, "User endpoints", products: cars and energy sites in `response`, their number in
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
                except InvalidApiAnswer:  # one invalid product must not hide the others
                    is_complete = False
                else:
                    cars.setdefault(car.vin, car)
        return VehicleList(tuple(cars.values()), is_complete)

    async def summary(self, vin: str) -> VehicleSummary:
        """Return one car's summary with its state. Free; never wakes the car."""
        answer = await self._client.request(VEHICLE, vin=check_vin(vin))
        return _summary(expect(answer, dict, "vehicle"))

    def check_bill(self) -> None:
        """Return if data may be requested. Raises AccountUnpaid during the pause after a refusal."""
        self._client.check_bill()

    def is_permitted(self, vin: str, *, commands: int, wake: bool) -> bool:
        """Return whether so many commands to a car, and a wake-up before them, may be sent now."""
        operations = [*([WAKE_UP] if wake else []), *[COMMAND] * commands]
        return self._client.is_permitted(operations, vin)

    async def data(
        self, vin: str, sections: Iterable[Section], *, insist: bool = False
    ) -> VehicleData:
        """Return sections of a car's data. Billed; raises VehicleAsleep when the car is not online.

        `insist` is true for a request of the user: it is sent also during the pause after a refusal because of the bill.
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
        """Wake a car up and return its current state, usually still asleep. Billed.

        Tesla's cars take 10 to 60 seconds; the state request shows when they are online.
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
        """Return whether mobile access is on in the car. Billed as data; the car is not contacted.

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
        """Send a RoutableMessage to the car and return the car's answer. Billed as a command.

        An answer does not mean that the command succeeded. Raises SigningUnsupported for a car without the protocol.
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
        _text(item.get("display_name")) or _default_name(vin),
        _state(item.get("state")),
        _text(item.get("access_type")) or "OWNER",
        item.get("in_service") is True,
    )


def _default_name(vin: str) -> str:
    """Return the name of a car to which the owner gave none."""
    return f"Tesla {vin[-6:]}"


def _state(value: object) -> Connectivity:
    return (
        Connectivity(value)
        if isinstance(value, str) and value in Connectivity
        else Connectivity.UNKNOWN
    )


def _text(value: object) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None
