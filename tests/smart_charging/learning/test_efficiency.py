"""What of the energy drawn reaches the battery."""

import math

import pytest

from custom_components.tesla_charging.smart_charging.learning.efficiency import Charge, Efficiency
from custom_components.tesla_charging.smart_charging.learning.told import Saying, Told

ETA, STANDING = 0.95, 0.2
ASSUMED = 0.92 * (1 - 0.25 / 11)


def charge(
    kw: float, hours: float = 4.0, *, off: float = 1.0, standing: float = STANDING
) -> Charge:
    return Charge(kw * hours, ETA * (kw - standing) * hours * off, hours)


def learnt(*charges: Charge) -> Efficiency:
    efficiency = Efficiency()
    for one in charges:
        efficiency = efficiency.with_charge(one)
    return efficiency


def true(kw: float) -> float:
    return ETA * (kw - STANDING) / kw


def test_before_any_charge_it_is_assumed() -> None:
    share = Efficiency().at(11.0)
    assert share.value == pytest.approx(ASSUMED)
    assert share.confidence == 0
    deviation = math.hypot(0.03, 0.1 / 11)
    assert (share.low, share.high) == pytest.approx(
        (ASSUMED - 1.2816 * deviation, ASSUMED + 1.2816 * deviation)
    )
    assert Efficiency().terms() == pytest.approx((0.92, 250))
    assert Efficiency().told() == Told(
        Saying.EFFICIENCY_ASSUMED, {"percent": 89.9, "standing_watts": 250}
    )


def test_charges_at_one_power_tell_the_share_at_that_power() -> None:
    one = learnt(charge(11.0)).at(11.0)
    assert one.value == pytest.approx(true(11), abs=0.0071)
    # 1.5 % and 50 Wh of the charge, beside what is assumed at 11 kW
    measured = (math.hypot(0.015 * 44, 0.05) / 4) ** -2
    assumed = ((11 * 0.03) ** 2 + 0.1**2) ** -1
    assert one.confidence == pytest.approx(measured / (measured + assumed))
    five = learnt(*[charge(11.0)] * 5).at(11.0)
    assert five.value == pytest.approx(true(11), abs=0.002)
    assert five.high - five.low < one.high - one.low


def test_charges_at_several_powers_tell_the_standing_loss() -> None:
    efficiency = learnt(*[charge(kw) for kw in (11.0, 3.5, 7.0, 2.3, 5.0)] * 6)
    for kw in (11.0, 6.0, 2.3):
        assert efficiency.at(kw).value == pytest.approx(true(kw), abs=0.004)
    share, standing = efficiency.terms()
    assert share == pytest.approx(ETA, abs=0.004)
    assert standing == pytest.approx(200, abs=15)


def test_wrong_charges_are_forgotten_among_others() -> None:
    right = learnt(*[charge(11.0)] * 5).at(11.0).value
    for off in (0.6, 1.05):
        wrong = learnt(charge(11.0, off=off), *[charge(11.0)] * 5).at(11.0).value
        assert wrong == pytest.approx(right, abs=0.005)
    # also at a power that no other charge had: it cannot bend the line
    bent = learnt(*[charge(11.0)] * 5, charge(2.0, off=0.6)).at(11.0).value
    assert bent == pytest.approx(right, abs=0.004)


def test_older_charges_count_less() -> None:
    changed = learnt(*[charge(11.0)] * 24, *[charge(11.0, off=0.97)] * 24).at(11.0).value
    assert true(11) * 0.97 < changed < true(11) * 0.983


def test_a_long_charge_tells_more_than_a_short_one() -> None:
    both = learnt(charge(11.0, 0.25, off=0.96), charge(11.0, 8.0)).at(11.0).value
    assert true(11) * 0.98 < both < true(11) * 0.99
    assert learnt(charge(11.0, 0.25)).at(11.0).confidence < learnt(charge(11.0)).at(11.0).confidence


def test_terms_keep_the_share_where_the_car_usually_charges() -> None:
    # a loss so high that a plan does not allow it
    lossy = learnt(*[charge(kw, standing=1.0) for kw in (11.0, 3.5, 7.0)] * 10)
    share, standing = lossy.terms()
    assert standing == 500
    usual = 21.5 / 3
    assert share * (usual - 0.5) / usual == pytest.approx(lossy.at(usual).value)
    share, standing = lossy.terms(300)
    assert standing == 300
    assert share * (usual - 0.3) / usual == pytest.approx(lossy.at(usual).value)


def test_terms_are_never_better_than_no_loss() -> None:
    perfect = learnt(*[Charge(44.0, 44.6, 4.0)] * 40)
    share, standing = perfect.terms()
    assert share == 1
    assert standing == pytest.approx(max(0.0, (1 - perfect.at(11.0).value) * 11000), abs=1)


@pytest.mark.parametrize(
    ("ac", "dc", "hours"),
    [
        (0.9, 0.8, 1),
        (2, 1.8, 0.19),
        (2, 1.8, 72.5),
        (26, 23, 1),
        (10, 3.9, 1),
        (10, 10.3, 1),
        (math.nan, 9, 1),
        (10, math.inf, 1),
        (10, 9, math.nan),
    ],
)
def test_a_charge_that_cannot_be_is_left_out(ac: float, dc: float, hours: float) -> None:
    assert learnt(Charge(ac, dc, hours)) == Efficiency()


@pytest.mark.parametrize(
    ("ac", "dc", "hours"),
    [(1, 0.9, 0.2), (72, 60, 72), (25, 23, 1), (10, 4, 1), (10, 10.2, 1)],
)
def test_a_charge_at_the_edge_counts(ac: float, dc: float, hours: float) -> None:
    assert len(learnt(Charge(ac, dc, hours)).charges) == 1


def test_it_says_what_it_has_learnt() -> None:
    told = learnt(*[charge(11.0)] * 5).told()
    assert told.saying is Saying.EFFICIENCY_LEARNT
    assert told.numbers["sessions"] == 5
    assert told.numbers["percent"] == pytest.approx(true(11) * 100, abs=0.2)
    assert told.numbers["standing_watts"] == pytest.approx(210, abs=45)


def test_it_is_stored_small_and_read_with_distrust() -> None:
    efficiency = learnt(*[charge(11.0)] * 60)
    stored = efficiency.as_dict()
    assert len(stored["charges"]) == 48
    assert Efficiency.from_dict(stored).at(11.0).value == pytest.approx(
        efficiency.at(11.0).value, abs=1e-4
    )
    bad = {"charges": [[44, 40, 4], [44, 40], [44, 4, 4], [44, -1, 4], "x", [1, 2, 3, 4]]}
    assert Efficiency.from_dict(bad) == learnt(Charge(44, 40, 4))
    assert Efficiency.from_dict([]) == Efficiency()
    exact = learnt(Charge(44.12345, 40.98765, 4.123456)).as_dict()
    assert exact == {"charges": [[44.123, 40.988, 4.1235]]}
