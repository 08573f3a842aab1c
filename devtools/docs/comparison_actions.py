"""The rest of the comparison: events, actions, and what ours leaves out for a reason. See comparison_rows.py."""

from devtools.docs.comparison_rows import Row, same

INSIDE = "Tells how the battery is built, not how it is charged; every streamed value is paid for."
CONTROL = "A setting that the car's own pages keep; it starts and stops no charging."

ACTIONS = (
    Row("Event: charging", ("event.charging_session",)),
    Row("Event: cable", ("event.cable",)),
    Row("Event: home and away", ("event.home_and_away",)),
    Row("Action: start and stop charging", ("action.start_charging", "action.stop_charging")),
    Row("Action: limit and current", ("action.set_charge_limit", "action.set_charging_current")),
    Row("Action: charge port", ("action.open_charge_port", "action.close_charge_port")),
    Row("Action: ask for data at once", ("action.refresh",)),
    Row("Action: wake up", ("action.wake_up",), custom=("action.api",)),
    Row(
        "Action: add and change a charge schedule",
        ("action.add_charge_schedule", "action.change_charge_schedule"),
        teslemetry=("action.add_charge_schedule",),
    ),
    Row(
        "Action: remove a charge schedule",
        ("action.remove_charge_schedule",),
        teslemetry=("action.remove_charge_schedule",),
    ),
    Row(
        "Action: add and change a precondition schedule",
        ("action.add_precondition_schedule", "action.change_precondition_schedule"),
        teslemetry=("action.add_precondition_schedule",),
    ),
    Row(
        "Action: remove a precondition schedule",
        ("action.remove_precondition_schedule",),
        teslemetry=("action.remove_precondition_schedule",),
    ),
    Row("Action: list schedules", ("action.get_schedules",)),
    Row(
        "Action: scheduled charging of older firmware",
        ("action.set_scheduled_charging",),
        teslemetry=("action.set_scheduled_charging",),
        custom=("action.api",),
    ),
    Row(
        "Action: scheduled departure of older firmware",
        ("action.set_scheduled_departure",),
        teslemetry=("action.set_scheduled_departure",),
        custom=("action.api",),
    ),
    Row(
        "Action: any request to Tesla",
        custom=("action.api", "action.polling_interval"),
        note="A request of any kind could do more than charge, and could cost any amount; the interval is worked out.",
    ),
    Row(
        "What the battery's controller does",
        teslemetry=(
            "binary_sensor.bms_full_charge_complete",
            "binary_sensor.charge_enable_request",
            "sensor.bms_state",
            "sensor.brick_voltage_max",
            "sensor.brick_voltage_min",
            "sensor.pack_current",
            "sensor.pack_voltage",
            "sensor.lifetime_energy_used",
            "sensor.lifetime_energy_used_drive",
            "sensor.lifetime_energy_gained_regen",
        ),
        note=INSIDE,
    ),
    Row(
        "Trip planner's Supercharger stop",
        teslemetry=("binary_sensor.supercharger_session_trip_planner",),
        note=CONTROL,
    ),
    Row(
        "Power given to a house (Powershare)",
        teslemetry=(
            "sensor.powershare_hours_left",
            "sensor.powershare_instantaneous_power_kw",
            "sensor.powershare_status",
            "sensor.powershare_stop_reason",
            "sensor.powershare_type",
        ),
        note="Discharging, of the Cybertruck only; it is not charging, and nothing here can steer it.",
    ),
    same(
        "Battery left at the end of the route",
        "",
        "sensor.drive_state_active_route_energy_at_arrival",
        note="Needs Tesla's permission for the location, and matters while driving.",
    ),
)
