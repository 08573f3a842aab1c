"""Several cars of one home: who has the sun, and who gives way to a limit."""

from dataclasses import dataclass, field

import pytest

from custom_components.tesla_charging.smart_charging.solar_group import SolarGroup
from custom_components.tesla_charging.smart_charging.solar_model import (
    CarSettings,
    CarState,
    Decision,
    Inputs,
    Limits,
    MeterReading,
    Outcome,
    Reason,
    Wishes,
)
from tests.smart_charging.solar_rig import PRICES, car_reading

AMPERE = 690.0


@dataclass
class Home:
    """Two cars that obey at once; the first one comes first."""

    surplus_w: float = 0.0
    now: float = 1000.0
    told: dict[str, int] = field(default_factory=lambda: {"first": 0, "second": 0})
    wishes: dict[str, Wishes] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    away: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    sent: list[tuple[str, int]] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    obeys: bool = True

    def __post_init__(self) -> None:
        self.group = SolarGroup({"first": CarSettings(), "second": CarSettings()})

    def step(self) -> dict[str, Decision]:
        self.now += 10
        grid_w = sum(self.told.values()) * AMPERE - self.surplus_w
        inputs = {
            name: Inputs(
                PRICES,
                car_reading(self.now, told)
                if name not in self.away
                else car_reading(self.now, 0, state=CarState.UNPLUGGED),
                MeterReading(self.now, grid_w),
                wishes=self.wishes.get(name, Wishes()),
                limits=self.limits,
            )
            for name, told in self.told.items()
            if name not in self.missing
        }
        self.decisions = self.group.step(self.now, inputs)
        for name, decision in self.decisions.items():
            if decision.command is not None:
                self.sent.append((name, decision.command.amps))
                if self.obeys:
                    self.told[name] = decision.command.amps
        return self.decisions

    def run(self, seconds: int, surplus_a: float | None = None) -> list[tuple[str, int]]:
        if surplus_a is not None:
            self.surplus_w = surplus_a * AMPERE
        before = len(self.sent)
        for _ in range(seconds // 10):
            self.step()
        return self.sent[before:]


def test_the_first_car_has_the_sun() -> None:
    home = Home()
    assert home.run(600, 10) == [("first", 10)]
    assert home.decisions["second"].reason is Reason.NO_SUN
    assert home.decisions["second"].surplus_w == pytest.approx(0)


def test_the_second_car_has_what_the_first_one_leaves() -> None:
    home = Home()
    home.run(600, 25)
    assert home.told == {"first": 16, "second": 9}
    assert home.decisions["first"].surplus_w == pytest.approx(25 * AMPERE)
    assert home.decisions["second"].surplus_w == pytest.approx(9 * AMPERE)
    home.run(1800, 8)
    assert home.told == {"first": 8, "second": 0}
    sent = len(home.sent)
    home.run(3600)
    assert len(home.sent) == sent


def test_both_start_at_once_without_more_than_there_is() -> None:
    home = Home()
    home.run(60, 0)
    home.run(30, 24)
    assert home.told == {"first": 16, "second": 8}
    assert len(home.sent) == 2


def test_the_second_car_gives_way_when_the_first_one_comes_home() -> None:
    home = Home(away={"first"})
    home.run(600, 16)
    assert home.told == {"first": 0, "second": 16}
    assert home.decisions["first"] == Decision(reason=Reason.UNPLUGGED)
    home.away.clear()
    home.run(600)
    assert home.told == {"first": 16, "second": 0}


def test_what_is_planned_for_the_second_car_is_no_sun_for_the_first() -> None:
    home = Home(wishes={"second": Wishes(planned_a=10)})
    home.run(600, 11)
    assert home.told == {"first": 0, "second": 11}
    assert home.decisions["first"].surplus_w == pytest.approx(AMPERE)


def test_the_second_car_gives_way_to_a_limit() -> None:
    planned = Wishes(planned_a=16)
    home = Home(wishes={"first": planned, "second": planned}, limits=Limits(import_w=40 * AMPERE))
    home.run(60, 0)
    assert home.told == {"first": 16, "second": 16}
    home.surplus_w = -14 * AMPERE
    home.step()
    assert home.told == {"first": 16, "second": 10}
    home.surplus_w = -34 * AMPERE
    home.step()
    assert home.told == {"first": 6, "second": 0}


def test_a_planned_first_car_takes_the_limit_from_the_second() -> None:
    home = Home(wishes={"second": Wishes(planned_a=16)}, limits=Limits(import_w=20 * AMPERE))
    home.run(600, 0)
    assert home.told == {"first": 0, "second": 16}
    home.wishes["first"] = Wishes(planned_a=14)
    # the second one gives way first, so that the limit holds at every moment
    most = 0
    for _ in range(80):
        home.step()
        most = max(most, sum(home.told.values()))
    assert home.told == {"first": 14, "second": 6}
    assert most <= 20
    assert len(home.sent) <= 5


def test_a_car_without_inputs_is_not_steered() -> None:
    home = Home(missing={"first"})
    home.run(600, 10)
    assert home.told == {"first": 0, "second": 10}
    assert set(home.decisions) == {"second"}


def test_the_answer_to_a_command_reaches_its_car() -> None:
    home = Home(obeys=False)
    home.run(10, 30)
    home.step()
    assert len(home.sent) == 2
    home.group.answered(home.now, "second", 1, Outcome.REFUSED)
    home.step()
    assert home.decisions["second"].reason is Reason.COMMAND_REFUSED
    assert home.decisions["first"].reason is not Reason.COMMAND_REFUSED


def test_a_command_on_its_way_is_taken_from_the_sun_of_the_second_car() -> None:
    home = Home(obeys=False)
    home.run(10, 25)
    home.step()
    assert home.sent == [("first", 16), ("second", 9)]
