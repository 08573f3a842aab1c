"""What the facts leave open about schedules: every line is the other reading, the car's default is the stricter one."""

from simulator.car.habits import Habit, Setting

HOUR = 3600.0


class OtherReading(Habit):
    """The other readings of Tesla's firmware; switched on by name like quirks. The page docs/simulator.md tells the rules."""

    # -- when ---------------------------------------------------------------------------------
    TO_THE_MINUTE = (
        "to_the_minute",
        "A schedule acts at its minute; by default a start is rounded down and an end up to a quarter of an hour.",
        "smart_charging 6.3; energy 14",
    )
    PLUG_IN_WITHIN_SIX_HOURS = (
        "plug_in_within_six_hours",
        "A start counts for `seconds` at a late plug-in, as in the owner's manual; by default for 5 hours.",
        "energy 14",
        Setting(seconds=6 * HOUR),
    )
    EDIT_ACTS_AT_ONCE = (
        "edit_acts_at_once",
        "A start or end that is just over acts when it is sent; by default it must be 10 minutes back.",
        "smart_charging 6.3; energy 14",
    )
    WAITS_FOR_ANY_START = (
        "waits_for_any_start",
        "Any start to come keeps a car from charging at plug-in; by default a first one only in the next 17 hours.",
        "smart_charging 6.3",
    )
    BLOCKER_HOLDS = (
        "blocker_holds",
        "A one-time end without a start blocks until it is removed; by default it counts for 5 hours like a start.",
        "smart_charging 6.3",
    )
    SKIPPED_HOUR_ACTS_LATER = (
        "skipped_hour_acts_later",
        "A time that daylight saving skips is an hour later; by default it does not come that day.",
        "smart_charging 6.3, 8; energy 14",
    )
    REPEATED_HOUR_ACTS_SECOND = (
        "repeated_hour_acts_second",
        "A time that daylight saving repeats is the second one; by default the first.",
        "smart_charging 6.3, 8; energy 14",
    )
    MINUTES_SINCE_MIDNIGHT = (
        "minutes_since_midnight",
        "Times are minutes that passed since midnight; by default they are what the clock shows.",
        "energy 14",
    )
    # -- which --------------------------------------------------------------------------------
    WINDOWS_UNITE = (
        "windows_unite",
        "An end does not stop a car while another entry lets it charge; by default any end does.",
        "smart_charging 6.3; energy 14 (merge adjacent windows)",
    )
    REACHES_FURTHER = (
        "reaches_further",
        "An entry acts within `miles` of its location; by default within 100 m.",
        "energy 14",
        Setting(miles=0.62),
    )
    # -- commands beside schedules ------------------------------------------------------------
    EDIT_LEAVES_ALONE = (
        "edit_leaves_alone",
        "A start to come that is sent to a charging car lets it charge on; by default it waits from then on.",
        "smart_charging 6.3",
    )
    STOP_OUTLASTS_STARTS = (
        "stop_outlasts_starts",
        "A car that was stopped by command stays so at scheduled starts; by default it starts.",
        "smart_charging 6.3",
    )
    END_STOPS_OVERRIDE = (
        "end_stops_override",
        "An end stops also what was started by command against a schedule; by default it charges to its limit.",
        "smart_charging 6.3, 8",
    )
    STAYS_COMPLETE = (
        "stays_complete",
        "A car that has reached its limit does not begin again when the limit is raised; by default it does.",
        "smart_charging 8",
    )
    OLD_COMMANDS_DO_NOTHING = (
        "old_commands_do_nothing",
        "Firmware with schedules accepts the old commands without effect; by default each adds one entry more.",
        "energy 14; tesla (VC#290)",
    )
    # -- what it keeps ------------------------------------------------------------------------
    OVERWRITING_MOVES = (
        "overwriting_moves",
        "An entry that is sent again takes the new location; by default it keeps the old one.",
        "smart_charging 6.3; energy 14",
    )
    EXACT_COORDINATES = (
        "exact_coordinates",
        "Coordinates come back as the 32-bit floats they are; by default rounded to four decimals.",
        "smart_charging 6.3; energy 14",
    )
    ONE_TIME_VANISHES = (
        "one_time_vanishes",
        "A one-time entry deletes itself after use; by default it stays, disabled.",
        "energy 14",
    )
    ONE_TIME_PASSES_UNUSED = (
        "one_time_passes_unused",
        "A one-time entry is over after its time also if the car was elsewhere; by default it waits for its next day.",
        "energy 14",
    )
    # -- power --------------------------------------------------------------------------------
    HEATS_WHILE_CHARGING = (
        "heats_while_charging",
        "A cold battery charges at once; by default all power heats it first.",
        "smart_charging 1.1, 2.2",
    )
    CONDITIONS_FROM_BATTERY = (
        "conditions_from_battery",
        "Preconditioning takes its power from the battery; by default from the cable if there is one.",
        "smart_charging 1.1, 5",
    )
    AMPS_RESET_AT_START = (
        "amps_reset_at_start",
        "A scheduled start begins with all the car and the cable can take; by default with the amps that were set.",
        "smart_charging 5 (18), 8",
    )
    LOW_AMPS_LAST = (
        "low_amps_last",
        "Fewer than 5 A last until the next start of charging; by default the car goes back to 5 A after 30 seconds.",
        "smart_charging 4.1, 8",
    )
    AMPS_STAY = (
        "amps_stay",
        "The current is one setting for all places; by default every place has its own.",
        "smart_charging 4.1, 8; tesla",
    )
