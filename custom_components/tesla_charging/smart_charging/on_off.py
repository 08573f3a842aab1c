"""M1, exact: on at full power or off, at any moment, searched forward inside a thin band above the bound.

Partial plans are points and segments (docs/planner.md, How the plan is found).
"""

from dataclasses import dataclass
from typing import Final

from .bound import INFINITE, Bound, Priced
from .evaluate import OFF, Use
from .modes import NONE
from .on_off_labels import NOTHING, OPEN, Labels, Point, Segment, Step, at, closed
from .search import OutOfWork, Search
from .slots import KWH

LABEL: Final = 16
"""A point or segment is as much work as so many costs in the lists of M2."""


@dataclass(frozen=True, slots=True)
class Done:
    """A complete plan: its steps, and the share of the open one if there is one."""

    trace: Step | None
    share: float


class OnOffSearch(Search):
    """Searches the plans of a grid at full power."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        grid = bound.grid
        self.continuous = grid.problem.wishes.grid_minutes is None
        self.gains = [slot.gains[0] if slot.levels else 0.0 for slot in grid.slots]
        self.most = max(bound.low, grid.limit) if bound.value else bound.low
        self.needed = [0.0] * (len(grid.slots) + 1)
        for place, energy in grid.targets:
            rest = energy
            for border in range(place, -1, -1):
                self.needed[border] = max(self.needed[border], rest - KWH)
                if border:
                    rest -= self.gains[border - 1]

    def run(self, priced: Priced, limit: float) -> None:
        """Search once for plans below a limit."""
        grid, modes = self.bound.grid, self.bound.modes
        self.begin(priced, limit)
        running = bool(grid.problem.state.amps)
        first = Labels()
        first.add(Point(0.0, 0.0, None))
        off: dict[int, Labels] = {} if running else {0: first}
        on: dict[int, Labels] = {0: first} if running else {}
        if not running and self.bound.low <= KWH and grid.last_forced == 0:
            self.offer(self._owed(0, 0.0), Done(None, 0.0))
        for place in range(len(grid.slots)):
            next_off: dict[int, Labels] = {}
            next_on: dict[int, Labels] = {}
            for mode, labels in off.items():
                wait, start = modes.wait[place][mode], modes.start[place][mode]
                if wait != NONE:
                    self._keep(next_off, wait, labels, 0.0)
                if start != NONE:
                    fee = modes.start_cost[place][mode]
                    self._charge(place, start, next_on, next_off, labels, fee, late=True)
            for mode, labels in on.items():
                self._from_on(place, mode, labels, next_off, next_on)
            border = place + 1
            for found, is_on in ((next_off, False), (next_on, True)):
                for mode in list(found):
                    kept = self._prune(border, found[mode], mode, self._top(place), is_on=is_on)
                    if kept.points or kept.segments:
                        found[mode] = kept
                        if not is_on:
                            self._finish(border, kept, INFINITE)
                    else:
                        del found[mode]
            off, on = next_off, next_on
            if self.labels > self.work_limit:
                raise OutOfWork
            if not off and not on:
                break

    def _from_on(
        self,
        place: int,
        mode: int,
        labels: Labels,
        next_off: dict[int, Labels],
        next_on: dict[int, Labels],
    ) -> None:
        """Go on, stop, or do both in a slot."""
        modes, rules = self.bound.modes, self.bound.rules
        stay, stop = modes.stay[place][mode], modes.stop[place][mode]
        if stop != NONE:
            self._stop(place, mode, next_off, stop, labels)
        if stay != NONE:
            early, fee = modes.end_early[place][mode], self._change(place)
            self._charge(place, stay, next_on, next_off, labels, fee, late=False, stop=early)
        again = modes.restart[place][mode]
        saves_block = place == 0 and self.bound.grid.problem.wishes.max_blocks is not None
        if self.continuous and again != NONE and (saves_block or self._change(place)):
            # a break at the begin of the slot saves the change of current; one at now is no end of a counted run
            fee = rules.stop + rules.start + rules.wake_up
            self._charge(place, again, next_on, next_off, labels, fee, late=True)

    def _top(self, place: int) -> int:
        levels = self.bound.columns[place]
        return levels[0] if levels else 0

    def _change(self, place: int) -> float:
        """Return what it costs that a slot has another current than the one before."""
        slots, state = self.bound.grid.slots, self.bound.grid.problem.state
        before = slots[place - 1].levels[0] if place and slots[place - 1].levels else state.amps
        return 0.0 if before == slots[place].levels[0] else self.bound.rules.change

    @staticmethod
    def _keep(into: dict[int, Labels], mode: int, labels: Labels, fee: float) -> None:
        """Keep labels as they are, for a fee."""
        if mode not in into and not fee:
            into[mode] = labels.copy()
            return
        kept = into.setdefault(mode, Labels())
        for point in labels.points.values():
            kept.add(point._replace(cost=point.cost + fee))
        for several in labels.segments.values():
            for segment in several:
                kept.add_segment(
                    segment._replace(
                        left_cost=segment.left_cost + fee, right_cost=segment.right_cost + fee
                    )
                )

    def _stop(
        self, place: int, mode: int, into: dict[int, Labels], stop: int, labels: Labels
    ) -> None:
        """Stop at the begin of a slot, where it is allowed."""
        if not self.bound.modes.stop_free[place][mode]:
            cap = self.bound.grid.caps[place] - KWH
            full = Labels()
            full.points = {k: p for k, p in labels.points.items() if p.energy >= cap}
            labels = full
        if labels.points or labels.segments:
            self._keep(into, stop, labels, self.bound.rules.stop)

    def _charge(
        self,
        place: int,
        mode: int,
        next_on: dict[int, Labels],
        next_off: dict[int, Labels],
        labels: Labels,
        fee: float,
        *,
        late: bool,
        stop: int = NONE,
    ) -> None:
        """Use a slot: as a whole, or in part at the begin (and then off) or at the end (after off)."""
        self.labels += LABEL * (len(labels.points) + len(labels.segments))
        on, off, ends = Labels(), Labels(), Labels()
        forced = self.bound.grid.slots[place].forced and self.continuous
        cap = INFINITE if forced else self.bound.grid.caps[place]
        for point in labels.points.values():
            if point.energy >= cap - KWH:
                continue
            entered = point._replace(cost=point.cost + fee)
            whole = point.energy + self.gains[place] <= cap + KWH
            if whole:
                on.add(self._used(place, entered, 1.0))
            if not self.continuous:
                self._cut(place, entered, on, whole=whole)
            elif not forced and late:
                self._in_part(place, entered, on, 0.0, late=True)
            elif not forced:
                ends.add_segment(self._segment(place, entered, late=False))
                if stop != NONE:
                    self._in_part(place, entered, off, self.bound.rules.stop, late=False)
        for several in labels.segments.values():
            for segment in several:
                self._shift(place, segment, fee, on)
        if place + 1 >= self.bound.grid.last_forced:
            free = self.bound.modes.end_free[place + 1][mode]
            self._finish(place + 1, on, -INFINITE if free else self.most)
            self._finish(place + 1, ends, -INFINITE)
        if on.points or on.segments:
            self._keep(next_on, mode, on, 0.0)
        if off.points or off.segments:
            self._keep(next_off, stop, off, 0.0)

    def _used(self, place: int, point: Point, share: float) -> Point:
        """Return a point after a share of a slot."""
        return Point(
            point.cost + share * self.priced.reduced[place][0],
            point.energy + share * self.gains[place],
            Step(point.trace, place, share, False),
        )

    def _cut(self, place: int, point: Point, on: Labels, *, whole: bool) -> None:
        """On a grid of minutes: a slot is used in part only where its draw is cut, at its cap or at the target."""
        bound, gain = self.bound, self.gains[place]
        if not whole:
            on.add(self._used(place, point, (bound.grid.caps[place] - point.energy) / gain))
        may_cut = bound.value > 0 and place >= bound.grid.last_forced
        if may_cut and point.energy < bound.low - KWH < point.energy + gain:
            cut = self._used(place, point, (bound.low - point.energy) / gain)
            self._finish_at(place + 1, cut.cost, bound.low, Done(cut.trace, 0.0))

    def _segment(self, place: int, point: Point, *, late: bool) -> Segment:
        """Return all shares of a slot, up to its cap."""
        gain = self.gains[place]
        share = min(1.0, (self.bound.grid.caps[place] - point.energy) / gain)
        return Segment(
            point.cost,
            point.cost + share * self.priced.reduced[place][0],
            point.energy,
            point.energy + share * gain,
            0.0,
            share,
            Step(point.trace, place, OPEN, late),
        )

    def _in_part(self, place: int, point: Point, into: Labels, fee: float, *, late: bool) -> None:
        """Add all shares of a slot; where the cap cuts them, the plan that is exactly there is a point."""
        part = self._segment(place, point._replace(cost=point.cost + fee), late=late)
        into.add_segment(part)
        if part.right_share < 1.0:
            trace = closed(part.trace, part.right_share)
            into.add(Point(part.right_cost, part.right, trace))

    def _shift(self, place: int, segment: Segment, fee: float, on: Labels) -> None:
        """Add a segment after a whole slot, up to its cap."""
        gain, cap = self.gains[place], self.bound.grid.caps[place]
        paid = fee + self.priced.reduced[place][0]
        shifted = Segment(
            segment.left_cost + paid,
            segment.right_cost + paid,
            segment.left + gain,
            segment.right + gain,
            segment.left_share,
            segment.right_share,
            Step(segment.trace, place, 1.0, False),
        )
        if shifted.left > cap + KWH:
            return
        if shifted.right > cap + KWH:
            value, share = at(shifted, cap)
            on.add(Point(value, cap, closed(shifted.trace, share)))
            shifted = shifted._replace(right=cap, right_cost=value, right_share=share)
        on.add_segment(shifted)

    def _limits(
        self, border: int, mode: int, level: int, *, is_on: bool
    ) -> list[tuple[float, float]]:
        """Return what the priced cost, plus a slope times the energy, may be at most; for all prices of energy."""
        limits = []
        for priced, slope, shift in (
            (self.priced, 0.0, 0.0),
            *((other.priced, other.slopes[border], other.shifts[border]) for other in self.others),
        ):
            rest = priced.on[border][mode][level] if is_on else priced.off[border][mode]
            limits.append((slope, self.limit + shift - rest))
        return limits

    def _prune(self, border: int, labels: Labels, mode: int, level: int, *, is_on: bool) -> Labels:
        """Return the labels that may become the best plan; at a target, count what is above it."""
        least = self.needed[border]
        limits = self._limits(border, mode, level, is_on=is_on)
        goal = price = 0.0
        for (place, energy), mu in zip(self.bound.grid.targets, self.priced.mu, strict=True):
            if place == border:
                goal, price = energy, mu
        kept = Labels()
        for key, point in labels.points.items():
            if point.energy < least:
                continue
            cost = point.cost + price * (point.energy - goal)
            if all(cost + slope * point.energy <= most for slope, most in limits):
                kept.points[key] = point._replace(cost=cost) if price else point
        for several in labels.segments.values():
            for segment in several:
                if segment.right < least:
                    continue
                here = segment
                if goal and here.left < goal:
                    value, share = at(here, goal)
                    if share > 0.0 and all(value + slope * goal <= most for slope, most in limits):
                        kept.add(Point(value, goal, closed(here.trace, share)))
                    here = here._replace(left=goal, left_cost=value, left_share=share)
                if price:
                    here = here._replace(
                        left_cost=here.left_cost + price * (here.left - goal),
                        right_cost=here.right_cost + price * (here.right - goal),
                    )
                if here.right > here.left + KWH and all(
                    min(here.left_cost + slope * here.left, here.right_cost + slope * here.right)
                    <= most
                    for slope, most in limits
                ):
                    kept.add_segment(here)
        if self.beam is not None:
            kept.narrow(self.beam)
        return kept

    # ---- complete plans

    def _owed(self, border: int, energy: float) -> float:
        """Return what a plan that ends with an energy still owes to the bound."""
        priced, bound = self.priced, self.bound
        owed = priced.nu * energy - bound.value * max(0.0, energy - bound.low)
        owed -= bound.terminal(priced.nu)[0]
        for (place, wanted), price in zip(bound.grid.targets, priced.mu, strict=True):
            if place >= border:
                owed += price * (energy - wanted)
        return owed

    def _finish_at(self, border: int, cost: float, energy: float, done: Done) -> None:
        self.offer(cost + self._owed(border, energy), done)

    def _finish(self, border: int, labels: Labels, least: float) -> None:
        """Take the plans that need no more, of at least an energy.

        `least` is infinite for labels that are off at the border, and already count a target there.
        """
        bound = self.bound
        if border < bound.grid.last_forced:
            return
        counted = border
        if least == INFINITE:
            counted, least = border + 1, -INFINITE
        low, high = max(bound.low, least), bound.high
        for point in labels.points.values():
            if low - KWH <= point.energy <= high + KWH:
                self._finish_at(counted, point.cost, point.energy, Done(point.trace, 0.0))
        for several in labels.segments.values():
            for segment in several:
                if segment.right < low - KWH or segment.left > high + KWH:
                    continue
                for energy in {
                    min(max(low, segment.left), segment.right),
                    max(min(high, segment.right), segment.left),
                }:
                    value, share = at(segment, energy)
                    self._finish_at(counted, value, energy, Done(segment.trace, share))

    def uses_of(self, ending: object) -> list[Use]:
        """Return what a complete plan does in every slot."""
        assert isinstance(ending, Done)
        slots = self.bound.grid.slots
        uses = [OFF] * len(slots)
        step = ending.trace
        while step is not None:
            share = ending.share if step.share == OPEN else step.share
            if share > NOTHING:
                whole = share > 1.0 - NOTHING
                amps = slots[step.place].levels[0]
                uses[step.place] = Use(amps, 1.0 if whole else share, step.late and not whole)
            step = step.before
        return uses
