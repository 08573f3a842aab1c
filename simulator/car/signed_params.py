"""Reads the parameters of signed actions into the words of the REST bodies."""

from tesla_protocol.command.car_server_pb2 import (
    BatchRemoveChargeSchedulesAction,
    BatchRemovePreconditionSchedulesAction,
    VehicleAction,
)
from tesla_protocol.command.common_pb2 import ChargeSchedule, PreconditionSchedule

from simulator.car.body import Params


def nothing(_action: VehicleAction) -> Params:
    """Actions without parameters."""
    return {}


def charge_limit(action: VehicleAction) -> Params:
    """Read chargingSetLimitAction."""
    return {"percent": action.chargingSetLimitAction.percent}


def charging_amps(action: VehicleAction) -> Params:
    """Read setChargingAmpsAction."""
    return {"charging_amps": action.setChargingAmpsAction.charging_amps}


def ping(action: VehicleAction) -> Params:
    """Read the id to be echoed."""
    return {"ping_id": action.ping.ping_id}


def scheduled_charging(action: VehicleAction) -> Params:
    """Read scheduledChargingAction; time in minutes after local midnight."""
    told = action.scheduledChargingAction
    return {"enable": told.enabled, "time": told.charging_time}


def scheduled_departure(action: VehicleAction) -> Params:
    """Read scheduledDepartureAction; times in minutes after local midnight."""
    told = action.scheduledDepartureAction
    preconditioning = told.preconditioning_times.WhichOneof("times")
    off_peak = told.off_peak_charging_times.WhichOneof("times")
    return {
        "enable": told.enabled,
        "departure_time": told.departure_time,
        "preconditioning_enabled": preconditioning is not None,
        "preconditioning_weekdays_only": preconditioning == "weekdays",
        "off_peak_charging_enabled": off_peak is not None,
        "off_peak_charging_weekdays_only": off_peak == "weekdays",
        "end_off_peak_time": told.off_peak_hours_end_time,
    }


def charge_schedule(action: VehicleAction) -> Params:
    """Read addChargeScheduleAction; `days_of_week` is a mask beginning with Sunday = 1."""
    told = action.addChargeScheduleAction
    return _common(told) | {
        "start_enabled": told.start_enabled,
        "start_time": told.start_time,
        "end_enabled": told.end_enabled,
        "end_time": told.end_time,
    }


def precondition_schedule(action: VehicleAction) -> Params:
    """Read addPreconditionScheduleAction."""
    told = action.addPreconditionScheduleAction
    return _common(told) | {"precondition_time": told.precondition_time}


def charge_schedule_id(action: VehicleAction) -> Params:
    """Read removeChargeScheduleAction."""
    return {"id": action.removeChargeScheduleAction.id}


def precondition_schedule_id(action: VehicleAction) -> Params:
    """Read removePreconditionScheduleAction."""
    return {"id": action.removePreconditionScheduleAction.id}


def batch_removal(action: VehicleAction) -> Params:
    """Read which places a batch removal of charge schedules is about."""
    return _places(action.batchRemoveChargeSchedulesAction)


def precondition_batch_removal(action: VehicleAction) -> Params:
    """Read which places a batch removal of preconditioning schedules is about."""
    return _places(action.batchRemovePreconditionSchedulesAction)


def low_power_mode(action: VehicleAction) -> Params:
    """Read setLowPowerModeAction."""
    return {"enable": action.setLowPowerModeAction.low_power_mode}


def accessory_power(action: VehicleAction) -> Params:
    """Read setKeepAccessoryPowerModeAction."""
    return {"enable": action.setKeepAccessoryPowerModeAction.keep_accessory_power_mode}


def _places(
    told: BatchRemoveChargeSchedulesAction | BatchRemovePreconditionSchedulesAction,
) -> Params:
    return {"home": told.home, "work": told.work, "other": told.other}


def _common(told: ChargeSchedule | PreconditionSchedule) -> Params:
    return {
        "id": told.id,
        "name": told.name,
        "days_of_week": told.days_of_week,
        "one_time": told.one_time,
        "enabled": told.enabled,
        "lat": told.latitude,
        "lon": told.longitude,
    }
