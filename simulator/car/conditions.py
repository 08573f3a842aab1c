"""What keeps a car from charging, or goes along with it, as it tells it."""

from simulator.car.battery import COLD_BELOW_CELSIUS
from simulator.car.systems import Systems

HEATER_KW = 1.5


def battery_heater_on(car: Systems) -> bool:
    """Whether the battery is warmed up: it is cold, and the cable gives enough for that."""
    return _is_cold(car) and car.charging.flow.kw >= HEATER_KW


def not_enough_power_to_heat(car: Systems) -> bool | None:
    """Whether a cold battery has to go without; None without a cable."""
    if car.port.supply is None:
        return None
    return _is_cold(car) and car.charging.busy and car.charging.flow.kw < HEATER_KW


def scheduled_charging_pending(car: Systems) -> bool:
    """Whether a schedule is what the plugged-in car waits for."""
    return car.schedules.legacy.mode != "Off" and car.charging.state == "Stopped"


def _is_cold(car: Systems) -> bool:
    return car.battery.temperature_c < COLD_BELOW_CELSIUS
