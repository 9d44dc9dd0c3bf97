"""Answers to questions, for Slack and the command line: put together from what is stored, and read afresh where the
present value matters. Beside them: of which service a channel speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from lumen.alerts.course import course_of, failing_of
from lumen.model.answers import (
    ChangeOfLate,
    Glance,
    IncidentReadout,
    KnobReadout,
    StatusReadout,
    TtlReadout,
    TurnReadout,
)
from lumen.model.audit import AuditEntry
from lumen.model.control import ControlLine
from lumen.model.course import Course
from lumen.model.incident import Incident, Pinned, in_force
from lumen.model.messages import NoData, NotPossible, SourceUnavailable
from lumen.model.proposal import WAS_IN_FORCE, Knob, Proposal, State, Value
from lumen.model.service import Chosen, Permit, ServiceId
from lumen.model.turn import Recommendation, Turn
from lumen.policies.reminders import remind_at
from lumen.policies.repost import tells_news
from lumen.ports.clock import Clock
from lumen.ports.incidents import Alerts, Silences
from lumen.ports.store import Audit, Choices, Proposals, Turns
from lumen.use_cases.advice import Advisor
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.knobs import Knobs, find
from lumen.use_cases.labelling import learnt
from lumen.use_cases.leases import hour_of
from lumen.use_cases.restrictions import Restraints

#: What became of changes is shown for three days, as long as they are measured (docs/methods.md).
CHANGES_FOR = timedelta(days=3)
#: The last word on a change comes when those days are over: the next digest tells of it too.
VERDICTS_FOR = timedelta(days=1)
#: Enough turns to look back over those days.
_TURNS_BACK = 100
#: Enough proposals to find those of an incident among.
_RECENT = 50
#: Requests may have failed for so long before an alert was sure of it: the longest window of a page (burn_rate.py).
BEFORE_NOTICED = timedelta(hours=12)
#: And the hour before, which the newest is compared with.
A_DAY = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class Readouts:
    """Answers from what is stored, and from `advisor`, which also reads the present TTL. Raises StoreUnavailable."""

    proposals: Proposals
    turns: Turns
    audit: Audit
    alerts: Alerts
    silences: Silences
    restraints: Restraints
    advisor: Advisor
    rules: AutoApplyRules

    async def status(self, service: ServiceId) -> StatusReadout:
        """The last turn, what is open, and what became of the changes of the last days."""
        turns = await self.turns.latest(service, _TURNS_BACK)
        unfinished = await self.proposals.unfinished(service)
        recent = await self.proposals.recent(service, 20)
        restraint = await self.restraints.now(service)
        now = restraint.now
        found = await self.advisor.of(turns[0], restraint) if turns else None
        return StatusReadout(
            service=service,
            turn=found.turn if found else None,
            open_proposals=tuple(unfinished),
            changes=tuple(_seen(p, turns) for p in recent if is_late_change(p, now)),
            next_turn_at=hour_of(now) + timedelta(hours=1),
            pinned=restraint.controls.pinned,
            pause=restraint.pause,
            alerts=tuple(await self.alerts.open(service)),
            override=restraint.override,
            size_lock=restraint.size_lock,
            frozen_until=restraint.frozen_until,
            dry_run=restraint.automation.dry_run,
            disabled=restraint.automation.disabled,
            observing_until=restraint.observing_until,
            silences=in_force(await self.silences.all(service), now),
            priorities=found.worth_doing if found else (),
            trusted=await self.rules.shown(service),
            in_steps=await self.rules.running(service),
            now=now,
            learnt=await learnt(self.alerts, service, now),
            controls=tuple(await self.restraints.controls.lines(service)),
            day=tuple(turn for turn in turns if now - turn.started_at < A_DAY),
        )

    async def pinned(self, service: ServiceId) -> Pinned | None:
        """The revision that traffic is pinned to, as the newest look of the watch saw it."""
        return (await self.restraints.now(service)).controls.pinned

    async def control(self, service: ServiceId, line: str) -> tuple[ControlLine | None, bool]:
        """The line of one control, None when it is forgotten; and whether it is about to end by itself."""
        found = await self.restraints.controls.line(service, line)
        soon = None if found is None or found.until is None else remind_at(found.at, found.until)
        return found, soon is not None and self.restraints.clock.now() >= soon

    async def control_ids(self, service: ServiceId) -> Sequence[str]:
        """Of the lines that have not ended."""
        return [line.id for line in await self.restraints.controls.lines(service)]

    async def open_now(self, service: ServiceId) -> tuple[Sequence[str], Sequence[str]]:
        """Ids of the proposals that are not finished and have a message of their own, and of the incidents that are not
        over, or in which such a proposal stands."""
        unfinished = await self.proposals.unfinished(service)
        incidents = [one.incident for one in await self.alerts.open(service)]
        incidents += [proposal.shown_in for proposal in unfinished if proposal.shown_in]
        return [proposal.id for proposal in unfinished if not proposal.shown_in], list(dict.fromkeys(incidents))

    async def tells_news(self, service: ServiceId, report: str) -> bool:
        """Whether the report of the turn `report` tells of something to act on (lumen/policies/repost.py)."""
        return tells_news(await self.turns.latest(service, _TURNS_BACK), report)

    async def state(self, service: ServiceId) -> str:
        """Another one whenever what `status` shows is another, but for the time; cheap to ask for."""
        turns, controls = await self.turns.latest(service, 1), (await self.restraints.now(service)).controls
        lines = await self.restraints.controls.lines(service)
        open_now = await self.proposals.unfinished(service), await self.alerts.open(service)
        return repr((turns[0].id if turns else "", controls, lines, *open_now))

    async def last(self, service: ServiceId) -> TurnReadout:
        """The last turn alone, for the answers that explain it."""
        restraint = await self.restraints.now(service)
        turns = await self.turns.latest(service, 1)
        turn = (await self.advisor.of(turns[0], restraint)).turn if turns else None
        next_turn_at = hour_of(restraint.now) + timedelta(hours=1)
        return TurnReadout(service, turn, restraint.now, next_turn_at, tuple(await self.alerts.open(service)))

    async def glance(self, service: ServiceId) -> Glance:
        """The last turn and what is going on, for a list of services."""
        unfinished = await self.proposals.unfinished(service)
        restraint = await self.restraints.now(service)
        last = await self.last(service)
        return Glance(
            last=last,
            alerts=last.alerts,
            waiting=sum(proposal.state is State.PENDING for proposal in unfinished),
            pause=restraint.pause,
            pinned=restraint.controls.pinned,
        )

    async def incident(self, service: ServiceId, incident_id: str) -> IncidentReadout | None:
        """One incident with its alerts and proposals, who is on it, what is silenced now and how it goes; or None."""
        found = await self.alerts.incident(service, incident_id)
        if found is None:
            return None
        restraint, turns = await self.restraints.now(service), await self.turns.latest(service, 1)
        recent = await self.proposals.recent(service, _RECENT)
        return IncidentReadout(
            incident=replace(found, silences=in_force(await self.silences.all(service), restraint.now)),
            now=restraint.now,
            proposals=tuple(one for one in recent if one.shown_in == incident_id),
            course=await self._course(found, restraint.now),
            revisions=await self.alerts.revisions(service, incident_id),
            pinned=restraint.controls.pinned,
            budget_events=_allowed(turns[0]) if turns else None,
            errors=await self.alerts.error_lines(service, incident_id),
        )

    async def _course(self, incident: Incident, now: datetime) -> Course | None:
        failing = failing_of(incident)
        if failing is None:
            return None
        stored = await self.alerts.observations(incident.service, failing.opened_at - BEFORE_NOTICED)
        return course_of(failing, stored, now)

    async def ttl(self, service: ServiceId) -> TtlReadout:
        """The setting as it is at this moment, and what the policy thinks of it."""
        return await self.advisor.ttl(service)

    async def proposal(self, service: ServiceId, proposal_id: str) -> Proposal | None:
        """One proposal as it is stored, or None."""
        return await self.proposals.get(service, proposal_id)

    async def history(self, service: ServiceId, limit: int) -> Sequence[AuditEntry]:
        """The newest lines of the audit, newest first."""
        return await self.audit.entries(service, limit)


def _allowed(turn: Turn) -> float | None:
    """So many requests may fail in 30 days, where enough of them is known."""
    budgets = (one for one in turn.assessment.slo.budgets if one.name == "error_rate")
    return next((one.allowed for one in budgets if not isinstance(one.remaining, NoData)), None)


def is_late_change(proposal: Proposal, now: datetime) -> bool:
    """Whether the list of changes shows it: it was in force, or stands somewhere though it failed."""
    at, measured = proposal.finished_at, proposal.measured
    is_told = measured is not None and now - measured.at <= VERDICTS_FOR
    stood = proposal.state in WAS_IN_FORCE or proposal.left_something
    return stood and at is not None and (now - at <= CHANGES_FOR or is_told)


def _seen(proposal: Proposal, turns: Sequence[Turn]) -> ChangeOfLate:
    """`turns` newest first. "Before" ends before the change; "now" begins after it, or there is none yet."""
    at = proposal.finished_at
    before = next((t for t in turns if at is not None and t.snapshot.window.end <= at), None)
    now = next((t for t in turns[:1] if at is not None and t.snapshot.window.start >= at), None)
    share = _failed if proposal.draft.change.knob is Knob.TRAFFIC else attrgetter("hit_rate")
    return ChangeOfLate(proposal, share(before) if before else None, share(now) if now else None)


def _failed(turn: Turn) -> float | None:
    traffic = turn.snapshot.traffic
    return None if isinstance(traffic, NoData) or not traffic.requests else traffic.errors_5xx / traffic.requests


@dataclass(frozen=True, slots=True)
class Choosing:
    """The service that each channel speaks of. `services` are watched; the first is meant where nobody names one."""

    services: Sequence[ServiceId]
    choices: Choices
    clock: Clock

    async def of(self, channel: str) -> Chosen | None:
        """The service chosen for `channel`; None where nothing was, or where that service is not watched any more."""
        if len(self.services) == 1:
            return None  # there is nothing to choose, so no command waits for the store
        found = await self.choices.of(self.services[0], channel)
        return found if found is not None and found.service in self.services else None

    async def choose(self, channel: str, service: ServiceId, permit: Permit) -> Chosen:
        """From now on the commands of `channel` speak of `service`."""
        chosen = Chosen(service, permit.person, self.clock.now())
        await self.choices.put(self.services[0], channel, chosen)
        return chosen

    async def end(self, line: ControlLine, permit: Permit) -> bool:
        """The channel of `line` speaks of the first service again; False where something else was chosen since."""
        return await self.choices.end(self.services[0], line.channel, permit.person, line.id)


@dataclass(frozen=True, slots=True)
class Looking:
    """A knob as it stands now, how far it may be turned, and whether the advice is to turn it."""

    knobs: Mapping[ServiceId, Knobs]
    advisor: Advisor

    async def at(self, service: ServiceId, knob: Knob) -> KnobReadout:
        """Read where a change would set it. Raises NotPossible for a knob that is not there, StoreUnavailable."""
        turnable = find(self.knobs, service, knob)
        value: Value | NoData
        try:
            value = (await turnable.places[0].read(service)).value
        except (SourceUnavailable, NotPossible) as error:
            value = NoData(error.reason, error.remedy)
        last = await self.advisor.last(service)
        return KnobReadout(
            service=service,
            knob=knob,
            value=value,
            unit=turnable.unit,
            lowest=turnable.lowest,
            highest=turnable.highest,
            wanted=_of(last.turn.first, knob) if last else None,
            forecast=last.turn.forecast if last and knob is Knob.CACHE_SIZE else None,
        )


def _of(wanted: Recommendation | NoData | None, knob: Knob) -> Recommendation | None:
    if not isinstance(wanted, Recommendation) or wanted.change is None or wanted.change.knob is not knob:
        return None
    return wanted
