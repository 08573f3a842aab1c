"""What a car draws at full current."""

import pytest

from custom_components.tesla_charging.smart_charging.learning.power import Full, Power
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told


def full(volts: float, amps: int = 16, phases: int = 3, hours: float = 2.0) -> Full:
    return Full(volts * amps * phases * hours / 1000, hours, amps, phases)


def learnt(*charges: Full, power: Power | None = None) -> Power:
    power = power or Power()
    for one in charges:
        power = power.with_charge(one)
    return power


def test_before_any_charge_it_is_assumed() -> None:
    power = Power(32, 1, 240.0)
    watts = power.watts
    assert (watts.value, watts.low, watts.high) == pytest.approx((7680, 7296, 8064))
    assert watts.confidence == 0
    assert power.reliable_share == 0.95
    assert power.told() == Told(Saying.POWER_ASSUMED, {"watts": 7680, "amps": 32, "phases": 1})
    assert Power().watts.value == 11040


def test_charges_tell_the_voltage_under_load() -> None:
    power = learnt(full(226), full(227), full(228))
    assert power.watts.value == pytest.approx(227 * 48, rel=1e-3)
    assert power.volts.confidence == pytest.approx(3 / 4, abs=0.02)
    assert power.volts.high - power.volts.value == pytest.approx(2.3 / 3**0.5, rel=0.03)
    assert power.volts.value - power.volts.low == pytest.approx(2.3 / 3**0.5, rel=0.03)
    assert learnt(*[full(220), full(230), full(240)] * 5).volts.high > 232


def test_a_wrong_charge_is_forgotten_among_others() -> None:
    power = learnt(full(227), full(210), full(227.5), full(226.5))
    assert power.volts.value == pytest.approx(227, rel=2e-3)


def test_older_charges_count_less() -> None:
    power = learnt(*[full(224)] * 24, *[full(228)] * 24)
    assert 226.4 < power.volts.value < 227


def test_the_usual_current_is_that_of_most_charges() -> None:
    power = learnt(full(230), full(230), full(230, 13), power=Power(10, 1))
    assert power.usual == (16, 3)
    assert power.watts.value == pytest.approx(230 * 48)
    assert power.volts.confidence < learnt(*[full(230)] * 3).volts.confidence


def test_three_charges_in_a_row_at_another_current_are_another_charger() -> None:
    before = [full(221, 32, 1)] * 6
    power = learnt(*before, full(231), full(231))
    assert power.usual == (32, 1)
    power = power.with_charge(full(231))
    assert power.usual == (16, 3)
    assert len(power.charges) == 3
    # the current alone, or the phases alone
    assert learnt(*before, *[full(231, 16, 1)] * 3).usual == (16, 1)
    assert learnt(*before, *[full(231, 32, 3)] * 3).usual == (32, 3)


def test_what_can_be_relied_on_is_the_tenth_percentile() -> None:
    assert learnt(full(230)).reliable_share == 0.95
    steady = learnt(*[full(230)] * 30)
    assert steady.reliable_share > 0.99
    wavering = learnt(*[full(230), full(230), full(230), full(230), full(216)] * 6)
    assert wavering.reliable_share == pytest.approx(216 / 230, abs=0.01)
    assert wavering.reliable_share <= 1


@pytest.mark.parametrize(
    "bad",
    [
        full(230, hours=0.19),
        full(230, hours=73),
        full(230, 4),
        full(230, 81),
        Full(22.08, 2, 12, 4),
        full(202),
        full(258),
        full(0),
    ],
)
def test_a_charge_that_cannot_be_is_left_out(bad: Full) -> None:
    assert learnt(bad) == Power()


@pytest.mark.parametrize(
    "edge",
    [
        full(230, hours=0.2),
        full(230, hours=72),
        full(230, 5),
        full(230, 80, 1),
        full(230, 16, 2),
        full(203),
        full(257),
    ],
)
def test_a_charge_at_the_edge_counts(edge: Full) -> None:
    assert learnt(edge).charges == (edge,)


def test_it_says_what_it_has_learnt() -> None:
    told = learnt(full(227), full(227)).told()
    assert told.saying is Saying.POWER_LEARNT
    assert told.numbers == {
        "watts": 10896,
        "amps": 16,
        "phases": 3,
        "low_watts": round(10896 * 0.95),
        "sessions": 2,
    }


def test_it_is_stored_small_and_read_with_distrust() -> None:
    power = learnt(*[full(227)] * 60)
    stored = power.as_dict()
    assert len(stored["charges"]) == 48
    assert Power.from_dict(stored).watts.value == pytest.approx(power.watts.value, rel=1e-4)
    good = [22.08, 2, 16, 3]
    bad = {"charges": [good, [22.08, 0, 16, 3], [1, 2, 0, 3], [1, 2, 16, 0], [22.08, 2, 16], "x"]}
    assert Power.from_dict(bad, amps=13, phases=1, nominal_v=235) == Power(
        13, 1, 235, (Full(22.08, 2, 16, 3),)
    )
    assert Power.from_dict({"charges": [[22.08, 2, 16.5, 3]]}).charges[0].amps == 16
    assert Power.from_dict(None) == Power()
    assert learnt(Full(22.08123, 2.000049, 16, 3)).as_dict() == {"charges": [[22.081, 2.0, 16, 3]]}
