"""Smart charging of one car, through a real Home Assistant and a simulated Tesla."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import WEEKDAYS
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging.charging import controller, override, verification
from custom_components.tesla_charging.charging.adapter import PriceSettings
from custom_components.tesla_charging.charging.car_record import Mode
from custom_components.tesla_charging.charging.controller import ChargingController, Status
from custom_components.tesla_charging.charging.hand_over import OWN_IDS
from custom_components.tesla_charging.charging.home import CONF_SMART_CHARGING
from custom_components.tesla_charging.charging.override import OverrideKind
from custom_components.tesla_charging.charging.own_prices import TIME_OF_USE
from custom_components.tesla_charging.charging.settings import SourceSettings
from custom_components.tesla_charging.smart_charging.normalise import Fee, Formula
from simulator import Car
from simulator.car.readings import OtherReading
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

SECTION = "charge_schedule_data"
QUARTER = timedelta(minutes=15)
NIGHT = timedelta(hours=8)


def tariff(cheap_in: timedelta) -> dict[str, Any]:
    """Return options with a tariff whose cheap time begins at the quarter hour after `cheap_in`, and lasts eight hours."""
    start = dt_util.now() + cheap_in
    start = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0) + QUARTER
    fee = Fee(-0.30, start.time(), (start + NIGHT).time())
    price = PriceSettings(TIME_OF_USE, params={"price": 0.40}, formula=Formula(fees=(fee,)))
    return {CONF_SMART_CHARGING: {}, **SourceSettings(price).as_options()}


CHEAP_LATER = timedelta(hours=3)
CHEAP_NOW = -timedelta(minutes=30)


class Garage:
    """A home with smart charging, and its one car, which streams."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @property
    def car(self) -> Car:
        """The simulated car."""
        return self.home.car

    @property
    def controller(self) -> ChargingController:
        """The controller of the car."""
        assert self.home.entry is not None
        found: ChargingController = self.home.entry.runtime_data.charging.controllers[PEARL]
        return found

    def commands(self) -> list[str]:
        """Return the names of the commands that the car has executed."""
        return [command.name for command in self.car.commands]

    def schedules(self) -> list[tuple[Any, Any, Any]]:
        """Return the id of each schedule that the car holds, and whether it starts and ends charging."""
        section: dict[str, Any] = dict(self.car.vehicle_data(frozenset({SECTION}))[SECTION])
        listed: list[dict[str, Any]] = section["charge_schedules"]
        return [(one["id"], one.get("start_enabled"), one.get("end_enabled")) for one in listed]

    @property
    def charging(self) -> bool:
        """Whether the car charges."""
        return self.car.snapshot().charging_state == "Charging"

    async def set_up(self, cheap_in: timedelta, *, polled: bool = False) -> None:
        """Set up the home with a tariff, and a departure after the cheap time."""
        home = self.home
        if polled:
            options = {**tariff(cheap_in), "home_source": "plugged_in"}
            await home.set_up(options=options)
            await self.depart()
            return
        home.tesla.wake_with_charging_scope = True
        home.tesla.telemetry_pace = 20
        port = free_port()
        home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
        await home.set_up(telemetry=embedded(port), options=tariff(cheap_in))
        await until(lambda: home.state("sensor", "telemetry") == "connected")
        await until(lambda: home.state("binary_sensor", "at_home") == "on")
        await self.depart()

    async def depart(self) -> None:
        """Want the car when every cheap time is over."""
        ready = (dt_util.now() + timedelta(hours=14)).time().replace(second=0, microsecond=0)
        await self.controller.change(daily=ready)

    async def until_stopped(self) -> None:
        """Wait until the car itself has told that it does not charge, and no command of ours is on its way."""
        assert self.home.entry is not None
        car = self.home.entry.runtime_data.cars[PEARL]
        await until(
            lambda: car.data.value("DetailedChargeState") == "Stopped" and not car.data.assumed
        )
        await self.controller.change()

    async def until(self, status: Status) -> None:
        """Wait for a status."""
        await until(lambda: self.controller.view.status is status)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A car that charges beside its schedules is stopped soon."""
    monkeypatch.setattr(controller, "OBEYS_WITHIN", 2.0)


@pytest.fixture
async def garage(home: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Garage]:
    """A home where the car's home is, and a car that is not plugged in. A person need not wait until a command of ours has settled."""
    monkeypatch.setattr(override, "SETTLING", 0.0)
    await home.hass.config.async_set_time_zone("Europe/Amsterdam")
    home.hass.config.latitude, home.hass.config.longitude = 52.0, 4.4
    home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=50, time_zone="Europe/Amsterdam")
    found = Garage(home)
    yield found
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_without_the_option_nothing_runs(home: Home) -> None:
    """No controller, no command."""
    home.add_car(PEARL, "Pearl").plug_in()
    entry = await home.set_up()
    assert entry.runtime_data.charging.controllers == {}
    assert not home.car.commands


async def test_a_car_that_begins_at_plug_in_is_stopped_and_holds_the_plan(garage: Garage) -> None:
    """Two commands: the schedule, and the stop."""
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.UNPLUGGED)
    assert garage.commands() == []
    garage.car.plug_in()
    await garage.until(Status.AGREED)
    assert garage.commands() == ["add_charge_schedule"]
    assert garage.schedules() == [(OWN_IDS[0], True, True)]
    assert not garage.charging


async def test_a_car_that_charges_on_beside_its_schedule_is_stopped(
    garage: Garage, impatient: None
) -> None:
    """Some firmware lets a charge go on when it is given a start to come."""
    garage.car.quirks.add(OtherReading.EDIT_LEAVES_ALONE)
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await until(lambda: garage.commands() == ["add_charge_schedule", "charge_stop"])
    await until(lambda: not garage.charging)


async def test_the_plan_lives_in_the_car(garage: Garage) -> None:
    """Home Assistant is stopped: the car charges by itself, in the cheap time, to its target."""
    await garage.set_up(CHEAP_LATER)
    garage.car.plug_in()
    await garage.until(Status.AGREED)
    (block,) = (await act(garage, "get_plan"))["blocks"]
    home = garage.home
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    seconds = (datetime.fromisoformat(block["start"]) - dt_util.now()).total_seconds()
    home.tesla.clock.advance(seconds - 60)
    assert not garage.charging
    home.tesla.clock.advance(120)
    assert garage.car.snapshot().charging_state == "Charging"
    seconds = (
        datetime.fromisoformat(block["end"]) - datetime.fromisoformat(block["start"])
    ).total_seconds()
    home.tesla.clock.advance(seconds + 900)
    assert not garage.charging
    assert 80 <= garage.car.snapshot().battery_level <= 81


async def test_in_the_cheap_time_it_charges_on(garage: Garage) -> None:
    """The schedule ends it; there is nothing to stop."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_NOW)
    await garage.until(Status.AGREED)
    assert garage.commands() == ["add_charge_schedule"]
    assert garage.charging


async def test_a_plan_that_stays_costs_nothing(garage: Garage) -> None:
    """Reviews and restarts send nothing."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    sent = garage.commands()
    for _ in range(3):
        await garage.controller.change()
    await garage.home.restart()
    await until(lambda: garage.home.state("sensor", "telemetry") == "connected")
    await garage.until(Status.AGREED)
    assert garage.commands() == sent


async def test_who_starts_by_hand_is_not_stopped(garage: Garage, impatient: None) -> None:
    """The plan is taken out of the car, so that it does not end the charge."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    await garage.until_stopped()
    garage.car.in_app("charge_start")
    await garage.until(Status.OVERRIDE)
    wish = garage.controller.record.override
    assert wish is not None
    assert wish.kind is OverrideKind.CHARGE
    await until(lambda: not garage.schedules())
    assert garage.charging
    garage.car.unplug()
    await garage.until(Status.UNPLUGGED)
    assert garage.controller.record.override is None


@pytest.mark.soak
@pytest.mark.ci
async def test_resume_gives_the_car_its_plan_again(garage: Garage, impatient: None) -> None:
    """The charge that was started by hand ends."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    await garage.until_stopped()
    garage.car.in_app("charge_start")
    await garage.until(Status.OVERRIDE)
    await garage.controller.resume()
    await garage.until(Status.AGREED)
    await until(lambda: not garage.charging)
    assert garage.schedules() == [(OWN_IDS[0], True, True)]


async def test_away_nothing_is_sent(garage: Garage) -> None:
    """Also where it is plugged in to AC."""
    await garage.set_up(CHEAP_LATER)
    garage.car.drive_away(53.5, 10.0)
    await garage.until(Status.AWAY)
    assert garage.commands() == []


@pytest.mark.soak
@pytest.mark.ci
async def test_at_a_charger_elsewhere_nothing_is_sent(garage: Garage) -> None:
    """Neither at AC nor at a fast charger, also not across a restart there."""
    await garage.set_up(CHEAP_NOW)
    garage.car.drive_away(53.5, 10.0, speed_mph=100_000)
    await garage.until(Status.AWAY)
    await until(lambda: not garage.car.snapshot().driving)
    for plug_in in (garage.car.plug_in, garage.car.plug_in_fast):
        plug_in()
        await until(lambda: garage.home.state("switch", "charging") == "on")
        await garage.controller.change()
        await garage.home.restart()
        await until(lambda: garage.home.state("sensor", "telemetry") == "connected")
        await garage.until(Status.AWAY)
        garage.car.unplug()
    assert garage.commands() == []


async def test_a_car_without_schedules_is_started_and_stopped(garage: Garage) -> None:
    """By commands, at the right time; it is polled, as such cars are."""
    garage.car.install_firmware("2024.20.9")
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER, polled=True)
    await until(lambda: garage.commands() == ["charge_stop"])
    assert not garage.charging
    await garage.controller.change(minimum_level=60)
    await until(lambda: garage.commands() == ["charge_stop", "charge_start"])
    assert garage.charging


async def test_switched_off_the_car_is_given_back(garage: Garage) -> None:
    """It holds nothing of ours any more, and nothing else is sent."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    home = garage.home
    assert home.entry is not None
    options = {k: v for k, v in home.entry.options.items() if k != CONF_SMART_CHARGING}
    home.hass.config_entries.async_update_entry(home.entry, options=options)
    await home.restart()
    await until(lambda: not garage.schedules())
    assert garage.commands() == ["add_charge_schedule", "remove_charge_schedule"]


@pytest.mark.soak
@pytest.mark.ci
async def test_a_sleeping_car_is_not_woken_for_another_plan(garage: Garage) -> None:
    """It is told when it is awake."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    await garage.until_stopped()
    garage.car.sleep()
    await until(lambda: garage.home.state("sensor", "telemetry") != "connected")
    await until(lambda: garage.home.state("binary_sensor", "awake") == "off")
    sent = garage.commands()
    await garage.controller.change(ready_level=70)
    assert garage.controller.view.status is Status.HANDING_OVER
    assert garage.commands() == sent
    assert garage.home.tesla.billing.count("wake") == 0
    garage.car.wake()
    await garage.until(Status.AGREED)
    assert garage.commands() == [*sent, "add_charge_schedule"]


async def test_a_start_that_fails_is_repaired_once_and_told(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wall connector without power refuses; when the power is back, the charge is verified."""
    for name in ("FIRST_LOOK", "SECOND_LOOK"):
        monkeypatch.setattr(verification, name, 1.0)
    garage.car.plug_in(powered=False)
    await garage.set_up(CHEAP_LATER)
    told: list[verification.Verification] = []
    garage.controller.told.subscribe(told.append)
    await garage.controller.change(minimum_level=60)  # now, and not at the next quarter of an hour
    await garage.until(Status.START_FAILED)
    assert garage.commands().count("charge_start") == 1
    assert len(told) == 1
    garage.car.set_power(True)
    await until(lambda: garage.charging)
    await garage.until(Status.AGREED)


async def test_a_car_that_takes_no_schedule_is_started_and_stopped(garage: Garage) -> None:
    """A full car refuses once, not at every review, and is not left to charge in the dear time."""
    garage.car.refuse_next("max_schedules_reached")
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await until(lambda: "charge_stop" in garage.commands() and not garage.charging)
    for _ in range(3):
        await garage.controller.change()
    assert garage.commands() == ["add_charge_schedule", "charge_stop"]
    garage.car.unplug()
    await garage.until(Status.UNPLUGGED)


async def test_what_the_car_holds_under_our_ids_is_read_once(garage: Garage) -> None:
    """Without our record: a forgotten schedule of ours goes, a weekly one of the owner's stays."""
    garage.car.plug_in()
    common = {"enabled": True, "lat": 52.0, "lon": 4.4, "start_enabled": True, "end_enabled": True}
    for number, once, days in ((OWN_IDS[0], False, "All"), (OWN_IDS[2], True, "Sunday")):
        garage.car.in_app(
            "add_charge_schedule",
            **common,
            id=number,
            name="",
            one_time=once,
            days_of_week=days,
            start_time=600,
            end_time=660,
        )
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    assert min(one[0] for one in garage.schedules()) == OWN_IDS[0]
    assert len(garage.schedules()) == 2
    sent = [one.params["id"] for one in garage.car.commands if "schedule" in one.name]
    assert sent
    assert OWN_IDS[0] not in sent
    await garage.controller.change(mode=Mode.OFF)
    assert [one[0] for one in garage.schedules()] == [OWN_IDS[0]]


async def test_a_schedule_whose_answer_was_lost_is_taken_back(garage: Garage) -> None:
    """The car may hold it: it is noted before it is told."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    garage.home.tesla.faults.lose_answer_after("signed_command", times=20)
    await garage.controller.change(minimum_level=100)
    garage.home.tesla.faults.clear()
    await garage.controller.change(mode=Mode.OFF)
    await until(lambda: not garage.schedules())


# -- actions ----------------------------------------------------------------------------------------


async def act(garage: Garage, action: str, **data: Any) -> dict[str, Any]:
    """Perform an action and return what it says of the car."""
    answer = await garage.home.act(action, **data)
    found: dict[str, Any] = answer["vehicles"][0]
    return found


async def test_the_plan_can_be_read(garage: Garage) -> None:
    """With its blocks, slots, costs and reasons."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    plan = await act(garage, "get_plan")
    assert plan["status"] == "agreed"
    assert plan["reason"] == "waiting_cheaper"
    assert plan["reason_price"] == pytest.approx(0.10)
    (block,) = plan["blocks"]
    assert datetime.fromisoformat(block["start"]) > dt_util.now() + CHEAP_LATER
    # 30 % of 60 kWh, with what charging loses
    assert plan["energy"] == pytest.approx(30 * 0.6 / 0.92, rel=0.05)
    assert plan["cost"] == pytest.approx(plan["energy"] * 0.10, rel=0.01)
    assert plan["cost_at_plug_in"] == pytest.approx(plan["energy"] * 0.40, rel=0.01)
    assert plan["missed"] == []
    assert {round(slot["price"], 6) for slot in plan["slots"]} == {0.10, 0.40}


@pytest.mark.soak
@pytest.mark.ci
async def test_charge_now_ends_at_its_level_and_the_plan_goes_on(
    garage: Garage, impatient: None
) -> None:
    """The plan is out of the car meanwhile."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    await act(garage, "charge_now", until_level=55)
    await garage.until(Status.CHARGE_NOW)
    await until(lambda: garage.charging and not garage.schedules())
    garage.car.set_battery_level(56)
    await garage.until(Status.AGREED)
    await until(lambda: not garage.charging)
    assert garage.schedules() == [(OWN_IDS[0], True, True)]


async def test_who_stops_a_charge_that_was_on_is_not_fought(garage: Garage) -> None:
    """The car was charging already when it was to charge now."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_NOW)
    await garage.until(Status.AGREED)
    await act(garage, "charge_now")
    await garage.until(Status.CHARGE_NOW)
    await until(lambda: not garage.schedules())
    garage.car.in_app("charge_stop")
    await garage.until(Status.OVERRIDE)
    assert "charge_start" not in garage.commands()
    assert not garage.charging


async def test_a_car_at_its_limit_is_not_started(garage: Garage) -> None:
    """It would refuse, and be billed."""
    garage.car.set_battery_level(80)
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await until(lambda: garage.home.state("sensor", "charging_state") == "complete")
    await act(garage, "charge_now")
    await until(lambda: garage.controller.record.charge_now is None)
    assert "charge_start" not in garage.commands()


async def test_a_car_that_cannot_charge_now_is_started_once(garage: Garage) -> None:
    """A wish that the car refuses ends; each try might wake it."""
    garage.car.plug_in(powered=False)
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    await act(garage, "charge_now")
    await until(lambda: garage.controller.record.charge_now is None)
    for _ in range(3):
        await garage.controller.change(ready_level=garage.controller.record.ready_level)
    assert garage.commands().count("charge_start") == 1


async def test_pause_charges_nothing_until_resume(garage: Garage) -> None:
    """Also in the cheap time; the car holds a blocker."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_NOW)
    await garage.until(Status.AGREED)
    assert garage.charging
    await act(garage, "pause")
    await garage.until(Status.PAUSED)
    await until(lambda: not garage.charging)
    assert [one[1:] for one in garage.schedules()] == [(False, True)]
    await act(garage, "resume")
    await garage.until(Status.AGREED)
    assert [one[1:] for one in garage.schedules()] == [(True, True)]
    await until(lambda: garage.charging)
    assert "charge_start" not in garage.commands(), "the schedule starts it"


async def test_a_skipped_departure_is_no_deadline(garage: Garage) -> None:
    """The next one counts."""
    garage.car.plug_in()
    await garage.set_up(CHEAP_LATER)
    await garage.until(Status.AGREED)
    before = (await act(garage, "get_plan"))["departures"]
    after = (await act(garage, "skip"))["departures"]
    assert after == before[1:]


async def test_departures_are_set_by_weekday_and_once(garage: Garage) -> None:
    """The one-off departure replaces those of its day."""
    await garage.set_up(CHEAP_LATER)
    day = (dt_util.now() + timedelta(days=1)).date()
    name = WEEKDAYS[day.weekday()]
    plan = await act(
        garage,
        "set_departures",
        ready_by=None,
        weekly={name: {"time": "06:30", "level": 90}},
    )
    assert [(one["at"][11:16], one["level"], one["source"]) for one in plan["departures"]] == [
        ("06:30", 90, "weekly")
    ]
    once = await act(garage, "set_departures", departure=f"{day} 05:00:00", departure_level=70)
    assert [(one["at"][11:16], one["level"]) for one in once["departures"]] == [("05:00", 70)]


@pytest.mark.parametrize(
    ("action", "data", "words"),
    [
        ("charge_now", {"until_level": 80, "energy": 5}, "one end"),
        ("charge_now", {"until_time": "2020-01-01 00:00:00"}, "passed"),
        ("charge_now", {}, "not plugged in"),
        ("set_departures", {"departure": "2020-01-01 00:00:00"}, "passed"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    garage: Garage, action: str, data: dict[str, Any], words: str
) -> None:
    """Nothing is changed."""
    await garage.set_up(CHEAP_LATER)
    record = garage.controller.record
    with pytest.raises(HomeAssistantError, match=words):
        await garage.home.act(action, **data)
    assert garage.controller.record == record


async def test_without_smart_charging_the_actions_say_so(home: Home) -> None:
    """And where to set it up."""
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    with pytest.raises(HomeAssistantError, match="not set up"):
        await home.act("get_plan")
