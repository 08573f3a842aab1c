"""What a car draws from the wall: exact at any moment, because power changes in steps that are all kept."""

from bisect import bisect_right

#: How many changes of the power are kept; the energy before them is known as a sum only.
MAX_CHANGES = 50_000


class AcMeter:
    """Energy drawn from a cable as alternating current. Moments are seconds of the car's physics."""

    def __init__(self, at: float) -> None:
        """Begin at zero."""
        self._moments = [at]
        self._totals = [0.0]
        self._kw = 0.0

    @property
    def kwh(self) -> float:
        """All energy so far."""
        return self._totals[-1]

    def add(self, since: float, until: float, kw: float) -> None:
        """Note that power flowed evenly between two moments; nothing flowed since the last time."""
        if until <= since or kw <= 0:
            return
        total = self._totals[-1] + kw * (until - since) / 3600
        if since == self._moments[-1] and kw == self._kw:
            self._moments[-1], self._totals[-1] = until, total
            return
        if since > self._moments[-1]:
            self._moments.append(since)
            self._totals.append(self._totals[-1])
        self._moments.append(until)
        self._totals.append(total)
        self._kw = kw
        if len(self._moments) > MAX_CHANGES:
            del self._moments[: MAX_CHANGES // 2], self._totals[: MAX_CHANGES // 2]

    def kwh_between(self, since: float, until: float) -> float:
        """Return the energy that was drawn between two moments, up to the last one that was computed."""
        return self._kwh_until(until) - self._kwh_until(since)

    def _kwh_until(self, moment: float) -> float:
        after = bisect_right(self._moments, moment)
        if after == 0:
            return self._totals[0]
        if after == len(self._moments):
            return self._totals[-1]
        begin, end = self._moments[after - 1 : after + 1]
        low, high = self._totals[after - 1 : after + 1]
        return low + (high - low) * (moment - begin) / (end - begin)
