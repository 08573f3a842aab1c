"""Days of sun: the reference loops earn what they are known to earn, and the controller earns more with few commands."""

import pytest

from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryRule,
    Decision,
    Reason,
)
from devtools.bench.solar import controlled, ratio
from devtools.bench.solar_days import COLUMNS, GIVEN_SEEDS, OWN_SEEDS, surplus_of
from devtools.bench.solar_loops import FAST, REFERENCES
from devtools.bench.solar_steps import all_changes, breaches, without_events
from devtools.bench.solar_world import PLAIN, WORLDS, Controlled, HomeBattery, World, play

BROKEN = COLUMNS[5]


def test_a_day_is_always_the_same() -> None:
    sun, house = surplus_of(100, 8, "clear")
    assert sum(sun) / 360e3 == pytest.approx(53.85, abs=0.01)
    assert sum(house) / 360e3 == pytest.approx(26.08, abs=0.01)


@pytest.mark.parametrize(
    ("name", "value", "commands"),
    [
        (FAST, 5.858423, 251),
        ("timer 120 s 2 A", 5.035837, 56),
        ("event 0.004 start 60 off 0.03", 6.232209, 129),
    ],
)
def test_the_reference_loops_earn_what_is_known(name: str, value: float, commands: int) -> None:
    day = play(GIVEN_SEEDS[0], BROKEN, PLAIN, lambda *_: REFERENCES[name]())
    assert day.value == pytest.approx(value, abs=1e-6)
    assert day.commands == commands


def test_a_broken_day_earns_most_of_what_is_possible_with_few_commands() -> None:
    fast = play(OWN_SEEDS[0], BROKEN, PLAIN, lambda *_: REFERENCES[FAST]())
    day = play(OWN_SEEDS[0], BROKEN, PLAIN, controlled)
    assert ratio([day]) > 0.87
    assert ratio([day]) > ratio([fast]) + 0.05
    assert day.commands < 0.7 * fast.commands


def test_a_worse_world_takes_little_of_it() -> None:
    worst = next(world for world in WORLDS if world.lost and world.car_age_s)
    day = play(OWN_SEEDS[0], BROKEN, worst, controlled)
    assert ratio([day]) > 0.83


def test_every_decision_of_a_day_says_why() -> None:
    world = World("all", battery=HomeBattery(BatteryRule.SHARE), sleeps=True, forecast=True)
    decisions: list[Decision] = []

    def make(*arguments: object) -> Controlled:
        loop = controlled(*arguments)  # type: ignore[arg-type]
        loop.decisions = decisions
        return loop

    play(OWN_SEEDS[1], COLUMNS[1], world, make)
    assert len(decisions) == 8640
    acts = {decision.reason for decision in decisions if decision.command is not None}
    assert acts == {Reason.START, Reason.RAISE, Reason.LOWER, Reason.STOP}
    for decision in decisions:
        if decision.command is not None:
            assert decision.lost > decision.threshold > 0
            assert decision.command.amps == decision.told_a


def test_fuses_are_respected_at_the_reading_that_exceeds_them() -> None:
    answers = list(breaches(7, 100))
    assert len(answers) == 100
    assert all(sent == allowed for sent, allowed in answers)


def test_steps_of_the_sun_are_answered_with_at_most_two_changes() -> None:
    counted = all_changes([-500.0, 2600.0, 7900.0], [PLAIN, WORLDS[7]], COLUMNS[:1])
    assert counted["more than allowed"] == counted["not silent"] == 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_no_step_of_the_sun_in_any_world_is_answered_with_more_than_two_changes() -> None:
    watts = [700.0 * number for number in range(-4, 17)]
    counted = all_changes(watts, without_events(WORLDS), (COLUMNS[0], COLUMNS[3]))
    assert counted["more than allowed"] == counted["not silent"] == 0
