"""What is remembered of a car's telemetry configuration, as the disk gives it back."""

import pytest

from custom_components.tesla_charging.fleet_api import AccountUnpaid, MissingScope, Unreachable
from custom_components.tesla_charging.storage.config_record import DAY, HOUR, ConfigRecord
from custom_components.tesla_charging.vehicle.telemetry_status import (
    TelemetryDiagnosis,
    TelemetryProblem,
    TelemetryStage,
    problem_of,
)

NOW = 1_790_000_000.0
REFUSED = ConfigRecord(
    "",
    NOW,
    TelemetryStage.REFUSED,
    TelemetryProblem.MISSING_KEY,
    "missing_key",
    ("Gear",),
    NOW,
    "c",
    "h:1",
)


def test_it_survives_the_disk() -> None:
    assert ConfigRecord.from_dict(REFUSED.as_dict()) == REFUSED


def test_a_record_from_before_there_were_problems_keeps_what_tesla_holds() -> None:
    old = {
        "fingerprint": "f",
        "checked_at": NOW,
        "stage": "synced",
        "reason": "",
        "refused_fields": ["Gear"],
    }
    memory = ConfigRecord.from_dict(old)
    assert (memory.fingerprint, memory.stage) == ("f", TelemetryStage.SYNCED)
    assert memory.problem is TelemetryProblem.NONE


@pytest.mark.parametrize(
    "rubbish",
    [None, [], "x", {"stage": "flying"}, {"problem": "boredom"}, {"checked_at": "yesterday"}],
)
def test_anything_else_is_a_fresh_start(rubbish: object) -> None:
    assert ConfigRecord.from_dict(rubbish) == ConfigRecord()


@pytest.mark.parametrize(
    ("problem", "seconds"),
    [
        (TelemetryProblem.MISSING_KEY, HOUR),
        (TelemetryProblem.LIMIT_REACHED, 6 * HOUR),
        (TelemetryProblem.UNSUPPORTED_FIRMWARE, DAY),
        (TelemetryProblem.UNSUPPORTED_HARDWARE, 7 * DAY),
    ],
)
def test_a_refusal_is_good_for_as_long_as_nothing_can_have_changed(
    problem: TelemetryProblem, seconds: float
) -> None:
    memory = ConfigRecord(checked_at=NOW, stage=TelemetryStage.REFUSED, problem=problem)
    assert not memory.is_due("wanted", NOW + seconds - 1, memory.validity_after(0.0))
    assert memory.is_due("wanted", NOW + seconds, memory.validity_after(0.0))
    # our clock was set back
    assert memory.is_due("wanted", NOW - 1, memory.validity_after(0.0))


@pytest.mark.parametrize(
    ("stage", "pushed_at", "seconds"),
    [
        (TelemetryStage.CONFIGURED, 0.0, DAY),
        (TelemetryStage.CONFIGURED, NOW - 1, DAY),
        (TelemetryStage.CONFIGURED, NOW + 60, 7 * DAY),
        (TelemetryStage.SYNCED, 0.0, 7 * DAY),
        (TelemetryStage.SYNCED, NOW + 60, 7 * DAY),
    ],
)
def test_a_configuration_that_the_car_follows_is_good_for_a_week(
    stage: TelemetryStage, pushed_at: float, seconds: float
) -> None:
    record = ConfigRecord("wanted", NOW, stage)
    validity = record.validity_after(pushed_at)
    assert not record.is_due("wanted", NOW + seconds - 1, validity)
    assert record.is_due("wanted", NOW + seconds, validity)


def test_something_else_that_is_wanted_is_offered_at_once() -> None:
    taken = ConfigRecord("one", NOW, TelemetryStage.SYNCED)
    assert not taken.is_due("one", NOW, taken.validity_after(NOW))
    assert taken.is_due("another", NOW, taken.validity_after(NOW))


def test_the_greatest_problem_is_shown() -> None:
    assert TelemetryDiagnosis().shown is TelemetryProblem.NONE
    trouble = TelemetryDiagnosis(left_out=("Gear",))
    assert trouble.shown is TelemetryProblem.FIELDS_LEFT_OUT
    trouble = TelemetryDiagnosis(left_out=("Gear",), reported="x")
    assert trouble.shown is TelemetryProblem.REPORTED_BY_CAR
    assert REFUSED.diagnosis.shown is TelemetryProblem.MISSING_KEY


@pytest.mark.parametrize(
    ("err", "problem"),
    [
        (AccountUnpaid("x"), TelemetryProblem.ACCOUNT_UNPAID),
        (MissingScope((), "x"), TelemetryProblem.MISSING_SCOPE),
        # an outage passes and says nothing about the push channel
        (Unreachable("x"), TelemetryProblem.NONE),
        (None, TelemetryProblem.NONE),
    ],
)
def test_what_a_failed_request_says_about_the_channel(
    err: BaseException | None, problem: TelemetryProblem
) -> None:
    assert problem_of(err) is problem
