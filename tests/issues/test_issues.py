"""Repair issues: each comes by itself when something is taken away, and goes by itself when it is back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.issues.kinds import (
    FILES_SET_ASIDE,
    ISSUE_TYPES,
    LEFTOVERS,
    PRICES_MISSING,
    RUNAWAY_COMMANDS,
    SIMULATED_TESLA,
    SIMULATOR_IGNORED,
)
from custom_components.tesla_charging.issues.registry import async_get_issues
from simulator import Quirk
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.repairs import SIMULATOR, issue_of, told

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.fixture
def turned(turned_clock: Home, charging_home: Home) -> Home:
    """A charging home with such clocks."""
    return charging_home


async def later(home: Home, seconds: float = 10 * MINUTE) -> None:
    """Look again when a charging car's data are worth their price again."""
    home.tesla.clock.advance(seconds)
    await home.poll()


async def test_nothing_is_wrong_with_a_home_that_works(turned: Home) -> None:
    await turned.act("start_charging")
    await later(turned)
    assert told(turned) == set()


# -- of a car ---------------------------------------------------------------------------------------------


async def test_a_key_that_was_removed_from_the_car_is_told_and_forgiven(turned: Home) -> None:
    home = turned
    await home.act("start_charging")
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    issue = issue_of(home, "key_not_paired")
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.ERROR
    assert (issue.translation_placeholders or {})["car"] == "Pearl"
    await later(home)
    assert told(home) == {"key_not_paired"}
    home.tesla.pair(home.car, home.key.public_key)
    await home.act("set_charge_limit", percent=71)
    assert told(home) == set()


async def test_a_disabled_key_is_told_too(turned: Home) -> None:
    turned.car.keychain.disable(turned.key.public_key)
    with pytest.raises(HomeAssistantError):
        await turned.act("set_charge_limit", percent=70)
    assert told(turned) == {"key_not_paired"}


async def test_a_car_that_was_never_paired_is_told_of_before_the_first_command(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl")
    home.add_car(MIDNIGHT, "Midnight").keychain.remove(home.key.public_key)
    await home.set_up()
    await home.poll()
    assert (issue_of(home, "key_not_paired").translation_placeholders or {})["car"] == "Midnight"
    assert home.tesla.billing.count(path_contains="fleet_status") == 2


async def test_an_unpaired_new_car_is_told_of_whatever_tesla_says_of_its_protocol(
    turned: Home,
) -> None:
    home = turned
    quirks = [Quirk.PROTOCOL_DENIED]
    car = home.add_car(MIDNIGHT, "Midnight", sleep_after=None, quirks=quirks)
    car.keychain.remove(home.key.public_key)
    await home.restart()
    await home.poll()
    assert (issue_of(home, "key_not_paired").translation_placeholders or {})["car"] == "Midnight"
    # no later check takes that back
    for _ in range(8):
        await later(home, DAY)
    assert told(home) == {"key_not_paired"}
    home.tesla.pair(car, home.key.public_key)
    await later(home, DAY)
    assert told(home) == set()


async def test_a_car_that_took_a_command_is_not_asked_about(charging_home: Home) -> None:
    await charging_home.act("start_charging")
    charging_home.tesla.billing.reset()
    await charging_home.restart()
    await charging_home.poll()
    assert charging_home.tesla.billing.count(path_contains="fleet_status") == 0


@pytest.mark.usefixtures("turned_clock")
async def test_a_car_that_is_paired_elsewhere_is_noticed_without_asking_for_ever(
    home: Home,
) -> None:
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    home.tesla.billing.reset()
    for _ in range(round(3 * DAY / (6 * MINUTE))):
        await later(home, 6 * MINUTE)
    # after ten minutes, half an hour, two and six hours; then daily
    assert 5 <= home.tesla.billing.count(path_contains="fleet_status") <= 7
    assert home.tesla.billing.count("wake") == 0
    home.tesla.pair(home.car, home.key.public_key)
    await later(home, DAY)
    assert told(home) == set()
    home.tesla.billing.reset()
    await later(home, 2 * DAY)
    assert home.tesla.billing.count(path_contains="fleet_status") == 0


@pytest.mark.parametrize(
    ("status", "error", "told_later"),
    [(500, "internal", {"key_not_paired"}), (401, "mobile_access_disabled", set())],
)
async def test_a_question_about_the_key_that_fails_is_repeated_only_if_that_is_free(
    home: Home, status: int, error: str, told_later: set[str]
) -> None:
    home.add_car(PEARL, "Pearl").keychain.remove(home.key.public_key)
    # the latter is about a car, but the request names none that it could be laid to
    home.tesla.faults.status(status, "fleet_status", body={"error": error})
    await home.set_up()
    assert told(home) == set()
    await home.poll()
    assert told(home) == told_later


async def test_mobile_access_is_told_from_polling_and_cleared_by_it(turned: Home) -> None:
    home = turned
    home.car.mobile_access = False
    await later(home)
    assert told(home) == {"mobile_access_disabled"}
    await later(home)
    home.car.mobile_access = True
    await later(home)
    assert told(home) == set()


async def test_mobile_access_is_told_from_a_command_too(turned: Home) -> None:
    turned.car.mobile_access = False
    with pytest.raises(HomeAssistantError):
        await turned.act("start_charging")
    assert told(turned) == {"mobile_access_disabled"}
    turned.car.mobile_access = True
    await turned.act("start_charging")
    assert told(turned) == set()


# -- of the account ---------------------------------------------------------------------------------------


async def test_a_withdrawn_permission_to_charge_is_named_and_leaves_the_data(turned: Home) -> None:
    home = turned
    home.tesla.remove_scope(home.account, home.application, "vehicle_charging_cmds")
    with pytest.raises(HomeAssistantError):
        await home.act("start_charging")
    assert told(home) == {"permission_charging"}
    await later(home)
    assert home.state("sensor", "battery_level") != "unavailable"
    assert told(home) == {"permission_charging"}


@pytest.mark.parametrize(
    ("lacking", "key"),
    [
        ("vehicle_charging_cmds", "permission_charging"),
        ("vehicle_location", "permission_location"),
    ],
)
async def test_a_sign_in_that_grants_less_is_noticed_at_the_start(
    turned: Home, lacking: str, key: str
) -> None:
    home = turned
    assert home.entry is not None
    wanted = {"openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds"}
    token = home.tesla.sign_in(home.account, home.application, wanted - {lacking})
    data = {**home.entry.data, "location": True, "token": {**token, "expires_at": 2e9}}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.restart()
    assert key in told(home)
    data = {**data, "token": home.sign_in("vehicle_location")}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.restart()
    assert told(home) == set()


@pytest.mark.usefixtures("turned_clock")
async def test_a_location_that_is_no_longer_allowed_takes_nothing_else_away(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up(location=True)
    home.tesla.remove_scope(home.account, home.application, "vehicle_location")
    await later(home)
    assert told(home) == {"permission_location"}
    assert home.state("sensor", "battery_level") != "unavailable"
    home.tesla.billing.reset()
    await later(home)
    assert home.tesla.billing.count(path_contains="vehicle_data") == 1
    # what is not wanted any more is not missed
    assert home.entry is not None
    data = {**home.entry.data, "location": False}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.restart()
    assert told(home) == set()


async def test_a_withdrawn_permission_to_read_is_told_beside_the_request_to_sign_in(
    turned: Home,
) -> None:
    home = turned
    home.tesla.remove_scope(home.account, home.application, "vehicle_device_data")
    await later(home)
    assert told(home) == {"permission_data"}
    assert len(home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1
    assert home.entry is not None
    data = {**home.entry.data, "token": home.sign_in()}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.restart()
    assert told(home) == set()


async def test_a_token_that_cannot_be_read_says_nothing_about_permissions(turned: Home) -> None:
    home = turned
    assert home.entry is not None
    token = {**home.entry.data["token"], "access_token": "opaque"}
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "token": token}
    )
    vin = home.car.vin
    home.tesla.faults.status(
        200,
        f"vehicles/{vin}",
        body={"response": {"vin": vin, "state": "asleep", "display_name": "Pearl"}},
    )
    await later(home)
    assert told(home) == set()


async def test_revoked_consent_is_home_assistants_own_request_to_sign_in(turned: Home) -> None:
    home = turned
    assert home.entry is not None
    home.tesla.revoke_consent(home.account, home.application)
    await later(home)
    assert told(home) == set()
    own = f"config_entry_reauth_{DOMAIN}_{home.entry.entry_id}"
    assert ir.async_get(home.hass).async_get_issue("homeassistant", own) is not None


@pytest.mark.parametrize("status", [402, 403])
async def test_an_unpaid_account_is_told_once_it_lasts(
    turned: Home, status: Literal[402, 403]
) -> None:
    home = turned
    home.tesla.exceed_billing_limit(home.application, status=status)
    await later(home, 2 * MINUTE)
    assert told(home) == set()
    await later(home, 2 * MINUTE)
    assert told(home) == {"account_unpaid"}
    placeholders = issue_of(home, "account_unpaid").translation_placeholders or {}
    assert placeholders["next_month"].endswith("-01")
    assert placeholders["detail"] != "-"
    home.tesla.raise_billing_limit(home.application)
    await later(home, 2 * MINUTE)
    assert told(home) == set()


@pytest.mark.parametrize(
    ("take", "key"),
    [
        (lambda home: home.tesla.exceed_billing_limit(home.application), "account_unpaid"),
        (lambda home: home.application.registrations.clear(), "not_registered"),
    ],
)
async def test_what_keeps_an_entry_from_being_set_up_is_told_as_well(
    turned: Home, take: Callable[[Home], Any], key: str
) -> None:
    home = turned
    assert home.entry is not None
    take(home)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    assert told(home) == set()
    home.tesla.clock.advance(2 * MINUTE)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    assert told(home) == {key}


async def test_an_answer_in_between_makes_it_a_glitch(turned: Home) -> None:
    home = turned
    for _ in range(3):
        home.tesla.faults.status(412, f"vehicles/{home.car.vin}")
        await later(home, 2 * MINUTE)
        await later(home, 2 * MINUTE)
    assert told(home) == set()


async def test_an_application_that_is_not_registered_is_told(turned: Home) -> None:
    home = turned
    registrations = dict(home.application.registrations)
    home.application.registrations.clear()
    await later(home)
    await later(home)
    assert told(home) == {"not_registered"}
    home.application.registrations.update(registrations)
    await later(home)
    assert told(home) == set()


async def test_an_account_that_moved_to_a_region_without_registration_is_told(turned: Home) -> None:
    home = turned
    home.application.registrations.pop("na")
    home.tesla.move_account(home.account, "na")
    await later(home)
    await later(home)
    assert told(home) == {"not_registered"}


async def test_a_region_that_nobody_knows_is_told(turned: Home) -> None:
    home = turned
    body = {"error": "user out of region, use base URL: https://fleet-api.example.com"}
    home.tesla.faults.status(421, f"vehicles/{home.car.vin}", body=body, times=2)
    await later(home)
    await later(home)
    assert told(home) == {"wrong_region"}
    await later(home)
    assert told(home) == set()


async def test_a_long_rate_limit_is_logged_once_and_is_no_repair(
    turned: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned
    await home.act("start_charging")
    home.tesla.faults.status(429, "vehicle_data", headers={"Retry-After": "60"})
    await later(home)
    assert "Tesla limits" not in caplog.text
    home.tesla.faults.status(429, "vehicle_data", headers={"Retry-After": "7200"})
    await home.restart()
    for _ in range(3):
        await home.poll()
    assert told(home) == set()
    assert caplog.text.count("Tesla limits the requests of Pearl until ") == 1


async def test_issues_that_earlier_versions_raised_are_cleared(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    for kind in ("budget_slower", "telemetry_fields"):
        ir.async_create_issue(
            home.hass,
            DOMAIN,
            f"{kind}_0123",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="budget_spent",
        )
    await home.set_up()
    assert told(home) == set()


# -- coming and going -------------------------------------------------------------------------------------


async def test_what_was_ignored_stays_ignored_over_a_reload_and_goes_with_the_trouble(
    turned: Home,
) -> None:
    home = turned
    home.car.mobile_access = False
    await later(home)
    issue_id = issue_of(home, "mobile_access_disabled").issue_id
    ir.async_ignore_issue(home.hass, DOMAIN, issue_id, True)
    await home.restart()
    await later(home)
    assert issue_of(home, "mobile_access_disabled").dismissed_version
    home.car.mobile_access = True
    await later(home)
    assert told(home) == set()


async def test_a_disabled_entry_says_nothing(turned: Home) -> None:
    home = turned
    assert home.entry is not None
    home.car.mobile_access = False
    await later(home)
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )
    assert told(home) == set()


async def test_a_removed_entry_leaves_nothing_behind(turned: Home) -> None:
    home = turned
    assert home.entry is not None
    home.car.mobile_access = False
    await later(home)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    ours = [
        issue
        for domain, issue in ir.async_get(home.hass).issues
        if domain == DOMAIN and issue != SIMULATOR
    ]
    # apart from the question what is to become of the files
    assert ours == [LEFTOVERS.prefix]


async def test_a_car_that_is_gone_takes_only_its_own_trouble_along(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name).mobile_access = False
    entry = await home.set_up()
    await home.poll()
    async_get_issues(home.hass, entry).forget(MIDNIGHT)
    assert (issue_of(home, "mobile_access_disabled").translation_placeholders or {})[
        "car"
    ] == "Pearl"


def test_every_row_can_be_told_apart() -> None:
    assert len({kind.key for kind in ISSUE_TYPES}) == len(ISSUE_TYPES)
    assert timedelta(seconds=max(kind.lasting for kind in ISSUE_TYPES)) < timedelta(minutes=5)
    told = {RUNAWAY_COMMANDS}
    telemetry = {kind for kind in ISSUE_TYPES if kind.key.startswith("telemetry_")}
    ours = {FILES_SET_ASIDE, PRICES_MISSING, SIMULATED_TESLA, SIMULATOR_IGNORED}
    assert {kind for kind in ISSUE_TYPES if not kind.fixable} == told | telemetry | ours
