"""Turns the blocks of a plan into charge schedules of the car, and finds the commands that make the car hold them.

The facts about schedules (steps, ids, places, blockers) are those of section 6.3 of what is known of Tesla's cars: a
schedule acts at its place only, by the local time of that place, and its times are whole steps of minutes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from homeassistant.const import WEEKDAYS

from ..smart_charging.result import Block
from ..smart_charging.series import Window
from ..vehicle.charge_schedules import FORMATS, Schedule, ScheduleKind
from ..vehicle_command import CommandRequest

OWN_IDS: Final = range(7_403_101, 7_403_109)
"""The ids of our schedules. Tesla's own tools take the second of creation, which is far above; all others are foreign."""
NAME: Final = "Home Assistant"
STEP: Final = timedelta(minutes=15)
"""The grid of a car's times, in the reading that is safe."""
AHEAD: Final = timedelta(hours=30)
"""Blocks that begin later are handed over later: a schedule knows a weekday, no date."""
BACKDATED: Final = timedelta(minutes=10)
"""A start so long ago makes a car charge at once, an end so long ago keeps it from charging."""
RENEWED_AFTER: Final = timedelta(hours=4)
"""A start longer ago is given anew: from about five hours on a car that was stopped takes no notice of it."""
BLOCKED_UNTIL: Final = timedelta(hours=17)
"""A car that is plugged in waits for a start that is no further away than this."""
LONGEST: Final = timedelta(hours=23)
CLOCK_CHANGE: Final = timedelta(hours=1)
"""What a car does with a schedule so near to a change of its clocks is not documented."""
NEAR: Final = 1e-4
"""Degrees: cars hold places as 32-bit floats."""
MOST_BLOCKS: Final = 6
DAY: Final = 24 * 60
"""Minutes."""
WEEK: Final = 7 * DAY
BLOCKER_KEPT: Final = 4 * 60
"""A blocker is given anew when its end is so many minutes behind the end of a new one."""

type Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a car is to hold, and what it cannot hold."""

    schedules: tuple[Schedule, ...]
    """Without ids (0)."""
    by_command: tuple[Window, ...] = ()
    """Blocks in a night in which the clocks change: the car is started and stopped by commands."""
    later: tuple[Window, ...] = ()
    """Blocks that begin too far ahead, or for which there was no room."""
    dated_back: Schedule | None = None
    """What a car that does not hold it is given instead of the first one: a start that is only just over does not act."""


NOTHING: Final = Wanted(())
"""No schedule of ours."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The commands that change what a car holds into what it is to hold, in their order, and what it holds then."""

    requests: tuple[CommandRequest, ...]
    held: tuple[Schedule, ...]
    """Ours only."""


def wanted_schedules(
    blocks: Sequence[Window],
    now: datetime,
    zone: tzinfo,
    place: Place,
    step: timedelta,
    room: int = MOST_BLOCKS,
) -> Wanted:
    """Return the schedules that make a car charge in the blocks only.

    `blocks` are in UTC and in order, `step` is the grid of the car's times, `room` is how many schedules it can take.
    A start is rounded down and an end up, so that a block never becomes shorter. Where no block comes soon, a blocker
    keeps the car from charging when it is plugged in.
    """
    schedules: list[Schedule] = []
    by_command: list[Window] = []
    later: list[Window] = []
    joined = _joined(blocks, now, step)
    for block in [_renewed(block, now) for block in joined]:
        if block.start > now + AHEAD or len(schedules) >= room:
            later.append(block)
        elif _changes_clock(zone, block.start - CLOCK_CHANGE, block.end + CLOCK_CHANGE):
            by_command.append(block)
        else:
            schedules.extend(_schedule(part.start, part.end, zone, place) for part in _parts(block))
    first = min((block.start for block in (*blocks, *by_command) if block.end > now), default=None)
    if room > 0 and (first is None or first > now + BLOCKED_UNTIL):
        schedules.insert(0, _schedule(None, _floor(now - BACKDATED, step), zone, place))
    kept, rest = schedules[:room], schedules[room:]
    if rest:
        later.extend(block for block in _joined(blocks, now, step) if block not in later)
    dated_back = None
    if kept and joined[:1] and now - BACKDATED < joined[0].start <= now and not by_command:
        dated_back = _schedule(_floor(now - BACKDATED, step), joined[0].end, zone, place)
    return Wanted(tuple(kept), tuple(by_command), tuple(later), dated_back)


def hand_over(
    wanted: Sequence[Schedule],
    held: Iterable[Schedule],
    *,
    tolerance: timedelta = timedelta(),
    tidy: bool = True,
    goes_on: bool = False,
    blocked: bool = False,
    trusted: bool = True,
    dated_back: Schedule | None = None,
    taken: Iterable[int] = (),
) -> HandOver:
    """Return the commands after which a car holds the wanted schedules, and of ours no others.

    A schedule that serves its purpose stays: it covers the wanted time and is at most `tolerance` longer at either end.
    A new one is added before an old one is removed, in place of an old one where the place is the same: a schedule
    that is replaced keeps its place. `tidy`: whether also what a used one-time schedule has left is removed; it does no harm.
    `goes_on`: the car charges in its first block, so that only the end of this one counts. `blocked`: it is plugged in and does
    not charge, so that it needs no newer blocker. `trusted`: whether what it holds is recent; a schedule knows no date. `dated_back`: is given instead of the first, if this one is missing.
    `taken`: ids of ours that somebody else uses.
    """
    held = tuple(held)
    ours = {one.id: one for one in held if is_ours(one)}
    foreign = {one.id for one in held if not is_ours(one)} | set(taken)
    kept: dict[int, Schedule] = {}
    missing: list[Schedule] = []
    first = wanted[0] if wanted else None
    for schedule in wanted:
        serving = next(
            (
                one
                for one in ours.values()
                if trusted
                and one.id not in kept
                and (
                    _serves(one, schedule, tolerance)
                    or (blocked and _both_block(one, schedule))
                    or (goes_on and schedule is first and _ends_alike(one, schedule, tolerance))
                )
            ),
            None,
        )
        if serving is None:
            missing.append(dated_back if dated_back and schedule is first else schedule)
        else:
            kept[serving.id] = serving
    over = sorted(
        (one for one in ours.values() if one.id not in kept), key=lambda one: not one.enabled
    )  # what has to be removed anyway is replaced first
    requests: list[CommandRequest] = []
    for schedule in missing:
        replaced = next((one for one in over if _same_place(one, schedule)), None)
        number = replaced.id if replaced is not None else _free_id(ours, foreign, kept)
        if number is None:  # every id is at another place
            old = over.pop()
            requests.append(FORMATS[ScheduleKind.CHARGE].remove(id=old.id))
            number = old.id
        elif replaced is not None:
            over.remove(replaced)
        kept[number] = replace(schedule, id=number)
        requests.append(kept[number].request())
    for old in over:
        if tidy or old.enabled:
            requests.append(FORMATS[ScheduleKind.CHARGE].remove(id=old.id))
        else:
            kept[old.id] = old
    return HandOver(tuple(requests), tuple(kept[number] for number in sorted(kept)))


def is_ours(schedule: Schedule) -> bool:
    """Return whether a schedule may be replaced and removed: it has an id of ours and is for one time."""
    return (
        schedule.kind is ScheduleKind.CHARGE
        and schedule.id in OWN_IDS
        and schedule.one_time
        and len(schedule.days) == 1
        and schedule.times["end_time"] is not None
    )


def windows_of(blocks: Iterable[Block]) -> list[Window]:
    """Return the times of a plan's blocks in whole seconds; they do not become shorter."""
    second = timedelta(seconds=1)
    return [Window(_floor(block.start, second), _ceil(block.end, second)) for block in blocks]


def anchored(
    blocks: Sequence[Window], before: Sequence[Window], now: datetime, step: timedelta
) -> tuple[Window, ...]:
    """Return the blocks with a start of the running one that does not move from plan to plan.

    A plan begins now, so its running block does, too. It keeps the start that it had in the plan before; one that has
    only just been decided is dated back, so that the car charges at once.
    """
    if not blocks or blocks[0].start > now:
        return tuple(blocks)
    running = next((old.start for old in before if old.start <= now <= old.end + step), None)
    start = _floor(now - BACKDATED, step) if running is None else running
    return (Window(min(start, blocks[0].start), blocks[0].end), *blocks[1:])


def minute_of_week(local: datetime) -> int:
    """Return the minutes of a local time since Monday's midnight."""
    return local.weekday() * DAY + _minutes(local)


def lets_charge(held: Schedule, minute: int, slack: int) -> bool:
    """Return whether a schedule of ours lets a car charge in a minute of the week, or `slack` minutes before or after."""
    start, end = _span(held)
    return start is not None and (minute - start + slack) % WEEK <= end - start + 2 * slack


def ends_charge(held: Schedule, minute: int, slack: int) -> bool:
    """Return whether a schedule of ours ends a charge in a minute of the week, or `slack` minutes before or after."""
    start, end = _span(held)
    return start is not None and (minute - end + slack) % WEEK <= 2 * slack


def _joined(blocks: Sequence[Window], now: datetime, step: timedelta) -> list[Window]:
    """Return the blocks on the car's grid; those that touch are one."""
    joined: list[Window] = []
    for block in blocks:
        if block.end <= now:
            continue
        start, end = _floor(block.start, step), _ceil(block.end, step)
        if joined and start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Window(start, end))
    return joined


def _renewed(block: Window, now: datetime) -> Window:
    """Return a block that a stopped car takes notice of: with a start in the past, but not for long."""
    renewals = (now - BACKDATED - block.start) // RENEWED_AFTER
    if renewals <= 0:
        return block
    return Window(block.start + renewals * RENEWED_AFTER, block.end)


def _parts(block: Window) -> Iterator[Window]:
    """Yield the block in parts that a schedule can hold: shorter than a day."""
    start = block.start
    while block.end - start > LONGEST:
        yield Window(start, start + LONGEST)
        start += LONGEST
    yield Window(start, block.end)


def _schedule(start: datetime | None, end: datetime, zone: tzinfo, place: Place) -> Schedule:
    local_end = end.astimezone(zone)
    local = local_end if start is None else start.astimezone(zone)
    return Schedule(
        kind=ScheduleKind.CHARGE,
        id=0,
        name=NAME,
        days=(WEEKDAYS[local.weekday()],),
        times={
            "start_time": None if start is None else _minutes(local),
            "end_time": _minutes(local_end),
        },
        one_time=True,
        enabled=True,
        latitude=place[0],
        longitude=place[1],
    )


def _minutes(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _serves(held: Schedule, wanted: Schedule, tolerance: timedelta) -> bool:
    """Return whether a schedule that a car holds does what a wanted one would."""
    if not held.enabled or not _same_place(held, wanted):
        return False
    (start, end), (held_start, held_end) = _span(wanted), _span(held)
    if start is None and held_start is None:
        # a blocker, whose end is past: how long ago is of no importance
        return (end - held_end) % WEEK <= BLOCKER_KEPT
    if start is None or held_start is None:
        return False
    longer = int(tolerance.total_seconds()) // 60
    return (start - held_start) % WEEK <= longer and (held_end - end) % WEEK <= longer


def _both_block(held: Schedule, wanted: Schedule) -> bool:
    starts = (_span(held)[0], _span(wanted)[0])
    return held.enabled and starts == (None, None) and _same_place(held, wanted)


def _ends_alike(held: Schedule, wanted: Schedule, tolerance: timedelta) -> bool:
    """Return whether two schedules with a start end on the same day, at most `tolerance` later than wanted."""
    if not held.enabled or not _same_place(held, wanted):
        return False
    (start, end), (held_start, held_end) = _span(wanted), _span(held)
    if start is None or held_start is None:
        return False
    return (held_end - end) % WEEK <= tolerance.total_seconds() / 60


def _span(schedule: Schedule) -> tuple[int | None, int]:
    """Return start and end of a schedule of ours, minutes since Monday's midnight."""
    day = WEEKDAYS.index(schedule.days[0]) * DAY
    start, end = schedule.times["start_time"], schedule.times["end_time"] or 0
    if start is None:
        return None, day + end
    return day + start, day + start + (end - start) % DAY


def _same_place(one: Schedule, other: Schedule) -> bool:
    return abs(one.latitude - other.latitude) < NEAR and abs(one.longitude - other.longitude) < NEAR


def _free_id(*used: Iterable[int]) -> int | None:
    taken = {number for numbers in used for number in numbers}
    return next((number for number in OWN_IDS if number not in taken), None)


def _changes_clock(zone: tzinfo, start: datetime, end: datetime) -> bool:
    hours = int((end - start) / timedelta(hours=1)) + 1
    moments = [start + timedelta(hours=hour) for hour in range(hours)] + [end]
    offsets = [moment.astimezone(zone).utcoffset() for moment in moments]
    return any(before != after for before, after in pairwise(offsets))


def _floor(moment: datetime, step: timedelta) -> datetime:
    """Return the last step before a moment. Steps count from midnight UTC: every zone's offset is whole quarters."""
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return midnight + (moment - midnight) // step * step


def _ceil(moment: datetime, step: timedelta) -> datetime:
    floor = _floor(moment, step)
    return floor if floor == moment else floor + step
