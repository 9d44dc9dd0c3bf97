"""What the monitoring tells of each release: requests and errors by revision, as a rollback is judged on them."""

from collections import deque
from datetime import datetime, timedelta

from lumen.model.alert import Alert
from lumen.model.observation import Observation
from lumen.model.snapshot import SLICE, Window
from lumen.model.watching import RevisionCount
from lumen.policies.rollback import RollbackAdvice, RollbackFacts, judge_rollback
from lumen.policies.rollback_evidence import complete, evidence, healthy

#: A day for the newest revision, and a day before it.
LOOK_BACK = timedelta(days=2)


class ReleasesSeen:
    """Fed with observations in order. `allowed` is the share of requests that may fail."""

    def __init__(self, allowed: float) -> None:
        self._allowed = allowed
        self._counts: deque[RevisionCount] = deque(maxlen=round(LOOK_BACK / SLICE))
        self._end: datetime | None = None
        #: After a rollback the traffic is pinned, until people release anew.
        self._pinned: str | None = None

    def add(self, seen: Observation) -> None:
        self._end = seen.end
        if seen.revision is None or seen.requests is None:
            return
        if self._pinned is not None and seen.revision > self._pinned:
            self._pinned = None
        self._counts.append(RevisionCount(seen.start, seen.revision, seen.requests, seen.errors_5xx or 0))

    def pinned_to(self, revision: str) -> None:
        """Traffic was sent back to `revision`."""
        self._pinned = revision

    def advice(self, page: Alert | None, now: datetime) -> RollbackAdvice | None:
        """As it is judged now; None before anything was seen."""
        if self._end is None or not self._counts:
            return None
        window = Window(self._end - LOOK_BACK, self._end)
        counts = [one for one in self._counts if one.start >= window.start]
        if not counts:
            return None
        found = evidence(counts, counts[-1].revision, self._allowed, window)
        before = [one for one in counts if found.took_traffic_at is not None and one.start < found.took_traffic_at]
        good = healthy(before, self._allowed)
        facts = RollbackFacts(
            page=page,
            newest=found.newest,
            newest_took_traffic_at=found.took_traffic_at,
            previous=found.previous,
            within_slo_before=found.within_slo_before,
            good_revision=max(good, key=lambda name: good[name]) if good else None,
            allowed=True,
            data_complete=complete(counts, self._end),
            pinned=self._pinned,
        )
        return judge_rollback(facts, now)
