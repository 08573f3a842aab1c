"""The commands this car obeys: one row each, for the REST form and for the signed form.

Names and bodies are those of Tesla's REST commands, action fields those of car_server.proto.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tesla_protocol.command.car_server_pb2 import VehicleAction

from simulator.car import handlers, schedule_handlers, signed_params
from simulator.car.body import BodyField, Params
from simulator.car.schedules import has_schedules
from simulator.car.security.keychain import CHARGING, FULL_CONTROL, Role
from simulator.car.systems import Systems


@dataclass(frozen=True, slots=True)
class CommandReply:
    """result and reason of a command: `reason` is empty exactly when all went well."""

    result: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `action` is the field of VehicleAction that carries it; `variant` the member of that field's own
    oneof, where several commands share one field. `handler` returns Tesla's reason for refusing, "" for
    success.
    """

    name: str
    body: tuple[BodyField, ...]
    action: str
    handler: Callable[[Systems, Params], str]
    decode: Callable[[VehicleAction], Params] = signed_params.nothing
    variant: str | None = None
    roles: frozenset[Role] = CHARGING
    rest: bool = True
    of_schedules: bool = False
    """Whether only a car that has schedules knows it."""

    def known_to(self, car: Systems) -> bool:
        """Say whether a car's firmware knows this command."""
        return not self.of_schedules or has_schedules(car.firmware)


_START_STOP = "chargingStartStopAction"
_SCHEDULE_PLACE = (BodyField("lat", "number"), BodyField("lon", "number"))
_SCHEDULE_OPTIONS = (
    BodyField("one_time", "bool", required=False),
    BodyField("id", "int", required=False),
    BodyField("name", "str", required=False),
)
_ID = (BodyField("id", "int"),)
_PLACES = tuple(BodyField(place, "bool", required=False) for place in ("home", "work", "other"))
_ENABLE = (BodyField("enable", "bool"),)

TABLE: tuple[Command, ...] = (
    Command("charge_start", (), _START_STOP, handlers.charge_start, variant="start"),
    Command("charge_stop", (), _START_STOP, handlers.charge_stop, variant="stop"),
    Command("charge_standard", (), _START_STOP, handlers.charge_standard, variant="start_standard"),
    Command(
        "charge_max_range", (), _START_STOP, handlers.charge_max_range, variant="start_max_range"
    ),
    Command(
        "set_charge_limit",
        (BodyField("percent", "int"),),
        "chargingSetLimitAction",
        handlers.set_charge_limit,
        signed_params.charge_limit,
    ),
    Command(
        "set_charging_amps",
        (BodyField("charging_amps", "int"),),
        "setChargingAmpsAction",
        handlers.set_charging_amps,
        signed_params.charging_amps,
    ),
    Command(
        "charge_port_door_open",
        (),
        "chargePortDoorOpen",
        handlers.charge_port_door_open,
        roles=FULL_CONTROL,
    ),
    Command(
        "charge_port_door_close",
        (),
        "chargePortDoorClose",
        handlers.charge_port_door_close,
        roles=FULL_CONTROL,
    ),
    Command(
        "set_scheduled_charging",
        (BodyField("enable", "bool"), BodyField("time", "int", required=False)),
        "scheduledChargingAction",
        schedule_handlers.set_scheduled_charging,
        signed_params.scheduled_charging,
    ),
    Command(
        "set_scheduled_departure",
        (
            BodyField("enable", "bool"),
            BodyField("departure_time", "int", required=False),
            BodyField("preconditioning_enabled", "bool", required=False),
            BodyField("preconditioning_weekdays_only", "bool", required=False),
            BodyField("off_peak_charging_enabled", "bool", required=False),
            BodyField("off_peak_charging_weekdays_only", "bool", required=False),
            BodyField("end_off_peak_time", "int", required=False),
        ),
        "scheduledDepartureAction",
        schedule_handlers.set_scheduled_departure,
        signed_params.scheduled_departure,
    ),
    Command(
        "add_charge_schedule",
        (
            BodyField("days_of_week", "str"),
            BodyField("enabled", "bool"),
            BodyField("start_enabled", "bool"),
            BodyField("start_time", "int", required=False),
            BodyField("end_enabled", "bool"),
            BodyField("end_time", "int", required=False),
            *_SCHEDULE_PLACE,
            *_SCHEDULE_OPTIONS,
        ),
        "addChargeScheduleAction",
        schedule_handlers.add_charge_schedule,
        signed_params.charge_schedule,
        of_schedules=True,
    ),
    Command(
        "remove_charge_schedule",
        _ID,
        "removeChargeScheduleAction",
        schedule_handlers.remove_charge_schedule,
        signed_params.charge_schedule_id,
        of_schedules=True,
    ),
    Command(
        "add_precondition_schedule",
        (
            BodyField("days_of_week", "str"),
            BodyField("enabled", "bool"),
            BodyField("precondition_time", "int"),
            *_SCHEDULE_PLACE,
            *_SCHEDULE_OPTIONS,
        ),
        "addPreconditionScheduleAction",
        schedule_handlers.add_precondition_schedule,
        signed_params.precondition_schedule,
        of_schedules=True,
    ),
    Command(
        "remove_precondition_schedule",
        _ID,
        "removePreconditionScheduleAction",
        schedule_handlers.remove_precondition_schedule,
        signed_params.precondition_schedule_id,
        of_schedules=True,
    ),
    Command(
        "batch_remove_charge_schedules",
        _PLACES,
        "batchRemoveChargeSchedulesAction",
        schedule_handlers.batch_remove_charge_schedules,
        signed_params.batch_removal,
        of_schedules=True,
    ),
    Command(
        "batch_remove_precondition_schedules",
        _PLACES,
        "batchRemovePreconditionSchedulesAction",
        schedule_handlers.batch_remove_precondition_schedules,
        signed_params.precondition_batch_removal,
        of_schedules=True,
    ),
    Command(
        "set_low_power_mode",
        _ENABLE,
        "setLowPowerModeAction",
        handlers.set_low_power_mode,
        signed_params.low_power_mode,
        roles=FULL_CONTROL,
    ),
    Command(
        "keep_accessory_power_mode",
        _ENABLE,
        "setKeepAccessoryPowerModeAction",
        handlers.keep_accessory_power_mode,
        signed_params.accessory_power,
        roles=FULL_CONTROL,
    ),
    Command("ping", (), "ping", handlers.ping, signed_params.ping, rest=False),
)

REST_COMMANDS: Mapping[str, Command] = {command.name: command for command in TABLE if command.rest}
_SIGNED: Mapping[tuple[str, str | None], Command] = {
    (command.action, command.variant): command for command in TABLE
}


def find_signed(action: VehicleAction) -> Command | None:
    """Return the command an action stands for, None when this car does not know it."""
    field = action.WhichOneof("vehicle_action_msg")
    if field is None:
        return None
    variant = None
    if field == _START_STOP:
        variant = action.chargingStartStopAction.WhichOneof("charging_action")
    return _SIGNED.get((field, variant))
