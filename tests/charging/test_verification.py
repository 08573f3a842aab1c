"""A planned start is verified: by what the car tells, one question, one repair, and then a word to the person."""

from typing import Any

import pytest

from custom_components.tesla_charging.charging.verification import (
    FIRST_LOOK,
    Do,
    Step,
    Verification,
    due_at,
    next_step,
    of_block,
)

START, END = 10_000.0, 20_000.0
NEW = Verification(START)


def take(known: Verification, now: float, **facts: Any) -> tuple[Verification, Do]:
    """Return the next step with the facts that matter."""
    given: dict[str, Any] = {
        "end": END,
        "charging": False,
        "known_at": None,
        "asleep": False,
        "woken_at": None,
    }
    return next_step(known, now=now, **given | facts)


def test_a_start_that_the_car_pushes_costs_nothing() -> None:
    """It is verified at once."""
    known, do = take(NEW, START + 60, charging=True, known_at=START + 50)
    assert (known.step, do) == (Step.VERIFIED, Do.NOTHING)


def test_charging_that_was_known_before_the_start_proves_nothing() -> None:
    """The car may have stopped since."""
    known, do = take(NEW, START + 60, charging=True, known_at=START - 50)
    assert (known.step, do) == (Step.WAITING, Do.NOTHING)


def test_before_its_time_nothing_is_asked() -> None:
    """A car needs a minute or two."""
    for now in (START - 1, START + 100):
        assert take(NEW, now) == (NEW, Do.NOTHING)


def test_silence_is_asked_once_then_repaired_then_told() -> None:
    """Never twice."""
    known, do = take(NEW, START + 200)
    assert do is Do.ASK
    known, do = take(known, START + 230, known_at=START + 225)
    assert do is Do.REPAIR
    known, do = take(known, START + 300, known_at=START + 225)
    assert do is Do.NOTHING
    known, do = take(known, START + 500, known_at=START + 490)
    assert do is Do.TELL
    assert take(known, START + 900) == (known, Do.NOTHING)


def test_a_car_that_says_that_it_does_not_charge_is_not_asked() -> None:
    """It has told."""
    assert take(NEW, START + 200, known_at=START + 190)[1] is Do.REPAIR


def test_a_repair_that_works_is_verified() -> None:
    """Without another word."""
    known, _ = take(NEW, START + 200, known_at=START + 190)
    known, do = take(known, START + 240, charging=True, known_at=START + 238)
    assert (known.step, do) == (Step.VERIFIED, Do.NOTHING)


@pytest.mark.parametrize(
    ("woken_at", "do"),
    [
        (None, Do.WAKE_AND_REPAIR),
        (START - 24 * 3600, Do.WAKE_AND_REPAIR),
        (START - 3600, Do.TELL),
        (START + 99_999, Do.WAKE_AND_REPAIR),
    ],
)
def test_a_sleeping_car_is_woken_once_a_night(woken_at: float | None, do: Do) -> None:
    """A wake-up in the future was noted by a clock that was wrong."""
    asked = Verification(START, Step.ASKED, START + 200)
    assert take(asked, START + 230, asleep=True, woken_at=woken_at)[1] is do


def test_a_block_that_is_nearly_over_is_left_alone() -> None:
    """A command would cost more than it brings."""
    assert take(NEW, END - 100) == (NEW, Do.NOTHING)


def test_it_survives_a_restart_and_a_damaged_file() -> None:
    """What is not a verification is none."""
    known = Verification(START, Step.REPAIRED, START + 200)
    assert Verification.restored(known.as_dict()) == known
    damaged: tuple[object, ...] = (
        *(None, []),
        {"start": 1.0},
        {"start": 1.0, "step": "dance", "step_at": 2.0},
    )
    for stored in damaged:
        assert Verification.restored(stored) is None


def test_a_block_that_is_dated_back_is_looked_at_minutes_after_the_car_was_given_it() -> None:
    """A start right after the schedule would be a second command where one is enough."""
    given = START + 1200
    late = Verification(START, step_at=given)
    assert take(late, given + 1, known_at=given - 30) == (late, Do.NOTHING)
    assert due_at(late) == given + FIRST_LOOK
    known, do = take(late, given + 60, charging=True, known_at=given + 20)
    assert (known.step, do) == (Step.VERIFIED, Do.NOTHING)
    assert take(late, given + FIRST_LOOK + 1, known_at=given - 30)[1] is Do.ASK


def test_a_start_that_failed_is_not_repaired_again_when_its_block_moves_on() -> None:
    """Else a wall connector without power costs a command in every quarter of an hour, and nobody is told."""
    repaired = Verification(START, Step.REPAIRED, START + 200)
    moved = of_block(repaired, START + 900, START + 900)
    assert take(moved, START + 901)[1] is Do.TELL
    failed, _ = take(moved, START + 901)
    assert take(of_block(failed, START + 1800, START + 1800), START + 2500)[1] is Do.NOTHING
    assert of_block(failed, START + 86400, START + 86400).step is Step.WAITING
    verified, _ = take(failed, START + 2600, charging=True, known_at=START + 2600)
    assert of_block(verified, START + 9000, START + 9000).step is Step.WAITING
