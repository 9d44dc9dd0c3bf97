"""Sums over the last slices, with the numerators of closed incidents dropped (methods 1)."""


class RecentCounts:
    """Bad and valid events of the last `capacity` slices; constant time per slice and per question."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Running totals: the sum of the last n slices is the difference of two entries.
        self._bad = [0]
        self._valid = [0]

    def add(self, bad: int, valid: int) -> None:
        """The next slice; a missing one is (0, 0)."""
        self._bad.append(self._bad[-1] + bad)
        self._valid.append(self._valid[-1] + valid)
        if len(self._bad) > 2 * self._capacity:
            del self._bad[: -self._capacity - 1]
            del self._valid[: -self._capacity - 1]

    def last(self, slices: int) -> tuple[int, int]:
        """(bad, valid) of the newest `slices`, or of as many as there are."""
        index = max(0, len(self._bad) - 1 - slices)
        return self._bad[-1] - self._bad[index], self._valid[-1] - self._valid[index]

    def forgive(self, slices: int) -> None:
        """Drop the bad events of the newest `slices`; their valid events stay in the denominators."""
        index = max(0, len(self._bad) - 1 - slices)
        self._bad[index + 1 :] = [self._bad[index]] * (len(self._bad) - index - 1)
