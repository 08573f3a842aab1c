"""A person who starts or stops a charge wins over the plan; what the plan and the car do by themselves is nobody's wish."""

from dataclasses import replace

import pytest

from custom_components.tesla_charging.charging.override import (
    ChargeView,
    Expected,
    Override,
    OverrideKind,
    OwnCommand,
    detected,
    is_over,
)

IDLE = ChargeView(charging=False, stopped=True, plugged_in=True, level=60, plugged_at=0)
CHARGING = replace(IDLE, charging=True, stopped=False)
UNPLUGGED = ChargeView(charging=False, stopped=False, plugged_in=False, level=60)
OUTSIDE = Expected(may_charge=False, must_charge=False, target=80)
INSIDE = Expected(may_charge=True, must_charge=True, target=80)
NOW = 100_000.0


@pytest.mark.parametrize(
    ("before", "after", "expected", "kind"),
    [
        pytest.param(IDLE, CHARGING, OUTSIDE, OverrideKind.CHARGE, id="started by hand"),
        pytest.param(IDLE, CHARGING, INSIDE, None, id="started by the plan"),
        pytest.param(CHARGING, IDLE, INSIDE, OverrideKind.STOP, id="stopped by hand"),
        pytest.param(CHARGING, IDLE, OUTSIDE, None, id="stopped by the plan"),
        pytest.param(
            CHARGING,
            replace(IDLE, level=79.5),
            INSIDE,
            None,
            id="stopped at its target, a little early",
        ),
        pytest.param(
            CHARGING,
            replace(IDLE, stopped=False),
            INSIDE,
            None,
            id="complete or without power is not stopped",
        ),
        pytest.param(
            IDLE,
            replace(CHARGING, plugged_at=NOW - 30),
            OUTSIDE,
            None,
            id="begins by itself at plug-in",
        ),
        pytest.param(UNPLUGGED, CHARGING, OUTSIDE, None, id="plugged in and charging at once"),
        pytest.param(CHARGING, UNPLUGGED, INSIDE, None, id="unplugged"),
        pytest.param(
            IDLE,
            CHARGING,
            replace(OUTSIDE, command=OwnCommand(True, NOW - 60)),
            None,
            id="our own start just before",
        ),
        pytest.param(
            IDLE,
            CHARGING,
            replace(OUTSIDE, command=OwnCommand(True, NOW - 600)),
            OverrideKind.CHARGE,
            id="our own start long before",
        ),
        pytest.param(
            IDLE,
            CHARGING,
            replace(OUTSIDE, command=OwnCommand(False, NOW - 60)),
            OverrideKind.CHARGE,
            id="started by hand a minute after our stop",
        ),
        pytest.param(
            IDLE,
            CHARGING,
            replace(OUTSIDE, command=OwnCommand(False, NOW - 5)),
            None,
            id="a late push from before our stop",
        ),
        pytest.param(
            replace(IDLE, has_charged=True),
            replace(CHARGING, plugged_at=NOW - 90),
            OUTSIDE,
            OverrideKind.CHARGE,
            id="started by hand after it began and stopped by itself at plug-in",
        ),
        pytest.param(
            replace(IDLE, stopped=False, waits_for_power=True),
            CHARGING,
            OUTSIDE,
            None,
            id="the power came back",
        ),
        pytest.param(CHARGING, CHARGING, OUTSIDE, None, id="nothing happens"),
    ],
)
def test_what_a_person_did(
    before: ChargeView, after: ChargeView, expected: Expected, kind: OverrideKind | None
) -> None:
    """From one view of the car to the next."""
    assert detected(before, after, expected, NOW) is kind


def test_both_end_when_the_car_is_unplugged() -> None:
    """Whatever the person wanted of this charge."""
    for kind in OverrideKind:
        assert is_over(Override(kind, NOW), UNPLUGGED, 80)
        assert not is_over(Override(kind, NOW), CHARGING, 80)


def test_a_start_by_hand_goes_on_past_the_plans_target() -> None:
    """It ends with the charge."""
    override = Override(OverrideKind.CHARGE, NOW)
    assert not is_over(override, replace(CHARGING, level=85), 80)
    assert is_over(override, replace(IDLE, level=85), 80)
    assert not is_over(override, replace(IDLE, level=70), 80)
    assert is_over(override, replace(IDLE, level=79.5), 80), "cars stop up to one percent early"
    assert is_over(override, replace(IDLE, level=75, complete=True), 80), "its limit is lower"


def test_it_survives_a_restart_and_a_damaged_file() -> None:
    """What is not an override is none."""
    override = Override(OverrideKind.STOP, NOW)
    assert Override.restored(override.as_dict()) == override
    damaged: tuple[object, ...] = (
        *(None, 3, [], {}),
        {"kind": "dance", "since": 1},
        {"kind": "stop", "since": True},
    )
    for stored in damaged:
        assert Override.restored(stored) is None
