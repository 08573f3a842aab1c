"""A plan becomes charge schedules of the car: which, in what order, and for how many commands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import random
from zoneinfo import ZoneInfo

from homeassistant.const import WEEKDAYS
import pytest

from custom_components.tesla_charging.charging.hand_over import (
    OWN_IDS,
    HandOver,
    Wanted,
    anchored,
    hand_over,
    wanted_schedules,
)
from custom_components.tesla_charging.smart_charging.series import Window
from custom_components.tesla_charging.vehicle.charge_schedules import Schedule, ScheduleKind

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOME = (52.37, 4.895)
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 17, 17, 3, 20, tzinfo=UTC)
"""A Tuesday, 18:03 in Amsterdam."""


def utc(hour: int, minute: int = 0, day: int = 17) -> datetime:
    """Return a moment of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def wanted(
    *blocks: Window, now: datetime = NOW, step: timedelta = QUARTER, room: int = 6
) -> Wanted:
    """Return what a car in Amsterdam is to hold."""
    return wanted_schedules(blocks, now, AMSTERDAM, HOME, step, room)


def held(*schedules: Schedule) -> tuple[Schedule, ...]:
    """Return what a car holds that was given these."""
    return hand_over(schedules, ()).held


def times(schedule: Schedule) -> tuple[str, int | None, int | None]:
    """Return the day, and both times in minutes after midnight."""
    return schedule.days[0], schedule.times["start_time"], schedule.times["end_time"]


def names(handed: HandOver) -> list[str]:
    """Return the names of the commands."""
    return [request.command.name for request in handed.requests]


# -- which schedules --------------------------------------------------------------------------------


def test_a_block_is_a_one_time_schedule_at_the_cars_local_time() -> None:
    """01:15 to 04:30 UTC are 02:15 to 05:30 on Wednesday in Amsterdam."""
    (schedule,) = wanted(Window(utc(1, 15, 18), utc(4, 30, 18))).schedules
    assert times(schedule) == ("wed", 2 * 60 + 15, 5 * 60 + 30)
    assert schedule.one_time
    assert schedule.enabled
    assert (schedule.latitude, schedule.longitude) == HOME


def test_start_is_rounded_down_and_end_up() -> None:
    """A block never becomes shorter than planned."""
    (schedule,) = wanted(Window(utc(1, 20, 18), utc(4, 31, 18))).schedules
    assert times(schedule) == ("wed", 2 * 60 + 15, 5 * 60 + 45)


def test_a_car_that_takes_minutes_gets_minutes() -> None:
    """Only whole seconds are rounded."""
    block = Window(utc(1, 20, 18) + timedelta(seconds=5), utc(4, 31, 18) + timedelta(seconds=5))
    (schedule,) = wanted(block, step=MINUTE).schedules
    assert times(schedule) == ("wed", 2 * 60 + 20, 5 * 60 + 32)


def test_blocks_that_touch_on_the_cars_grid_are_one_schedule() -> None:
    """01:50 is rounded to 02:00, and 02:05 to 02:00."""
    blocks = (Window(utc(1, 0, 18), utc(1, 50, 18)), Window(utc(2, 5, 18), utc(3, 0, 18)))
    (schedule,) = wanted(*blocks).schedules
    assert times(schedule) == ("wed", 2 * 60, 4 * 60)


def test_a_block_that_begins_now_is_dated_back_and_stays_there() -> None:
    """A start ten minutes ago makes the car charge at once; the next plans begin later, the schedule does not."""
    blocks = anchored([Window(NOW, utc(19))], (), NOW, QUARTER)
    (schedule,) = wanted(*blocks).schedules
    assert times(schedule) == ("tue", 17 * 60 + 45, 20 * 60)
    later = NOW + timedelta(minutes=40)
    assert anchored([Window(later, utc(19))], blocks, later, QUARTER) == blocks


def test_a_block_that_was_planned_keeps_its_start() -> None:
    """So that the schedule that the car has need not be replaced."""
    planned = (Window(utc(16, 30), utc(19)),)
    blocks = anchored([Window(NOW, utc(19, 15))], planned, NOW, QUARTER)
    assert blocks == (Window(utc(16, 30), utc(19, 15)),)
    assert anchored([Window(utc(18), utc(19))], planned, NOW, QUARTER) == (
        Window(utc(18), utc(19)),
    )


def test_a_long_running_block_is_renewed_for_a_stopped_car_once_in_four_hours() -> None:
    """From about five hours on, a car takes no notice of a start; one that charges may even stop when it is given one."""
    block = Window(utc(11), utc(19))
    starts = [times(wanted(block, now=utc(hour, 30)).schedules[0])[1] for hour in (14, 15, 16, 17)]
    assert starts == [12 * 60, 16 * 60, 16 * 60, 16 * 60]


def test_a_block_that_is_over_is_nothing() -> None:
    """Only a blocker is left, so that the car does not begin by itself."""
    (schedule,) = wanted(Window(utc(11), utc(12))).schedules
    assert schedule.times["start_time"] is None


@pytest.mark.parametrize(("hours", "blocker"), [(16, False), (18, True)])
def test_a_far_first_block_needs_a_blocker(hours: int, blocker: bool) -> None:
    """A car that is plugged in waits for a start that is not too far away."""
    start = NOW.replace(second=0, minute=0) + timedelta(hours=hours)
    schedules = wanted(Window(start, start + timedelta(hours=1))).schedules
    assert [one.times["start_time"] is None for one in schedules] == ([True] if blocker else []) + [
        False
    ]


def test_a_blocker_ended_ten_minutes_ago() -> None:
    """It has an end only."""
    (schedule,) = wanted().schedules
    assert times(schedule) == ("tue", None, 17 * 60 + 45)


def test_blocks_that_are_too_far_ahead_come_later() -> None:
    """A schedule knows a weekday, no date."""
    block = Window(utc(1, 0, 20), utc(3, 0, 20))
    assert block in wanted(block).later


def test_what_a_car_has_no_room_for_comes_later() -> None:
    """The earliest blocks come first."""
    blocks = [Window(utc(hour), utc(hour, 30)) for hour in (18, 20, 22)]
    given = wanted(*blocks, room=2)
    assert [times(one)[1] for one in given.schedules] == [19 * 60, 21 * 60]
    assert given.later == (blocks[2],)


def test_the_night_of_a_clock_change_is_charged_by_commands() -> None:
    """What a car does with a schedule then is not documented."""
    now = datetime(2026, 10, 24, 18, 0, tzinfo=UTC)
    night = Window(
        now + timedelta(hours=6), now + timedelta(hours=9)
    )  # the clocks change at 01:00 UTC
    evening = Window(now + timedelta(hours=1), now + timedelta(hours=2))
    given = wanted(evening, night, now=now)
    assert given.by_command == (night,)
    assert [times(one)[0] for one in given.schedules] == ["sat"]


def test_a_block_longer_than_a_day_is_two_schedules() -> None:
    """A start and an end at the same time of day would be none."""
    start = utc(18)
    given = wanted(Window(start, start + timedelta(hours=30)))
    assert [times(one) for one in given.schedules] == [
        ("tue", 19 * 60, 18 * 60),
        ("wed", 18 * 60, 60),
    ]


# -- which commands ---------------------------------------------------------------------------------


def test_a_first_plan_costs_one_command_a_block() -> None:
    """Each gets an id of its own, out of our range."""
    blocks = (Window(utc(1, 0, 18), utc(2, 0, 18)), Window(utc(4, 0, 18), utc(5, 0, 18)))
    handed = hand_over(wanted(*blocks).schedules, ())
    assert names(handed) == ["add_charge_schedule"] * 2
    assert [one.id for one in handed.held] == [OWN_IDS[0], OWN_IDS[1]]


def test_the_same_plan_costs_nothing() -> None:
    """Also when the car reports a place with the digits of a 32-bit float."""
    schedules = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    car = tuple(replace(one, latitude=52.3699989, longitude=4.8949999) for one in held(*schedules))
    assert hand_over(schedules, car).requests == ()


def test_a_changed_block_is_one_command() -> None:
    """The id is overwritten, not removed and added."""
    before = held(*wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules)
    handed = hand_over(wanted(Window(utc(2, 0, 18), utc(3, 0, 18))).schedules, before)
    assert names(handed) == ["add_charge_schedule"]
    assert [one.id for one in handed.held] == [before[0].id]


def test_a_schedule_that_is_a_little_longer_stays() -> None:
    """It costs less than a command; one that is shorter does not stay."""
    before = held(*wanted(Window(utc(1, 0, 18), utc(2, 5, 18)), step=MINUTE).schedules)
    near = timedelta(minutes=5)
    shorter = wanted(Window(utc(1, 2, 18), utc(2, 1, 18)), step=MINUTE).schedules
    longer = wanted(Window(utc(1, 0, 18), utc(2, 6, 18)), step=MINUTE).schedules
    assert hand_over(shorter, before, tolerance=near).requests == ()
    assert names(hand_over(longer, before, tolerance=near)) == ["add_charge_schedule"]


def test_at_another_place_the_old_one_goes_after_the_new_one_has_come() -> None:
    """A schedule that is replaced keeps its place, so a new id is taken."""
    block = Window(utc(1, 0, 18), utc(2, 0, 18))
    before = held(*wanted(block).schedules)
    moved = wanted_schedules([block], NOW, AMSTERDAM, (52.5, 4.895), QUARTER).schedules
    handed = hand_over(moved, before)
    assert names(handed) == ["add_charge_schedule", "remove_charge_schedule"]
    assert handed.requests[1].parameters == {"id": before[0].id}
    assert handed.held[0].id != before[0].id


def test_with_every_id_at_another_place_one_is_removed_first() -> None:
    """There is no free id then."""
    (one,) = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    before = [replace(one, id=number, latitude=40.0) for number in OWN_IDS]
    handed = hand_over([one], before)
    assert names(handed)[:2] == ["remove_charge_schedule", "add_charge_schedule"]
    assert len(handed.held) == 1


def test_foreign_schedules_are_never_touched() -> None:
    """Neither with another id, nor a weekly one with an id of ours, nor one for preconditioning."""
    (one,) = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    foreign = [
        replace(one, id=1_700_000_000),
        replace(one, id=OWN_IDS[0], one_time=False),
        replace(one, id=OWN_IDS[1], kind=ScheduleKind.PRECONDITION),
    ]
    assert hand_over([], foreign).requests == ()


def test_an_own_id_that_somebody_else_uses_is_not_overwritten() -> None:
    """A weekly schedule with an id of ours is somebody's."""
    (one,) = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    handed = hand_over([one], [replace(one, id=OWN_IDS[0], one_time=False)])
    assert handed.requests[0].parameters["id"] != OWN_IDS[0]


def test_what_is_not_wanted_is_removed() -> None:
    """A schedule of last week that never came about would charge this week."""
    before = held(*wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules)
    assert names(hand_over([], before, tidy=False)) == ["remove_charge_schedule"]


def test_a_used_schedule_is_removed_when_there_is_time_for_it() -> None:
    """It is switched off and does no harm."""
    before = [replace(one, enabled=False) for one in held(*wanted().schedules)]
    assert hand_over([], before, tidy=False).requests == ()
    assert names(hand_over([], before)) == ["remove_charge_schedule"]


def test_a_used_schedule_is_replaced() -> None:
    """So a night costs one command."""
    before = [replace(one, enabled=False) for one in held(*wanted().schedules)]
    schedules = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    handed = hand_over(schedules, before)
    assert names(handed) == ["add_charge_schedule"]


# -- what a car makes of them -----------------------------------------------------------------------


def charged(schedules: tuple[Schedule, ...], since: datetime, until: datetime) -> set[datetime]:
    """Return the minutes in which a car that was plugged in at `since` charges by its schedules."""
    minutes = set()
    for schedule in schedules:
        day, start, end = times(schedule)
        assert end is not None
        if start is None:
            continue
        for ahead in range(-1, 3):
            local = (since + timedelta(days=ahead)).astimezone(AMSTERDAM)
            if WEEKDAYS[local.weekday()] != day:
                continue
            first = local.replace(
                hour=start // 60, minute=start % 60, second=0, microsecond=0
            ).astimezone(UTC)
            length = (end - start) % (24 * 60)
            minutes |= {
                at
                for minute in range(length)
                if since <= (at := first + timedelta(minutes=minute)) < until
            }
    return minutes


@pytest.mark.parametrize("seed", range(40))
def test_a_car_charges_in_the_blocks_and_at_most_a_quarter_of_an_hour_around(seed: int) -> None:
    """Whatever the car held before, and in whatever order plans follow each other."""
    rng = random.Random(seed)
    now = NOW.replace(second=0) + timedelta(minutes=rng.randrange(24 * 60))
    car: tuple[Schedule, ...] = ()
    planned: list[Window] = []
    for _ in range(4):
        at, blocks = now + timedelta(minutes=rng.randrange(90)), []
        for _ in range(rng.randrange(1, 4)):
            end = at + timedelta(minutes=rng.randrange(5, 200))
            blocks.append(Window(at, end))
            at = end + timedelta(minutes=rng.randrange(30, 300))
        blocks = list(anchored(blocks, planned, now, QUARTER))
        planned = blocks
        given = wanted(*blocks, now=now)
        handed = hand_over(given.schedules, car, tolerance=timedelta(minutes=5))
        car = handed.held
        until = now + timedelta(hours=20)
        on = charged(car, now, until)
        inside = {
            minute
            for block in blocks
            for offset in range(int((block.end - block.start) / MINUTE))
            if now <= (minute := block.start + offset * MINUTE) < until
        }
        around = {m + k * MINUTE for m in inside for k in range(-20, 21)}
        assert inside <= on, "a planned minute is not charged"
        assert on <= around, "the car charges where nothing is planned"
        now += timedelta(minutes=rng.randrange(1, 180))


# -- what has happened since ------------------------------------------------------------------------


def test_a_long_block_is_not_given_again_and_again() -> None:
    """A stopped car gets a newer start; when it then charges, the older start of the block must not be given back."""
    block = Window(utc(11), utc(19))
    held_now = held(*wanted_schedules([block], utc(11), AMSTERDAM, HOME, QUARTER).schedules)
    sent = []
    for hour, charging in ((13, True), (16, False), (17, True), (18, True)):
        now = utc(hour, 30)
        given = wanted(block, now=now)
        handed = hand_over(given.schedules, held_now, tolerance=QUARTER, goes_on=charging)
        held_now = handed.held
        sent.append(len(handed.requests))
    assert sent == [0, 1, 0, 0]


def test_a_charge_that_goes_on_over_midnight_is_not_given_again() -> None:
    """The newer start is on another day than the block's."""
    block = Window(utc(17), utc(6, 0, 18))
    held_now = held(*wanted_schedules([block], utc(1, 30, 18), AMSTERDAM, HOME, QUARTER).schedules)
    assert times(held_now[0])[0] == "wed"
    given = wanted(block, now=utc(6, 0, 18) - timedelta(minutes=30))
    assert times(given.schedules[0])[1] != times(held_now[0])[1]
    assert hand_over(given.schedules, held_now, tolerance=QUARTER, goes_on=True).requests == ()


def test_a_charge_that_goes_on_gets_another_end() -> None:
    """Only its start is of no importance any more."""
    held_now = held(*wanted(Window(utc(17), utc(19))).schedules)
    longer = wanted(Window(utc(17), utc(20))).schedules
    assert names(hand_over(longer, held_now, goes_on=True)) == ["add_charge_schedule"]
    tomorrow = wanted(Window(utc(20), utc(19, 0, 18))).schedules
    assert names(hand_over(tomorrow, held_now, goes_on=True)) == ["add_charge_schedule"]


def test_a_car_that_does_not_charge_needs_no_newer_blocker() -> None:
    """One that was kept from charging stays so: a weekend at the cable costs one command, not six a day."""
    held_now = held(*wanted().schedules)
    later = wanted(now=NOW + timedelta(hours=40)).schedules
    assert hand_over(later, held_now, blocked=True).requests == ()
    assert names(hand_over(later, held_now)) == ["add_charge_schedule"]


def test_what_may_be_of_last_week_does_not_serve() -> None:
    """A schedule knows a weekday, no date: the car has used it, or forgotten it."""
    schedules = wanted(Window(utc(1, 0, 18), utc(2, 0, 18))).schedules
    handed = hand_over(schedules, held(*schedules), trusted=False)
    assert names(handed) == ["add_charge_schedule"]
    assert names(hand_over([], held(*schedules), trusted=False)) == ["remove_charge_schedule"]


def test_a_start_that_is_only_just_over_is_dated_back_for_a_car_that_does_not_hold_it() -> None:
    """A car takes no notice of it when it is sent; also around midnight it is sent once only."""
    block = Window(utc(23), utc(2, 0, 18))
    for minutes in (0, 5, 9):
        now = block.start + timedelta(minutes=minutes)
        given = wanted(block, now=now)
        handed = hand_over(given.schedules, (), tolerance=QUARTER, dated_back=given.dated_back)
        assert times(handed.held[0]) == ("tue", 23 * 60 + 45, 3 * 60)
        for later in (now, now + timedelta(minutes=7)):
            again = wanted(block, now=later)
            assert not hand_over(
                again.schedules, handed.held, tolerance=QUARTER, dated_back=again.dated_back
            ).requests
        planned = held(*wanted(block).schedules)
        assert not hand_over(given.schedules, planned, dated_back=given.dated_back).requests
