"""What a person is shown when they ask: put together from what is stored and what is read at that moment."""

from dataclasses import dataclass
from datetime import datetime

from lumen.model.calling import Silence
from lumen.model.nodata import NoData
from lumen.model.proposal import Proposal
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Recommendation, Turn
from lumen.model.watching import Pause, Pinned, SizeLock, StoredAlert, TtlOverride


@dataclass(frozen=True, slots=True)
class ChangeOfLate:
    """A change that was applied, and the hit rate (0-1) of the last turn before it and of the newest one now.

    A side without data is None: a missing figure is never filled in.
    """

    proposal: Proposal
    hit_rate_before: float | None
    hit_rate_now: float | None


@dataclass(frozen=True, slots=True)
class StatusReadout:
    """`/lumen status` and the hourly report: `turn` is None before the first one; `changes` are the newest first."""

    service: ServiceId
    turn: Turn | None
    open_proposals: tuple[Proposal, ...]
    changes: tuple[ChangeOfLate, ...]
    next_turn_at: datetime | None
    #: As the newest look of the watch saw it.
    pinned: Pinned | None = None
    pause: Pause | None = None
    alerts: tuple[StoredAlert, ...] = ()
    #: What pins the TTL, what locks the size, and until when changes are frozen; None where nothing does.
    override: TtlOverride | None = None
    size_lock: SizeLock | None = None
    frozen_until: datetime | None = None
    #: Of what nobody wants to hear for a while.
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class TtlReadout:
    """`/lumen ttl`: the setting read just now, and what the last turn's policy thinks of it."""

    service: ServiceId
    setting: TtlSetting | NoData
    recommendation: Recommendation | NoData
    #: What pins the TTL; None where nothing does.
    override: TtlOverride | None = None
