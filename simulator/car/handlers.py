"""What each command does to the car. A handler returns Tesla's reason for refusing, or "" for success."""

from simulator.car.body import Params
from simulator.car.charging import LIMIT_MAX, LIMIT_STD
from simulator.car.systems import Systems

#: Percent below which a car insists on saving power; not known of real cars.
LOW_POWER_BELOW = 20


def charge_start(car: Systems, _params: Params) -> str:
    """Begin charging."""
    reasons = {
        "Disconnected": "disconnected",
        "NoPower": "no_power",
        "Complete": "complete",
        "Starting": "is_charging",
        "Charging": "is_charging",
    }
    if reason := reasons.get(car.charging.state):
        return reason
    car.charging.start()
    return ""


def charge_stop(car: Systems, _params: Params) -> str:
    """Stop charging."""
    if car.charging.state == "Disconnected":
        return "disconnected"
    if not car.charging.busy:
        return "not_charging"
    car.charging.stop()
    return ""


def charge_standard(car: Systems, _params: Params) -> str:
    """Set the limit to the standard mark."""
    if car.charging.limit == LIMIT_STD:
        return "already_standard"
    car.charging.set_limit(LIMIT_STD)
    return ""


def charge_max_range(car: Systems, _params: Params) -> str:
    """Set the limit to 100 %."""
    if car.charging.limit == LIMIT_MAX:
        return "already_max_range"
    car.charging.set_limit(LIMIT_MAX)
    return ""


def set_charge_limit(car: Systems, params: Params) -> str:
    """Set the limit. Out of 50..100 the answer is success all the same, and the car clamps."""
    percent = _int(params, "percent")
    if percent == car.charging.limit:
        return "already_set"
    car.charging.set_limit(percent)
    return ""


def set_charging_amps(car: Systems, params: Params) -> str:
    """Set the current per phase."""
    amps = _int(params, "charging_amps")
    if amps < 0:
        return "invalid_value"
    car.charging.set_amps(amps)
    car.keeper.remember_amps()
    return ""


def charge_port_door_open(car: Systems, _params: Params) -> str:
    """Open the door; with a cable in, let go of it, which ends charging."""
    if car.journey.driving:
        return "not allowed"
    if car.charging.busy:
        car.charging.stop()
    car.port.open()
    return ""


def charge_port_door_close(car: Systems, _params: Params) -> str:
    """Close the door, if it is one that closes itself and nothing is in the way."""
    if car.port.supply:
        return "cable connected"
    if not car.port.motorized:
        return "non-motorized"
    if not car.port.door_open:
        return "already closed"
    car.port.close()
    return ""


def set_low_power_mode(car: Systems, params: Params) -> str:
    """Use less power while parked, or as much as usual: not with a battery that is nearly empty."""
    enable = bool(params["enable"])
    if not enable and car.battery.level < LOW_POWER_BELOW:
        return "low_power_mode_enforced"
    car.low_power = enable
    return ""


def keep_accessory_power_mode(car: Systems, params: Params) -> str:
    """Keep the sockets under power while parked, or not."""
    car.accessory_power = bool(params["enable"])
    return ""


def ping(_car: Systems, _params: Params) -> str:
    """Do nothing, and say so."""
    return ""


def _int(params: Params, name: str) -> int:
    value = params.get(name, 0)
    assert isinstance(value, int)
    return value
