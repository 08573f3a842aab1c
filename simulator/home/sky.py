"""The sky over the home: the seed's sun, and the clouds that a person has made."""

from dataclasses import dataclass

from simulator.home.sun import Sun


@dataclass(frozen=True, slots=True)
class Cloud:
    """Something before the sun from a moment to another (whole unix seconds), and what it lets through."""

    start: int
    end: int
    share: float


class Sky:
    """What reaches the roof. A later cloud takes the place of an earlier one."""

    def __init__(self, sun: Sun) -> None:
        """Begin without clouds of a person."""
        self.sun = sun
        self.clouds: list[Cloud] = []

    def at(self, at: float) -> tuple[float, int]:
        """Return the watts of the roof at a moment (unix seconds), and until when they hold."""
        watts, until = self.sun.at(at)
        share = 1.0
        for cloud in self.clouds:
            if cloud.start <= at < cloud.end:
                share, until = cloud.share, min(until, cloud.end)
            elif at < cloud.start:
                until = min(until, cloud.start)
        return watts * share, until

    def covered(self, at: float) -> bool:
        """Return whether clouds of a person are before the sun, or will be within a second."""
        return any(cloud.start - 1 <= at < cloud.end for cloud in self.clouds)

    def cover(self, now: float, seconds: float, share: float) -> None:
        """Let only a part of the sun through, from the next full second on."""
        if not 0 <= share <= 1 or seconds <= 0:
            raise ValueError("a cloud lets 0 to 1 through, for some time")
        start = int(now) + 1
        self.clear(now)
        self.clouds.append(Cloud(start, start + round(seconds), share))

    def clear(self, now: float) -> None:
        """Take a person's clouds away, from the next full second on."""
        end = int(now) + 1
        self.clouds = [
            Cloud(cloud.start, min(cloud.end, end), cloud.share)
            for cloud in self.clouds
            if cloud.start < end and cloud.end > now
        ]
