"""Remembers which counters a signer has used, so that no command runs twice."""

MAXIMUM = 0xFFFFFFFF


class CounterWindow:
    """The highest counter seen and, below it, a window of counters that may still arrive late.

    `size` 0 demands strictly rising counters (vehicle security); infotainment allows 32.
    """

    def __init__(self, size: int) -> None:
        """Start with nothing seen."""
        self.highest = 0
        self._size = size
        self._seen: set[int] = {0}

    def accept(self, counter: int) -> bool:
        """Take note of a counter; False when it was used before or is too old to tell."""
        if counter in self._seen or counter < self.highest - self._size:
            return False
        self.highest = max(self.highest, counter)
        self._seen.add(counter)
        self._seen = {used for used in self._seen if used >= self.highest - self._size}
        return True
