"""What the monitoring tells of each release: requests and errors by revision, as a rollback is judged on them."""

from collections import deque
from datetime import datetime, timedelta

from lumen.backtest.past_snapshot import SLICES_PER_HOUR
from lumen.model.alert import Alert
from lumen.model.snapshot import SLICE, Window
from lumen.model.watching import RevisionCount
from lumen.policies.rollback import RollbackFacts
from lumen.policies.rollback_evidence import complete, evidence, healthy

#: A day for the newest revision, and a day before it.
LOOK_BACK = timedelta(days=2)


class ReleasesSeen:
    """Fed with each slice's counts, in order. `allowed` is the share of requests that may fail.

    What a revision was made after is not told by its name: they are in the order in which they first served.
    """

    def __init__(self, allowed: float) -> None:
        self._allowed = allowed
        self._counts: deque[tuple[RevisionCount, ...]] = deque(maxlen=round(LOOK_BACK / SLICE))
        #: Which came when: 0 is the oldest.
        self._order: dict[str, int] = {}
        #: When each revision was last seen within the objective.
        self._healthy: dict[str, datetime] = {}
        #: After a rollback the traffic is pinned, until people release anew.
        self._pinned: str | None = None

    def add(self, counts: tuple[RevisionCount, ...]) -> None:
        """A slice without measurements has no counts."""
        self._counts.append(counts)
        for one in counts:
            self._order.setdefault(one.revision, len(self._order))
        if self._pinned is not None and any(self._is_newer(one.revision, self._pinned) for one in counts):
            self._pinned = None
        hour = list(self._counts)[-SLICES_PER_HOUR:]
        self._healthy |= healthy((one for slice in hour for one in slice), self._allowed)

    def pinned_to(self, revision: str) -> None:
        """Traffic was sent back to `revision`."""
        self._pinned = revision

    def facts(self, page: Alert, end: datetime) -> RollbackFacts | None:
        """What a rollback is judged on, from slices up to `end`; None where nothing was seen."""
        counts = [one for slice in self._counts for one in slice]
        if not counts:
            return None
        serving = counts[-1].revision
        found = evidence(counts, serving, self._allowed, Window(end - LOOK_BACK, end))
        good = {name: at for name, at in self._healthy.items() if self._is_newer(serving, name)}
        return RollbackFacts(
            page=page,
            newest=found.newest,
            newest_took_traffic_at=found.took_traffic_at,
            previous=found.previous,
            within_slo_before=found.within_slo_before,
            good_revision=max(good, key=lambda name: good[name]) if good else None,
            allowed=True,
            data_complete=complete(counts, end),
            pinned=self._pinned,
            onset=found.onset,
            beside=found.beside,
        )

    def _is_newer(self, revision: str, than: str) -> bool:
        return self._order[revision] > self._order[than]
