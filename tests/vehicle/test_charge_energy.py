"""The energy a car ever charged: counted from a counter that forgets, whatever is missed of it."""

from dataclasses import dataclass, replace
import itertools
import random
from typing import Any

import pytest

from custom_components.tesla_charging.vehicle.battery_gain import Mark, charged_capacity
from custom_components.tesla_charging.vehicle.charge_energy import NOTHING_CHARGED, ChargeEnergy
from custom_components.tesla_charging.vehicle.energy_step import NOISE_KWH, EnergySample

START = 1_800_000_000.0
HOUR = 3600.0


@dataclass
class Life:
    """A car whose charging is known for certain, and looked at when somebody likes to."""

    rng: random.Random
    now: float = START
    plugged: bool = False
    charging: bool = False
    at_home: bool = True
    counter: float = 0.0
    odometer: float = 1000.0
    state_at: float = START
    home: float = 0.0
    away: float = 0.0

    def look(self, *, wavers: bool = False) -> EnergySample:
        shown = self.counter - (self.rng.choice((0.0, 0.02, 0.2)) if wavers else 0.0)
        return EnergySample(
            max(0.0, round(shown, 2)),
            self.now,
            plugged_in=self.plugged,
            state_at=self.state_at,
            charging=self.charging,
            odometer=self.odometer,
            at_home=self.at_home,
        )

    def plug_in(self) -> None:
        self.plugged, self.charging, self.counter, self.state_at = True, True, 0.0, self.now

    def charge(self, hours: float) -> None:
        kwh = hours * (11.0 if self.at_home else 120.0)
        self.now += hours * HOUR
        self.counter += kwh
        if self.at_home:
            self.home += kwh
        else:
            self.away += kwh

    def stop(self) -> None:
        self.charging, self.state_at = False, self.now

    def unplug(self) -> None:
        self.plugged, self.charging, self.state_at = False, False, self.now

    def drive(self, miles: float) -> None:
        self.now += miles / 40 * HOUR
        self.odometer += miles
        self.at_home = not self.at_home


def seen(energy: ChargeEnergy, *looks: EnergySample) -> ChargeEnergy:
    for look in looks:
        energy = energy.with_sample(look)
    return energy


def day(life: Life) -> list[EnergySample]:
    """Let a car live through a day or so; return a look at every moment of it."""
    looks = []
    for _ in range(life.rng.randint(1, 3)):
        life.plug_in()
        looks.append(life.look())
        for _ in range(life.rng.randint(1, 6)):
            life.charge(life.rng.uniform(0.05, 0.5) if life.at_home else 0.1)
            looks.append(life.look())
        if life.rng.random() < 0.5:
            life.stop()
            looks.append(life.look())
            life.now += life.rng.uniform(0.1, 8) * HOUR
            looks.append(life.look())
        life.unplug()
        looks.append(life.look())
        life.now += life.rng.uniform(0.01, 1) * HOUR
        life.drive(life.rng.uniform(5, 60))
        looks.append(life.look())
    return looks


@pytest.mark.parametrize("seed", range(40))
def test_who_sees_everything_counts_everything_where_it_was_charged(seed: int) -> None:
    life = Life(random.Random(seed))
    energy = seen(NOTHING_CHARGED.with_sample(life.look()), *day(life), *day(life))
    assert energy.home == pytest.approx(life.home, abs=0.2)
    assert energy.away == pytest.approx(life.away, abs=0.2)
    assert energy.unplaced == 0


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_missed_totals_never_go_back_and_never_exceed_the_truth(seed: int) -> None:
    rng = random.Random(seed)
    life = Life(rng)
    energy = NOTHING_CHARGED.with_sample(life.look())
    share = rng.choice((0.05, 0.3, 0.8))
    for _ in range(10):
        for look in day(life):
            if rng.random() > share:
                continue  # Home Assistant was off, or nobody asked
            wavering = rng.choice((look, look, _wavering(look, rng)))
            before, energy = energy, energy.with_sample(wavering)
            for name in ("home", "away", "unplaced"):
                assert getattr(energy, name) >= getattr(before, name)
            if rng.random() < 0.1:
                energy = ChargeEnergy.from_stored(energy.as_list(), energy.basis())
    assert energy.total <= life.home + life.away + 0.5
    # a value that is missed at the end of a session may be missed for good, but not most of it
    if share == 0.8:
        assert energy.total >= 0.8 * (life.home + life.away)


def _wavering(look: EnergySample, rng: random.Random) -> EnergySample:
    assert look.added is not None
    step = min(look.added, rng.uniform(0, NOISE_KWH / 2))
    return EnergySample(
        look.added - step,
        look.at,
        plugged_in=look.plugged_in,
        state_at=look.state_at,
        charging=look.charging,
        odometer=look.odometer,
        at_home=look.at_home,
    )


@pytest.mark.parametrize("seed", range(50))
def test_nonsense_never_moves_a_total_back(seed: int) -> None:
    rng = random.Random(seed)
    energy = NOTHING_CHARGED
    for _ in range(300):
        look = EnergySample(
            rng.choice((0.0, -3.0, 5_000.0, rng.uniform(0, 80))),
            rng.choice((0.0, START, START + rng.uniform(-1e5, 1e5))),
            plugged_in=rng.choice((None, True, False)),
            state_at=rng.choice((0.0, START + rng.uniform(-1e5, 1e5))),
            charging=rng.random() < 0.5,
            odometer=rng.choice((None, 0.0, rng.uniform(0, 1e5))),
            at_home=rng.choice((None, True, False)),
        )
        before, energy = energy, energy.with_sample(look)
        assert all(
            later >= earlier
            for earlier, later in zip(
                (before.home, before.away, before.unplaced),
                (energy.home, energy.away, energy.unplaced),
                strict=True,
            )
        )


# -- one by one --------------------------------------------------------------------------------------------


def at(minutes: float, added: float, **more: object) -> EnergySample:
    """Look at a car that charges at home, so many minutes after the start."""
    values = {"plugged_in": True, "charging": True, "odometer": 1000.0, "at_home": True, **more}
    return EnergySample(added, START + minutes * 60, state_at=START - 60, **values)  # type: ignore[arg-type]


def gone(minutes: float, added: float, state: float, **more: object) -> EnergySample:
    """Look at a car without a cable since `state` minutes after the start."""
    values = {"odometer": 1000.0, "at_home": False, **more}
    return EnergySample(
        added,
        START + minutes * 60,
        plugged_in=False,
        state_at=START + state * 60,
        **values,  # type: ignore[arg-type]
    )


def test_what_was_charged_before_the_first_look_is_not_counted() -> None:
    assert seen(NOTHING_CHARGED, at(0, 12.0), at(5, 12.9)).total == pytest.approx(0.9)


def test_a_small_step_back_is_not_counted_twice() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(30, 5.0), at(31, 4.8), at(32, 5.0), at(33, 5.1))
    assert energy.home == pytest.approx(5.1)
    assert energy.session == 5.1


def test_a_counter_that_is_gone_for_a_moment_is_not_charged_again() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(120, 20.0), at(121, 0.0), at(122, 20.1))
    assert energy.total == pytest.approx(20.1)


def test_a_session_away_that_nobody_saw_is_counted_by_the_miles_that_lie_between() -> None:
    home = (at(0, 0.0), at(60, 10.0), at(61, 10.0, charging=False))
    energy = seen(NOTHING_CHARGED, *home, gone(600, 45.0, 590, odometer=1150.0, at_home=True))
    assert (energy.home, energy.away, energy.unplaced) == (10.0, 0.0, 45.0)
    still_there = at(600, 45.0, odometer=1150.0, at_home=False)
    energy = seen(NOTHING_CHARGED, *home, still_there)
    assert (energy.home, energy.away, energy.unplaced) == (10.0, 45.0, 0.0)


def test_a_value_that_comes_after_the_cable_was_pulled_belongs_to_the_session_that_ended() -> None:
    energy = seen(
        NOTHING_CHARGED,
        at(0, 0.0),
        at(60, 10.0),
        gone(60, 10.0, 60.5),
        gone(61, 10.2, 60.5, odometer=1000.4),
        # the last tenths are told when the car connects again
        gone(600, 10.25, 60.5, odometer=1040.0),
    )
    assert energy.home == pytest.approx(10.25)
    assert energy.total == energy.home


def test_a_car_that_was_charging_when_last_seen_is_not_believed_to_have_charged_twice() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(30, 5.0), gone(60, 6.8, 40, odometer=1003.0))
    assert energy.total == pytest.approx(6.8)


def test_a_false_word_about_the_cable_is_no_new_session() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(120, 20.0), gone(125, 20.9, 125, at_home=True))
    after = EnergySample(
        21.8,
        START + 130 * 60,
        plugged_in=True,
        state_at=START + 130 * 60,
        charging=True,
        at_home=True,
    )
    assert energy.with_sample(after).total == pytest.approx(21.8)


def test_after_a_false_word_about_the_cable_a_long_gap_is_still_the_same_session() -> None:
    def plugged(minutes: float, added: float) -> EnergySample:
        return EnergySample(
            added, START + minutes * 60, plugged_in=True, state_at=START + 7800, at_home=True
        )

    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(120, 20.0), gone(125, 20.0, 125, at_home=True))
    energy = seen(energy, plugged(131, 20.1), plugged(731, 45.0))
    assert energy.total == pytest.approx(45.0)


def test_the_last_of_a_fast_charge_that_comes_late_belongs_to_it() -> None:
    energy = seen(
        NOTHING_CHARGED,
        at(0, 0.0, at_home=False),
        at(20, 30.0, at_home=False),
        gone(20, 30.0, 20.3),
        gone(21, 32.0, 20.3, odometer=1000.5),
    )
    assert energy.away == pytest.approx(32.0)
    assert energy.total == energy.away


def test_what_was_measured_before_the_cable_went_in_elsewhere_counts_where_it_was() -> None:
    elsewhere = EnergySample(
        10.2, START + 61 * 60, plugged_in=True, state_at=START + 100 * 60, at_home=False
    )
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(60, 10.0), gone(60, 10.0, 60.5), elsewhere)
    assert (energy.home, energy.away) == pytest.approx((10.2, 0.0))


def test_a_car_plugged_in_again_at_the_same_place_begins_anew() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 0.0), at(30, 5.0), gone(40, 5.0, 40, at_home=True))
    later = EnergySample(
        9.0,
        START + 400 * 60,
        plugged_in=True,
        state_at=START + 100 * 60,
        odometer=1000.0,
        at_home=True,
    )
    assert energy.with_sample(later).home == pytest.approx(14.0)


def pushed(
    minutes: float, added: float, level: float, level_minutes: float, **more: object
) -> EnergySample:
    """Look at a car whose level is of another moment than its counter."""
    return at(minutes, added, level=level, level_at=START + level_minutes * 60, **more)


def test_the_level_of_a_car_that_stands_is_as_new_as_its_counter() -> None:
    """It is not pushed again. Without it the car was believed to have driven away and charged 16 kWh elsewhere."""
    energy = seen(
        NOTHING_CHARGED,
        pushed(0, 0.0, 40.0, 0),
        pushed(60, 9.6, 56.0, 60),
        pushed(71, 9.7, 56.0, 60, charging=False),
    )
    back = pushed(600, 16.0, 66.0, 600, charging=False, odometer=1002.0)
    assert energy.with_sample(back).total == pytest.approx(16.0)


def test_a_capacity_is_learned_only_from_counter_and_level_of_one_moment() -> None:
    begin = Mark(0.0, START, 40.0, START, charging=True)

    def later(added: float, level: float, seconds_ago: float) -> Mark:
        return Mark(added, START + 3600, level, START + 3600 - seconds_ago, charging=True)

    assert charged_capacity(begin, later(15.0, 60.5, 0)) == pytest.approx(0.75, rel=0.03)
    assert charged_capacity(begin, later(15.0, 58.5, 60)) is None
    # levels without decimals tell it later
    assert charged_capacity(begin, later(12.0, 56.0, 0)) is None
    assert charged_capacity(begin, later(30.0, 80.0, 0)) == pytest.approx(0.75, rel=0.03)
    # in ten hours the car itself has used a part
    slowly = replace(later(15.0, 60.5, 0), at=START + 36_000, level_at=START + 36_000)
    assert charged_capacity(begin, slowly) is None


def test_a_counter_is_looked_at_again_once_the_car_tells_that_it_was_driven() -> None:
    """A car that connects tells everything, but not in one message."""
    energy = seen(NOTHING_CHARGED, pushed(0, 8.0, 80.0, 0), pushed(60, 16.0, 90.0, 60))
    back = pushed(1260, 15.4, 89.2, 1260)
    assert energy.with_sample(back).total == pytest.approx(8.0)
    driven = pushed(1260, 15.4, 89.2, 1260, odometer=1070.0)
    energy = seen(energy, back, driven)
    assert energy.total == pytest.approx(8.0 + 15.4)
    assert seen(energy, driven, back).total == energy.total


def test_what_was_lost_before_an_unheard_unplug_is_no_new_session() -> None:
    """The car was out of reach while its counter sank; when it connects, it says first that it is unplugged."""
    parked = pushed(0, 4.76, 74.1, 20, charging=False)
    sinks = pushed(27, 4.65, 74.1, 20, charging=False)
    word = gone(27, 4.65, 480, level=74.1, level_at=START + 20 * 60)
    back = gone(480, 3.48, 480, odometer=1060.0, level=46.1, level_at=START + 480 * 60)
    energy = seen(NOTHING_CHARGED, parked, sinks, word, back)
    assert energy.total == 0


def test_the_end_of_a_drive_that_the_odometer_tells_late_is_no_new_session() -> None:
    """It is pushed in steps of half a mile, and a push may be lost; a car that connects tells all again."""

    def told(minutes: float, added: float, miles: float) -> EnergySample:
        moment = START + minutes * 60
        later = pushed(minutes, added, 87.9, minutes, charging=False, odometer=miles)
        return replace(later, state_at=moment, odometer_at=moment)

    begin = pushed(0, 0.0, 10.0, 0)
    for miles in (1000.2, 1009.0):
        energy = seen(NOTHING_CHARGED, begin, told(240, 44.14, 1000.0), told(850, 44.15, miles))
        assert energy.total == pytest.approx(44.15)


def test_a_level_of_the_counter_s_own_moment_replaces_an_older_one() -> None:
    """Connected anew at a fast charger, the car told its counter first."""
    fast: dict[str, Any] = {"at_home": False}
    energy = seen(
        NOTHING_CHARGED,
        pushed(0, 0.6, 44.0, 0, remaining=31.3, **fast),
        pushed(2.3, 4.9, 44.0, 0, **fast),
        pushed(2.3, 4.9, 50.7, 2.3, **fast),
        pushed(3.3, 6.7, 53.2, 3.3, **fast),
    )
    assert energy.total == pytest.approx(6.1)


def test_an_odometer_that_changes_its_unit_is_no_drive() -> None:
    stays: dict[str, Any] = {"charging": False}
    energy = seen(NOTHING_CHARGED, pushed(0, 0.0, 70.0, 0), pushed(120, 16.7, 99.0, 120, **stays))
    moment = START + 3600 * 60
    other = pushed(3600, 16.7, 99.0, 3600, odometer=1609.34, **stays)
    other = replace(other, state_at=moment, odometer_at=moment)
    assert energy.with_sample(other).total == pytest.approx(16.7)


@pytest.mark.parametrize("wrong", [0.0, 115.0, 999.0])
def test_an_energy_that_contradicts_the_level_counts_nothing(wrong: float) -> None:
    energy = seen(
        NOTHING_CHARGED,
        pushed(0, 0.0, 50.0, 0, remaining=30.0),
        pushed(1, 0.2, 50.3, 1, remaining=wrong),
        pushed(6, 0.2, 51.9, 6, remaining=31.1),
        pushed(7, 1.4, 52.2, 7, remaining=31.4),
    )
    assert 0.5 < energy.total < 1.5


@pytest.mark.parametrize(
    "told", [(100.0, 0.0, 100.4), (900.0, 1100.0, 900.4), (900.0, 960.0, 960.2)]
)
def test_a_lifetime_counter_that_leaps_counts_nothing(told: tuple[float, float, float]) -> None:
    looks = [
        pushed(minute, minute / 5, 50 + minute / 3, minute, lifetime=value)
        for minute, value in enumerate(told)
    ]
    looks = [replace(look, lifetime_at=look.at) for look in looks]
    assert seen(NOTHING_CHARGED, *looks).total == pytest.approx(0.4, abs=0.05)


def test_no_session_counts_more_than_the_lifetime_counter_shows() -> None:
    """The last push of the odometer was lost; two days later the counter of the same session looks like another's."""

    def told(minutes: float, added: float, level: float, life: float, **more: Any) -> EnergySample:
        look = pushed(minutes, added, level, minutes, lifetime=life, remaining=level, **more)
        return replace(look, lifetime_at=look.at, state_at=look.at, odometer_at=look.at)

    energy = seen(
        NOTHING_CHARGED,
        told(0, 0.0, 60.0, 900.0),
        told(90, 15.0, 75.0, 915.0, charging=False),
        told(2940, 14.0, 73.8, 916.7, odometer=1004.5),
        told(2943, 14.5, 74.3, 917.2, odometer=1004.5),
        told(2958, 17.0, 76.8, 919.7, odometer=1004.5),
    )
    assert energy.total == pytest.approx(19.7, abs=0.5)


@pytest.mark.parametrize("plugged_in", [False, True])
def test_a_drive_after_the_counter_was_told_does_not_explain_it(plugged_in: bool) -> None:
    """A counter that had read 0 for a whole session was told once, as the car drove off."""
    waits = pushed(0, 0.0, 40.0, 0, remaining=23.0, charging=False)
    begins = pushed(10, 0.0, 40.0, 10, remaining=23.0)
    climbs = pushed(10, 0.0, 99.5, 200, remaining=57.2)
    full = pushed(10, 0.0, 100.0, 210, remaining=57.5, charging=False)
    energy = seen(NOTHING_CHARGED, waits, begins, climbs, full)
    shown = energy.total

    def drives(minutes: int) -> EnergySample:
        driven, moment = (minutes - 700) * 0.75, START + minutes * 60
        level = 98.9 - driven * 0.42
        look = gone(700, 33.8, 700, odometer=1001.5 + driven, remaining=level * 0.575)
        return replace(look, level=level, level_at=moment, odometer_at=moment)

    energy = seen(energy, *(drives(minutes) for minutes in range(700, 880, 4)))
    if plugged_in:  # the state comes before the counter of the new session
        again = replace(drives(880), plugged_in=True, charging=True, state_at=START + 881 * 60)
        energy = energy.with_sample(again)
    assert 30 < shown <= energy.total <= 35


@pytest.mark.parametrize("wrong", [199.0, 4_999.0])
def test_no_charger_gives_what_the_wall_counter_says_once(wrong: float) -> None:
    told = (0.0, 0.22, wrong, 0.66)
    looks = [
        replace(at(minute, minute / 5), wall=value, wall_at=START + minute * 60)
        for minute, value in enumerate(told)
    ]
    wall = seen(NOTHING_CHARGED, *looks).shown[-1]
    assert wall == pytest.approx(0.66)


def test_a_wrong_counter_of_an_unplugged_car_begins_nothing() -> None:
    energy = seen(NOTHING_CHARGED, pushed(0, 0.0, 40.0, 0), pushed(180, 33.7, 96.0, 180))
    energy = seen(
        energy,
        gone(181, 33.7, 181, level=96.0, level_at=START + 181 * 60),
        *(
            gone(182 + m, 199.0, 181, level=96 - m / 4, level_at=START + (182 + m) * 60)
            for m in range(0, 60, 5)
        ),
        gone(250, 33.7, 181, odometer=1040.0, level=80.0, level_at=START + 250 * 60),
    )
    assert energy.total == pytest.approx(33.7)


def test_more_than_any_car_takes_is_not_counted() -> None:
    energy = seen(NOTHING_CHARGED, at(0, 1.0), at(1, 4_000.0), at(2, 4_000.1), at(3, 1.1))
    assert energy.total == pytest.approx(0.1)


def test_energy_counts_where_the_car_is_plugged_in() -> None:
    at_work: dict[str, Any] = {"at_home": False, "odometer": 1020.0}
    energy = seen(
        NOTHING_CHARGED,
        at(0, 0.0),
        at(60, 8.0),
        gone(70, 8.0, 70),
        EnergySample(
            0.0, START + 6600, plugged_in=True, state_at=START + 6000, charging=True, **at_work
        ),
        EnergySample(
            3.0, START + 9000, plugged_in=True, state_at=START + 6000, charging=True, **at_work
        ),
    )
    assert (energy.home, energy.away) == (8.0, 3.0)


def test_a_damaged_memory_begins_anew() -> None:
    good = seen(NOTHING_CHARGED, at(0, 0.0), at(60, 8.0, level=40.0, lifetime=900.0))
    assert ChargeEnergy.from_stored(good.as_list(), good.basis()) == good
    without = ChargeEnergy.from_stored(good.as_list())
    assert without.shown == good.shown
    basis = good.basis()
    assert basis is not None
    for key in basis:
        damaged = ChargeEnergy.from_stored(good.as_list(), {**basis, key: "x"})
        assert damaged == without or key in {"lifetime", "wall"}
        assert damaged.shown == good.shown
    stored = good.as_list()
    for broken in itertools.chain(
        ([*stored[:place], "x", *stored[place + 1 :]] for place in range(len(stored))),
        (None, 7, [], stored[:-1], [-1.0, *stored[1:]]),
    ):
        assert ChargeEnergy.from_stored(broken) == NOTHING_CHARGED
