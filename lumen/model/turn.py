"""One turn of the loop, as it is stored and reported."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lumen.model.assessment import Assessment, Before, ScoreMove
from lumen.model.forecast import Forecast
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, NoData
from lumen.model.proposal import Change, Priority
from lumen.model.snapshot import Snapshot
from lumen.model.week import MetricTrend


class Occasion(StrEnum):
    """The reason for a turn. Only SLOT takes the hour's slot."""

    SLOT = "slot"
    CATCH_UP = "catch_up"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The change that a policy wants, and its reasons; None of `change` means hold."""

    change: Change | None
    strategy: str
    reasons: tuple[Message, ...]
    priority: Priority


@dataclass(frozen=True, slots=True)
class Worth:
    """One thing to do, how urgent it is, and what it is worth."""

    priority: Priority
    what: Message
    impact: Message


@dataclass(frozen=True, slots=True)
class Missing:
    """A measurement that is missing from a turn."""

    what: str
    why: NoData


@dataclass(frozen=True, slots=True)
class Turn:
    """The record of a turn: measured, judged, recommended, proposed (ids), and what was missing."""

    id: str
    occasion: Occasion
    slot: datetime
    started_at: datetime
    snapshot: Snapshot
    assessment: Assessment
    ttl: Recommendation | NoData
    proposed: tuple[str, ...]
    held_back: tuple[Message, ...]
    missing: tuple[Missing, ...]
    #: Settings that stand otherwise than they were applied, and what was done about it.
    drift: tuple[Message, ...] = ()
    #: What moved the scores since the turn before; empty on the first one.
    moves: tuple[ScoreMove, ...] = ()
    #: What else the turn before found; None on the first one.
    before: Before | None = None
    #: Why percentages say little for want of requests; None where there are enough.
    low_traffic: Message | None = None
    #: Of the last seven days.
    trends: tuple[MetricTrend, ...] | NoData = ()
    #: Of all knobs, what was or would be proposed (None: a turn of an older Lumen, which knew the TTL alone).
    wanted: Recommendation | NoData | None = None
    #: Alerts that were open when it was made.
    alerts: tuple[StoredAlert, ...] = ()
    #: What other TTLs would do, or why nobody can say (None: a turn of an older Lumen).
    forecast: Forecast | NoData | None = None

    @property
    def hit_rate(self) -> float | None:
        """Of its window (0-1); None where it is not known."""
        cache = self.snapshot.cache
        return None if isinstance(cache, NoData) else cache.hit_rate

    @property
    def first(self) -> Recommendation | NoData:
        """The recommendation that comes first."""
        return self.ttl if self.wanted is None else self.wanted
