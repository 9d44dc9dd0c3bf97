"""What later turns need of a turn: a small part, stored beside it, so that a hundred of them are soon read.

Fields are named and nested as those of `Turn`: whoever needs no more takes either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.model.alert import Severity
from lumen.model.assessment import HealthLevel
from lumen.model.forecast import Forecast
from lumen.model.messages import Message, NoData
from lumen.model.snapshot import CacheStats, TtlSetting, Window
from lumen.model.turn import Occasion, Recommendation, Turn


@dataclass(frozen=True, slots=True)
class PastSnapshot:
    """The cache and the TTL over the window of a turn."""

    window: Window
    cache: CacheStats | NoData
    ttl: TtlSetting | NoData


@dataclass(frozen=True, slots=True)
class PastGate:
    """Its level."""

    health: HealthLevel


@dataclass(frozen=True, slots=True)
class PastAssessment:
    """The unified gate alone."""

    gate: PastGate


@dataclass(frozen=True, slots=True)
class PastMissing:
    """The name of what was missing."""

    what: str


@dataclass(frozen=True, slots=True)
class PastAlert:
    """How severe an alert was."""

    severity: Severity


@dataclass(frozen=True, slots=True)
class PastStoredAlert:
    """An alert that was open."""

    alert: PastAlert


@dataclass(frozen=True, slots=True)
class PastTurn:
    """`wanted` where it was proposed."""

    id: str
    occasion: Occasion
    started_at: datetime
    snapshot: PastSnapshot
    assessment: PastAssessment
    missing: tuple[PastMissing, ...]
    proposed: tuple[str, ...] = ()
    drift: tuple[Message, ...] = ()
    wanted: Recommendation | NoData | None = None
    alerts: tuple[PastStoredAlert, ...] = ()
    forecast: Forecast | NoData | None = None


@dataclass(frozen=True, slots=True)
class PastTurns:
    """The newest turn whole (None on the first), and those of the days before, it among them, the newest first."""

    newest: Turn | None
    turns: Sequence[PastTurn]


def past(turn: Turn) -> PastTurn:
    """The part of it that later turns need."""
    snapshot = turn.snapshot
    return PastTurn(
        turn.id,
        turn.occasion,
        turn.started_at,
        PastSnapshot(snapshot.window, snapshot.cache, snapshot.ttl),
        PastAssessment(PastGate(turn.assessment.gate.health)),
        tuple(PastMissing(one.what) for one in turn.missing),
        turn.proposed,
        turn.drift,
        turn.wanted if turn.proposed else None,
        tuple(PastStoredAlert(PastAlert(one.alert.severity)) for one in turn.alerts),
        turn.forecast,
    )
