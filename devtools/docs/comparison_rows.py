"""What one can charge a Tesla with, side by side: which entity of whom tells the same fact.

Names of `tesla_custom` are those of its public code, where an entity's type is its name; those in parentheses are
attributes. The others are keys of installed code, and are checked.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One fact or deed. Keys are `platform.key`; an action is `action.name`."""

    fact: str
    ours: tuple[str, ...] = ()
    fleet: tuple[str, ...] = ()
    teslemetry: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    note: str = ""
    """Why ours is missing or otherwise; needed where it is missing for good."""


def same(fact: str, ours: str, key: str, *custom: str, note: str = "") -> Row:
    """Return a row in which both core integrations have an entity of the same key."""
    return Row(fact, (ours,) if ours else (), (key,), (key,), custom, note)


ENTITIES = (
    same("Battery level", "sensor.battery_level", "sensor.charge_state_battery_level", "(raw_soc)"),
    same(
        "Usable battery level",
        "sensor.usable_battery_level",
        "sensor.charge_state_usable_battery_level",
        "sensor.battery",
    ),
    Row(
        "Energy remaining in the battery",
        ("sensor.energy_remaining",),
        teslemetry=("sensor.energy_remaining",),
    ),
    Row(
        "Rated range",
        ("sensor.range",),
        ("sensor.charge_state_battery_range",),
        ("sensor.charge_state_battery_range", "sensor.rated_range"),
        ("sensor.range",),
    ),
    same(
        "Estimated range",
        "sensor.estimated_range",
        "sensor.charge_state_est_battery_range",
        "(est_battery_range_km)",
    ),
    same("Ideal range", "sensor.ideal_range", "sensor.charge_state_ideal_battery_range"),
    same(
        "Charging state",
        "sensor.charging_state",
        "sensor.charge_state_charging_state",
        "binary_sensor.charging",
    ),
    Row("Why it does not charge", ("sensor.why_not_charging",)),
    Row(
        "Plugged in",
        ("binary_sensor.plugged_in",),
        ("binary_sensor.charge_state_conn_charge_cable",),
        ("binary_sensor.charge_state_conn_charge_cable",),
        ("binary_sensor.charger",),
        "Theirs is on while a cable's type is known, ours while the car says it is not disconnected.",
    ),
    same(
        "Charge power",
        "sensor.charge_power",
        "sensor.charge_state_charger_power",
        "sensor.charger power",
    ),
    Row("Charge power, AC alone", ("sensor.ac_power",)),
    Row("Charge power, DC alone", ("sensor.dc_power",), teslemetry=("sensor.dc_charging_power",)),
    same(
        "Charge current",
        "sensor.charge_current",
        "sensor.charge_state_charger_actual_current",
        "(charger_amps_actual)",
    ),
    Row("Highest current of cable and car", ("sensor.charge_current_max",)),
    same(
        "Voltage", "sensor.charge_voltage", "sensor.charge_state_charger_voltage", "(charger_volts)"
    ),
    same(
        "Phases",
        "sensor.charger_phases",
        "binary_sensor.charge_state_charger_phases",
        "(charger_phases)",
        note="Theirs tells one or several, ours how many.",
    ),
    Row(
        "Energy added since plugged in",
        ("sensor.energy_added",),
        ("sensor.charge_state_charge_energy_added",),
        ("sensor.charge_state_charge_energy_added", "sensor.dc_charging_energy_in"),
        ("sensor.energy added",),
    ),
    Row("Energy charged ever, for the Energy dashboard", ("sensor.energy_charged",)),
    Row("the same at home, and away", ("sensor.energy_charged_home", "sensor.energy_charged_away")),
    Row("Energy taken from the wall", ("sensor.energy_from_wall",)),
    Row(
        "Charge rate in distance an hour",
        ("sensor.charge_rate",),
        ("sensor.charge_state_charge_rate",),
        ("sensor.charge_state_charge_rate", "sensor.charge_rate_mile_per_hour"),
        ("sensor.charging rate",),
    ),
    Row(
        "Time of full charge",
        ("sensor.full_charge_time",),
        ("sensor.charge_state_minutes_to_full_charge",),
        (
            "sensor.charge_state_minutes_to_full_charge",
            "sensor.estimated_hours_to_charge_termination",
        ),
        ("sensor.time charge complete",),
    ),
    same(
        "Cable type",
        "sensor.cable_type",
        "sensor.charge_state_conn_charge_cable",
        "(conn_charge_cable)",
    ),
    Row(
        "Charge port door",
        ("cover.charge_port",),
        ("cover.charge_state_charge_port_door_open",),
        ("cover.charge_state_charge_port_door_open",),
        ("cover.charger door",),
    ),
    Row(
        "Cable locked",
        ("sensor.charge_port_latch",),
        ("lock.charge_state_charge_port_latch",),
        ("lock.charge_state_charge_port_latch",),
        ("lock.charge port latch",),
        "A sensor, because a car can only be told to unlock: opening the charge port does that.",
    ),
    Row(
        "Port warmed in the cold",
        (),
        (),
        ("binary_sensor.charge_port_cold_weather_mode",),
        note="Tells of the port's own warming alone; that of the battery is what delays charging.",
    ),
    Row(
        "At a fast charger",
        ("binary_sensor.fast_charger",),
        (),
        ("binary_sensor.fast_charger_present",),
        ("(fast_charger_present)",),
    ),
    same(
        "Type of fast charger",
        "sensor.fast_charger_type",
        "sensor.charge_state_fast_charger_type",
        "(fast_charger_type)",
    ),
    Row("Brand of fast charger", ("sensor.fast_charger_brand",), custom=("(fast_charger_brand)",)),
    same(
        "Battery heated",
        "binary_sensor.battery_heater",
        "binary_sensor.charge_state_battery_heater_on",
    ),
    same(
        "Preconditioning for departure set",
        "binary_sensor.preconditioning",
        "binary_sensor.charge_state_preconditioning_enabled",
        "binary_sensor.scheduled departure",
    ),
    Row(
        "Cabin preconditioned just now",
        (),
        ("binary_sensor.climate_state_is_preconditioning",),
        (
            "binary_sensor.climate_state_is_preconditioning",
            "binary_sensor.defrost_for_preconditioning",
        ),
        note="The climate of the cabin is not about charging.",
    ),
    same(
        "Charging on the way of a trip",
        "",
        "binary_sensor.charge_state_trip_charging",
        note="Told by polls only, of cars under way; what matters at home is in the charging state.",
    ),
    same(
        "Scheduled charging pending",
        "binary_sensor.scheduled_charging_pending",
        "binary_sensor.charge_state_scheduled_charging_pending",
        "binary_sensor.scheduled charging",
    ),
    Row(
        "Scheduled charging: mode",
        ("sensor.scheduled_charging_mode",),
        teslemetry=("sensor.scheduled_charging_mode",),
    ),
    Row(
        "Scheduled charging: when",
        ("sensor.scheduled_charging_start",),
        custom=("(Scheduled charging timestamp)",),
    ),
    Row(
        "Next start by the car's own charge schedules",
        ("sensor.next_schedule",),
    ),
    Row(
        "Scheduled departure: when",
        ("sensor.scheduled_departure",),
        custom=("(Departure timestamp)",),
    ),
    Row(
        "At home, without the location",
        ("binary_sensor.at_home",),
        teslemetry=("binary_sensor.located_at_home",),
    ),
    Row("At work", ("binary_sensor.at_work",), teslemetry=("binary_sensor.located_at_work",)),
    Row(
        "At a favourite place",
        ("binary_sensor.at_favorite",),
        teslemetry=("binary_sensor.located_at_favorite",),
    ),
    Row(
        "Location",
        ("device_tracker.location",),
        ("device_tracker.location",),
        ("device_tracker.location",),
        ("device_tracker.location tracker",),
        "Only if you allow Tesla to give it away.",
    ),
    same("Gear", "sensor.shift_state", "sensor.drive_state_shift_state", "sensor.shift state"),
    same("Odometer", "sensor.odometer", "sensor.vehicle_state_odometer", "sensor.odometer"),
    same(
        "Awake",
        "binary_sensor.awake",
        "binary_sensor.state",
        "binary_sensor.online",
        "binary_sensor.asleep",
    ),
    Row(
        "Connected to this home",
        ("binary_sensor.connected", "sensor.telemetry"),
        note="`cellular` and `wifi` of Teslemetry tell by what the car reaches its relay.",
        teslemetry=("binary_sensor.cellular", "binary_sensor.wifi"),
    ),
    Row("Why data do not come", ("sensor.telemetry_problem",)),
    Row("Last heard of", ("sensor.last_message",), custom=("sensor.data last update time",)),
    Row(
        "What Tesla charges",
        (
            "sensor.cost_this_month",
            "sensor.cost_projected",
            "sensor.credit_left",
            "sensor.data_requests",
            "sensor.command_requests",
            "sensor.wake_requests",
            "sensor.signals_this_month",
        ),
        note="Of the application, on a device of the account; each car shows its part (`sensor.car_cost_this_month`).",
    ),
    Row("A budget for the month, which is kept", ("sensor.budget",)),
    Row(
        "Values received today",
        ("sensor.signals_today",),
        teslemetry=("sensor.credit_balance", "sensor.credit_quota"),
        note="Teslemetry counts what its subscription includes; here Tesla is paid directly.",
    ),
    Row(
        "Firmware",
        ("sensor.firmware",),
        ("update.vehicle_state_software_update_status",),
        ("update.vehicle_state_software_update_status",),
        ("update.software update",),
        "Installing an update is left to the Tesla app: it needs a permission that charging does not.",
    ),
    Row(
        "Charging on and off",
        ("switch.charging",),
        ("switch.charge_state_charging_state",),
        ("switch.charge_state_charging_state",),
        ("switch.charger", "switch.polling"),
        "There is nothing to switch off about polling: it never keeps a car awake.",
    ),
    same(
        "Charge limit",
        "number.charge_limit",
        "number.charge_state_charge_limit_soc",
        "number.charge limit",
    ),
    same(
        "Charging current",
        "number.charging_current",
        "number.charge_state_charge_current_request",
        "number.charging amps",
    ),
    same("Wake up", "button.wake_up", "button.wake", "button.wake up"),
    Row("Ask for data at once", ("button.refresh",), custom=("button.force data update",)),
)
