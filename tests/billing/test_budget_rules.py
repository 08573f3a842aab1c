"""How a month's money is divided, whatever happens: properties, over a few thousand situations drawn at random."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
import math
import random

import pytest

from custom_components.tesla_charging.billing.budget import (
    DAY,
    RESERVE,
    STAGES,
    USER_RESERVE,
    BudgetInput,
    Stage,
    Streaming,
    ceiling,
    decide,
)
from custom_components.tesla_charging.request_origin import RequestOrigin

START = 1_790_000_000.0
LENGTHS = (28 * DAY, 30 * DAY, 31 * DAY - 3600, 31 * DAY, 31 * DAY + 3600)
COMMAND = Fraction(1, 1000)
HUGE = Fraction(10**9)


def situation(
    spent: float | str = 0, day: float = 10, *, limit: str | None = "9.5", commands: str = "0"
) -> BudgetInput:
    return BudgetInput(
        limit=None if limit is None else Fraction(limit),
        spent=Fraction(spent),
        on_commands=Fraction(commands),
        now=START + day * DAY,
        start=START,
        end=START + 30 * DAY,
        least=COMMAND,
    )


def situations(count: int = 1000) -> Iterator[BudgetInput]:
    drawn = random.Random(6)
    for _ in range(count):
        length = drawn.choice(LENGTHS)
        limit = Fraction(drawn.choice([0, 1, 50, 950, 1375, 100_000]), 100)
        spent = limit * Fraction(drawn.randint(0, 1200), 1000)
        yield BudgetInput(
            limit=limit,
            spent=spent,
            on_commands=spent * Fraction(drawn.randint(0, 10), 10),
            now=START + drawn.uniform(-0.1, 1.1) * length,
            start=START,
            end=START + length,
            least=COMMAND,
        )


def room(at: BudgetInput, origin: RequestOrigin) -> Fraction:
    top = ceiling(at, origin)
    assert top is not None
    return top - at.spent


def test_nobody_is_ever_let_above_the_amount_and_a_person_has_the_most() -> None:
    for at in situations():
        assert at.limit is not None
        assert ceiling(at, RequestOrigin.USER) == at.limit
        for origin in (RequestOrigin.AUTOMATION, RequestOrigin.NOBODY):
            top = ceiling(at, origin)
            assert top is not None
            assert top <= at.limit


def test_the_reserve_is_never_touched_by_what_happens_by_itself() -> None:
    for at in situations():
        assert at.limit is not None
        assert ceiling(at, RequestOrigin.NOBODY) == at.limit * (1 - RESERVE)
        assert (ceiling(at, RequestOrigin.AUTOMATION) or 0) <= at.limit * (1 - USER_RESERVE)


def test_spending_more_never_loosens_anything() -> None:
    for at in situations():
        more = replace(at, spent=at.spent + Fraction(1, 7))
        less, now = decide(more, Stage.NORMAL), decide(at, Stage.NORMAL)
        assert STAGES.index(less.stage) >= STAGES.index(now.stage)
        assert less.stretch >= now.stretch
        assert room(more, RequestOrigin.AUTOMATION) <= room(at, RequestOrigin.AUTOMATION)


def test_time_and_a_higher_amount_never_tighten_anything() -> None:
    for at in situations():
        assert at.limit is not None
        for easier in (replace(at, now=at.now + 5000), replace(at, limit=at.limit + 1)):
            then, now = decide(easier), decide(at)
            assert STAGES.index(then.stage) <= STAGES.index(now.stage)
            assert then.stretch <= now.stretch
            assert room(easier, RequestOrigin.AUTOMATION) >= room(at, RequestOrigin.AUTOMATION)


def test_stretch_is_sane_and_fits_its_stage() -> None:
    for at in situations():
        for before in Stage:
            verdict = decide(at, before)
            assert verdict.stretch >= 1
            nothing = STAGES.index(verdict.stage) >= STAGES.index(Stage.NO_REFRESH)
            assert math.isinf(verdict.stretch) == nothing == (verdict.streaming is Streaming.OFF)


def test_slowing_down_is_continuous() -> None:
    before = 1.0
    for cents in range(250, 750):
        stretch = decide(situation(f"{cents / 100}")).stretch
        assert before <= stretch <= before * 1.05
        before = stretch
    assert before > 3


@pytest.mark.parametrize(
    ("spent", "day", "stage"),
    [
        ("0", 0, Stage.NORMAL),
        ("0.7", 0, Stage.NORMAL),
        ("2.6", 10, Stage.NORMAL),
        ("4.5", 10, Stage.SLOWER),
        ("6", 10, Stage.FEWER_FIELDS),
        ("8.075", 10, Stage.NO_REFRESH),
        ("8.0", 30, Stage.NORMAL),
        ("9.02", 30, Stage.NO_REFRESH),
        ("9.025", 29, Stage.BY_USER),
        ("9.4995", 3, Stage.SPENT),
        ("25", 3, Stage.SPENT),
    ],
)
def test_the_stages_of_a_month(spent: str, day: float, stage: Stage) -> None:
    assert decide(situation(spent, day)).stage is stage


def test_what_goes_on_as_it_did_and_would_be_too_dear_is_slowed_before_the_money_is_gone() -> None:
    """A spender of four times the share never gets to the end of it: it is slowed, and the pace follows."""
    at = situation(0, 0)
    seen: list[Stage] = []
    spent, pace, stage = Fraction(0), Fraction(4) * Fraction("8.075") / 30 / 24, Stage.NORMAL
    for hour in range(30 * 24):
        at = replace(at, spent=spent, now=START + hour * 3600)
        verdict = decide(at, stage)
        if verdict.stage is not stage:
            seen.append(stage := verdict.stage)
        if verdict.stretch != math.inf:
            # a charging car's pauses grow by the root of it
            spent += pace / Fraction(math.sqrt(verdict.stretch)).limit_denominator(10**6)
    assert seen[:2] == [Stage.SLOWER, Stage.FEWER_FIELDS]
    assert len(seen) <= 3
    assert Fraction("7.2") < spent < Fraction("8.075")


def test_stages_do_not_come_and_go() -> None:
    """Around the edge of a stage, spending that wavers changes nothing."""
    edge = next(
        cents
        for cents in range(100_000)
        if decide(situation(f"{cents / 1e4}")).stage is Stage.SLOWER
    )
    stage, changes = Stage.NORMAL, 0
    for step in range(200):
        at = situation(f"{(edge + (5 if step % 2 else -5)) / 1e4}")
        changes += (now := decide(at, stage).stage) is not stage
        stage = now
    assert changes == 1


def automation_spends(days: list[int], *, other: Fraction = Fraction(0)) -> list[int]:
    """Return how many commands an automation gets through on each day, if it tries without end on these days."""
    counts, spent, commands = [], other, Fraction(0)
    for day in range(30):
        count = 0
        for minute in range(0, 24 * 60, 5) if day in days else ():
            at = situation(0, day + minute / 1440)
            while True:
                at = replace(at, spent=spent, on_commands=commands)
                if room(at, RequestOrigin.AUTOMATION) < COMMAND:
                    break
                spent, commands, count = spent + COMMAND, commands + COMMAND, count + 1
        counts.append(count)
    return counts


def test_an_automation_that_never_stops_still_commands_on_the_last_day() -> None:
    counts = automation_spends([*range(30)])
    assert counts[0] > 500  # a day's worth in advance, and twice an even share
    assert all(count >= 20 for count in counts)
    assert sum(counts) * COMMAND <= Fraction("9.5") * (1 - USER_RESERVE)
    assert room(situation(str(sum(counts) * COMMAND), 29.99), RequestOrigin.USER) >= Fraction(
        "0.475"
    )


def test_a_runaway_on_the_third_leaves_commands_for_the_thirtieth() -> None:
    counts = automation_spends([2, 29])
    assert counts[2] > 1000
    assert counts[29] > 1000


def test_a_flood_of_pushes_on_the_first_leaves_automations_the_reserve() -> None:
    counts = automation_spends([*range(30)], other=Fraction("8.075"))
    assert all(20 <= count <= 70 for count in counts)


@pytest.mark.parametrize("day", [-400, -1, 0, 0.0001, 15, 29.99999, 30, 31, 400])
def test_a_clock_that_is_wrong_does_no_harm(day: float) -> None:
    assert decide(situation(0, day)).stage is Stage.NORMAL
    assert decide(situation(0, day)).stretch == 1
    assert decide(situation("9.5", day)).stage is Stage.SPENT


@pytest.mark.parametrize("before", Stage)
def test_an_amount_of_nothing_pays_for_nothing(before: Stage) -> None:
    verdict = decide(situation(0, 3, limit="0"), before)
    assert (verdict.stage, verdict.streaming) == (Stage.SPENT, Streaming.OFF)
    assert verdict.automatic_left == 0


def test_no_amount_at_all_lets_everything_pass() -> None:
    at = situation(10**6, 3, limit=None)
    assert decide(at).stage is Stage.NORMAL
    assert decide(at).automatic_left is None
    assert all(ceiling(at, origin) is None for origin in RequestOrigin)


def test_a_month_of_no_length_is_no_division_by_nothing() -> None:
    at = replace(situation(1), end=START, start=START)
    assert decide(at).stage is Stage.NORMAL
    assert ceiling(at, RequestOrigin.AUTOMATION) is not None
