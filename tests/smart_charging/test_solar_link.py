"""What the car was told, whether it obeys, and when it may be told again."""

from typing import Any

import pytest

from custom_components.tesla_charging.smart_charging.solar_link import Link
from custom_components.tesla_charging.smart_charging.solar_model import (
    CarSettings,
    Command,
    Outcome,
    Reason,
)
from tests.smart_charging.solar_rig import car_reading


def link(told: int = 0, now: float = 1000.0) -> Link:
    new = Link(CarSettings())
    new.update(now, car_reading(now, told))
    return new


def send(to: Link, now: float, amps: int, told: int = 0, **changes: Any) -> int | None:
    """Send a command; return its number."""
    urgent = changes.pop("urgent", False)
    command = to.send(now, amps, car_reading(now, told, **changes), urgent=urgent)
    return None if command is None else command.number


def see(by: Link, now: float, told: int, at: float | None = None) -> None:
    by.update(now, car_reading(now if at is None else at, told))


def test_a_new_link_believes_the_car() -> None:
    for told in (0, 12):
        assert (link(told).target_a, link(told).is_busy) == (told, False)
    assert link().problem is None


def test_a_command_says_what_to_do() -> None:
    assert link().send(1000, 8, car_reading(1000)) == Command(1, 8, start=True, wake=False)
    asleep = link().send(1000, 8, car_reading(1000, asleep=True))
    assert asleep == Command(1, 8, start=True, wake=True)
    assert link(8).send(1000, 9, car_reading(1000, 8)) == Command(1, 9, start=False, wake=False)
    assert link(8).send(1000, 0, car_reading(1000, 8, asleep=True)) == Command(
        1, 0, start=False, wake=False
    )


def test_a_command_counts_from_the_moment_it_is_sent() -> None:
    car = link()
    assert send(car, 1000, 8) == 1
    assert (car.target_a, car.is_busy, car.changed_at) == (8, True, 1000)
    see(car, 1010, 0)
    assert (car.target_a, car.is_busy) == (8, True)
    see(car, 1020, 8)
    assert (car.target_a, car.is_busy, car.changed_at) == (8, False, 1000)
    assert send(car, 1020, 9, 8) == 2
    assert car.numbers == 2


def test_no_command_is_futile() -> None:
    car = link(8)
    assert send(car, 1000, 8, 8) is None
    assert send(car, 1000, 8, 8, urgent=True) is None
    assert car.numbers == 0


def test_one_command_at_a_time() -> None:
    car = link()
    assert send(car, 1000, 8) == 1
    assert send(car, 1010, 9) is None
    assert send(car, 1010, 8) is None


def test_a_reading_from_before_the_command_proves_nothing() -> None:
    car = link(8)
    assert send(car, 1000, 9, 8)
    see(car, 1010, 9, at=1000)
    assert car.is_busy
    see(car, 1011, 9, at=1001)
    assert not car.is_busy


@pytest.mark.parametrize(("asleep", "patience"), [(False, 60), (True, 120)])
def test_a_command_that_shows_no_effect_was_lost(patience: float, *, asleep: bool) -> None:
    car = link()
    assert send(car, 1000, 8, asleep=asleep)
    see(car, 1000 + patience - 1, 0)
    assert (car.is_busy, car.target_a, car.problem) == (True, 8, None)
    see(car, 1000 + patience, 0)
    assert (car.is_busy, car.target_a, car.problem) == (False, 0, Reason.COMMAND_FAILED)
    # long enough was waited
    assert send(car, 1000 + patience, 8) == 2


def test_a_command_that_the_car_took_is_not_lost_before_the_car_says_something() -> None:
    for accepted in (True, False):
        car = link(8)
        assert send(car, 1000, 9, 8) == 1
        if accepted:
            car.answered(1001, 1, Outcome.ACCEPTED)
        see(car, 1100, 8, at=990)
        assert car.is_busy is accepted
        see(car, 1100, 8)
        assert not car.is_busy


def test_acceptance_counts_for_one_command() -> None:
    car = link(8)
    send(car, 1000, 9, 8)
    car.answered(1001, 1, Outcome.ACCEPTED)
    see(car, 1010, 9)
    send(car, 1020, 10, 9)
    see(car, 1090, 9, at=1015)
    assert not car.is_busy


def fail(car: Link, now: float, outcome: Outcome) -> float:
    """Let a command come to nothing; return how long it takes until the next one may be sent."""
    number = send(car, now, 8)
    assert number is not None
    car.answered(now, number, outcome)
    see(car, now, 0)
    assert (car.is_busy, car.target_a) == (False, 0)
    pause = car.retry_at - now
    assert send(car, now + pause - 0.5, 8) is None
    return pause


def test_pauses_after_failures_double() -> None:
    car, now = link(), 1000.0
    pauses = []
    for _ in range(14):
        pauses.append(fail(car, now, Outcome.FAILED))
        assert car.problem is Reason.COMMAND_FAILED
        now += pauses[-1]
    assert pauses == [15, 30, 60, 120, 240, 480, *[900] * 8]


def test_pauses_after_refusals_are_longer() -> None:
    car, now = link(), 1000.0
    pauses = []
    for _ in range(6):
        pauses.append(fail(car, now, Outcome.REFUSED))
        assert car.problem is Reason.COMMAND_REFUSED
        now += pauses[-1]
    assert pauses == [300, 600, 1200, 2400, 3600, 3600]


def test_a_success_ends_the_doubling() -> None:
    car = link()
    fail(car, 1000, Outcome.FAILED)
    fail(car, 1100, Outcome.FAILED)
    assert send(car, 1200, 8)
    see(car, 1210, 8)
    assert car.problem is None
    see(car, 1220, 0)
    assert fail(car, 1300, Outcome.FAILED) == 15


def test_lost_commands_pause_from_the_second_one_on() -> None:
    car = link()
    send(car, 1000, 8)
    see(car, 1060, 0)
    assert car.retry_at == 1060
    assert send(car, 1060, 8)
    see(car, 1120, 0)
    assert car.retry_at == 1135


def test_the_answer_to_another_command_says_nothing() -> None:
    car = link()
    car.answered(1000, 1, Outcome.FAILED)
    assert car.problem is None
    send(car, 1000, 8)
    car.answered(1000, 7, Outcome.FAILED)
    assert (car.is_busy, car.problem) == (True, None)


def test_an_answer_that_comes_too_late_says_nothing() -> None:
    car = link()
    send(car, 1000, 8)
    see(car, 1010, 8)
    car.answered(1020, 1, Outcome.FAILED)
    assert (car.target_a, car.problem, car.retry_at < 1000) == (8, None, True)


def test_a_command_that_arrives_after_it_counted_as_failed_is_noticed() -> None:
    car = link()
    send(car, 1000, 8)
    car.answered(1010, 1, Outcome.FAILED)
    see(car, 1011, 0)
    assert car.target_a == 0
    see(car, 1020, 8)
    assert car.target_a == 8


def test_an_urgent_command_waits_for_nothing() -> None:
    car = link(16)
    send(car, 1000, 12, 16)
    assert send(car, 1005, 6, 16, urgent=True) == 2
    assert car.target_a == 6


def test_an_urgent_command_back_to_what_the_car_does_overtakes_one_on_its_way() -> None:
    car = link(6)
    send(car, 1000, 12, 6)
    assert send(car, 1001, 6, 6, urgent=True) == 2


def test_an_urgent_stop_overtakes_a_start() -> None:
    car = link()
    send(car, 1000, 12)
    stop = car.send(1001, 0, car_reading(1001, asleep=True), urgent=True)
    assert stop == Command(2, 0, start=False, wake=False)


def test_an_urgent_command_is_repeated_after_a_while() -> None:
    car = link(16)
    assert send(car, 1000, 6, 16, urgent=True) == 1
    assert not car.is_late(1019)
    assert send(car, 1019, 6, 16, urgent=True) is None
    assert car.is_late(1020)
    assert send(car, 1020, 6, 16, urgent=True) == 2
    assert not car.is_late(1021)


def test_an_urgent_command_after_a_failure_waits_only_a_moment() -> None:
    car = link(16)
    send(car, 1000, 6, 16)
    car.answered(1001, 1, Outcome.REFUSED)
    assert send(car, 1019, 6, 16, urgent=True) is None
    assert send(car, 1020, 6, 16, urgent=True) == 2


def test_nothing_is_late_where_nothing_is_sent() -> None:
    assert not link().is_late(9999)


def test_to_forget_is_to_begin_anew() -> None:
    car = link()
    fail(car, 1000, Outcome.REFUSED)
    car.forget()
    assert (car.problem, car.is_busy) == (None, False)
    assert send(car, 1001, 8) == 2
    assert fail_again(car) == 15
    send(car, 1050, 8)
    car.forget()
    assert not car.is_busy
    # a reading from before counts again, as the clock may have been corrected
    see(car, 500, 6)
    assert car.target_a == 6
    assert send(car, 500, 8, 6)
    see(car, 501, 8)
    assert not car.is_busy


def fail_again(car: Link) -> float:
    car.answered(1002, 2, Outcome.FAILED)
    return car.retry_at - 1002
