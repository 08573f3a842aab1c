"""Fills the schedule messages of car_server.proto and common.proto from the parameters of the REST form.

Sources: `pkg/vehicle/charge.go` and `pkg/proxy/command.go` of vehicle-command. Times are minutes after local midnight.
"""

from tesla_protocol.command import car_server_pb2 as car_server, common_pb2 as common

from .parameters import Parameters, days_mask

type _Times = common.PreconditioningTimes | common.OffPeakChargingTimes

_COPIED = ("id", "name", "one_time", "enabled")
_TIMES = ("start_enabled", "start_time", "end_enabled", "end_time", "precondition_time")


def charge_schedule(action: car_server.VehicleAction, parameters: Parameters) -> None:
    """Fill addChargeScheduleAction; a schedule with the same id is replaced."""
    _fill(action.addChargeScheduleAction, parameters)


def precondition_schedule(action: car_server.VehicleAction, parameters: Parameters) -> None:
    """Fill addPreconditionScheduleAction; a schedule with the same id is replaced."""
    _fill(action.addPreconditionScheduleAction, parameters)


def scheduled_charging(action: car_server.VehicleAction, parameters: Parameters) -> None:
    """Fill scheduledChargingAction; Tesla's own client sends the time also when it is switched off."""
    target = action.scheduledChargingAction
    target.SetInParent()
    target.enabled = bool(parameters["enable"])
    target.charging_time = int(parameters["time"])


def scheduled_departure(action: car_server.VehicleAction, parameters: Parameters) -> None:
    """Fill scheduledDepartureAction; Tesla's own client leaves it empty when it is switched off."""
    target = action.scheduledDepartureAction
    target.SetInParent()
    if not parameters["enable"]:
        return
    target.enabled = True
    target.departure_time = int(parameters["departure_time"])
    target.off_peak_hours_end_time = int(parameters["end_off_peak_time"])
    _choose(target.preconditioning_times, "preconditioning", parameters)
    _choose(target.off_peak_charging_times, "off_peak_charging", parameters)


def _fill(
    target: common.ChargeSchedule | common.PreconditionSchedule, parameters: Parameters
) -> None:
    for name in (*_COPIED, *_TIMES):
        if name in parameters:
            setattr(target, name, parameters[name])
    target.days_of_week = days_mask(str(parameters["days_of_week"]))
    target.latitude, target.longitude = float(parameters["lat"]), float(parameters["lon"])


def _choose(times: _Times, what: str, parameters: Parameters) -> None:
    """Set weekdays, the whole week, or neither, which means off."""
    if parameters[f"{what}_enabled"]:
        weekdays = parameters[f"{what}_weekdays_only"]
        (times.weekdays if weekdays else times.all_week).SetInParent()
