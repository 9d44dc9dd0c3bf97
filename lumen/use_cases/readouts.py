"""Answers to questions: put together from what is stored, and read afresh where the present value matters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lumen.model.calling import in_force
from lumen.model.nodata import NoData
from lumen.model.proposal import Proposal, State
from lumen.model.readout import ChangeOfLate, Glance, StatusReadout, TtlReadout, TurnReadout
from lumen.model.service import ServiceId
from lumen.model.turn import Turn, Worth
from lumen.model.watching import Incident
from lumen.policies.priorities import priorities
from lumen.policies.size import SizeLimits, recommend_size
from lumen.ports.calling import Silences
from lumen.ports.clock import Clock
from lumen.ports.measurements import TtlSource
from lumen.ports.state import Audit, AuditEntry, Proposals, Turns
from lumen.ports.watching import Alerts
from lumen.use_cases.restraints import Restraints
from lumen.use_cases.tick import NO_TURN_YET, hour_of
from lumen.use_cases.trust import Trust

#: What became of changes is shown for three days, as long as they are measured (docs/methods.md 3).
CHANGES_FOR = timedelta(days=3)
#: The last word on a change comes when those days are over: the next digest tells of it too.
VERDICTS_FOR = timedelta(days=1)
#: Enough turns to look back over those days.
_TURNS_BACK = 100
_APPLIED = (State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL, State.UNDONE)


class Readouts:
    """Changes nothing."""

    def __init__(
        self,
        proposals: Proposals,
        turns: Turns,
        audit: Audit,
        alerts: Alerts,
        ttl: TtlSource,
        clock: Clock,
        restraints: Restraints,
        silences: Silences,
        size: SizeLimits,
        trust: Trust,
    ) -> None:
        self._proposals = proposals
        self._turns = turns
        self._audit = audit
        self._alerts = alerts
        self._ttl = ttl
        self._clock = clock
        self._restraints = restraints
        self._silences = silences
        self._size = size
        self._trust = trust

    async def status(self, service: ServiceId) -> StatusReadout:
        """The last turn, what is open, and what became of the changes of the last days."""
        turns = await self._turns.latest(service, _TURNS_BACK)
        unfinished = await self._proposals.unfinished(service)
        recent = await self._proposals.recent(service, 20)
        restraint = await self._restraints.now(service)
        now = restraint.now
        turn = turns[0] if turns else None
        return StatusReadout(
            service=service,
            turn=turn,
            open_proposals=tuple(unfinished),
            changes=tuple(_seen(p, turns) for p in recent if _is_late_change(p, now)),
            next_turn_at=hour_of(now) + timedelta(hours=1),
            pinned=restraint.standing.pinned,
            pause=restraint.pause,
            alerts=tuple(await self._alerts.open(service)),
            override=restraint.override,
            size_lock=restraint.size_lock,
            frozen_until=restraint.frozen_until,
            silences=in_force(await self._silences.all(service), now),
            priorities=() if turn is None else self._worth_doing(turn, locked=restraint.size_lock is not None),
            trusted=await self._trust.shown(service),
            now=now,
        )

    def _worth_doing(self, turn: Turn, *, locked: bool) -> tuple[Worth, ...]:
        """The most urgent first."""
        size = recommend_size(turn.snapshot, replace(self._size, locked=locked or self._size.locked))
        return priorities(turn, None if isinstance(size, NoData) else size)

    async def last(self, service: ServiceId) -> TurnReadout:
        """The last turn alone, for the answers that explain it."""
        turns = await self._turns.latest(service, 1)
        now = self._clock.now()
        return TurnReadout(service, turns[0] if turns else None, now, hour_of(now) + timedelta(hours=1))

    async def glance(self, service: ServiceId) -> Glance:
        """The last turn and what is going on, for a list of services."""
        unfinished = await self._proposals.unfinished(service)
        restraint = await self._restraints.now(service)
        return Glance(
            last=await self.last(service),
            waiting=sum(proposal.state is State.PENDING for proposal in unfinished),
            alerts=tuple(await self._alerts.open(service)),
            pause=restraint.pause,
            pinned=restraint.standing.pinned,
        )

    async def incident(self, service: ServiceId, incident_id: str) -> Incident | None:
        """One incident with its alerts, who is on it and what is silenced now; or None."""
        found = await self._alerts.incident(service, incident_id)
        if found is None:
            return None
        return replace(found, silences=in_force(await self._silences.all(service), self._clock.now()))

    async def ttl(self, service: ServiceId) -> TtlReadout:
        """The setting as it is at this moment, and what the last turn's policy thinks of it."""
        turns = await self._turns.latest(service, 1)
        setting = await self._ttl.ttl(service)
        override = (await self._restraints.now(service)).override
        return TtlReadout(service, setting, turns[0].ttl if turns else NO_TURN_YET, override)

    async def proposal(self, service: ServiceId, proposal_id: str) -> Proposal | None:
        """One proposal as it is stored, or None."""
        return await self._proposals.get(service, proposal_id)

    async def history(self, service: ServiceId, limit: int) -> Sequence[AuditEntry]:
        """The newest lines of the audit, newest first."""
        return await self._audit.entries(service, limit)


def _is_late_change(proposal: Proposal, now: datetime) -> bool:
    at, measured = proposal.finished_at, proposal.measured
    is_told = measured is not None and now - measured.at <= VERDICTS_FOR
    return proposal.state in _APPLIED and at is not None and (now - at <= CHANGES_FOR or is_told)


def _hit_rate(turn: Turn) -> float | None:
    cache = turn.snapshot.cache
    return None if isinstance(cache, NoData) else cache.hit_rate


def _seen(proposal: Proposal, turns: Sequence[Turn]) -> ChangeOfLate:
    """`turns` newest first. "Before" ends before the change; "now" begins after it, or there is none yet."""
    at = proposal.finished_at
    before = next((t for t in turns if at is not None and t.snapshot.window.end <= at), None)
    now = next((t for t in turns[:1] if at is not None and t.snapshot.window.start >= at), None)
    return ChangeOfLate(proposal, _hit_rate(before) if before else None, _hit_rate(now) if now else None)
