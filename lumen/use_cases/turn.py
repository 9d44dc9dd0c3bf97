"""One turn of the loop: collect -> assess -> decide -> announce -> remember."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from lumen.model.audit import AuditEvent
from lumen.model.messages import Message, NoData, NotPossible, SourceUnavailable, message
from lumen.model.past_turn import PastTurn
from lumen.model.service import Person, ServiceId
from lumen.model.turn import Missing, Occasion, Turn
from lumen.policies.repost import should_repost
from lumen.ports.store import Audit, Lease, Turns
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auto_apply import AutoApplyRules
from lumen.use_cases.collect import Collection, Collector, missing_from
from lumen.use_cases.drift import Drift
from lumen.use_cases.evaluate import Evaluation, Evaluator
from lumen.use_cases.leases import Claims, hour_of

TURN_SCHEDULE = "turn"
#: A slot taken up later than this was missed and is caught up.
LATE = timedelta(minutes=10)


def is_missed(now: datetime) -> bool:
    """Whether this hour's turn should have been made by now."""
    return now - hour_of(now) > LATE


def _compact(at: datetime) -> str:
    """ISO 8601 in its basic format: colons between digits would be taken for emoji in Slack."""
    return at.strftime("%Y%m%dT%H%M%S.%fZ")


@dataclass(frozen=True, slots=True)
class TurnRunner:
    """Makes turns: the scheduled one of each hour once, and those that a person asks for.

    `lacking`: what this installation cannot do at all, for the report.
    """

    collector: Collector
    drift: Drift
    evaluator: Evaluator
    rules: AutoApplyRules
    approvals: Approvals
    claims: Claims
    turns: Turns
    lacking: tuple[Missing, ...] = ()

    async def due(
        self,
        services: Sequence[ServiceId],
        made: Callable[[Turn], None],
        *,
        only_missed: bool = False,
        asked: bool = False,
    ) -> None:
        """Make the turn of this hour for every service whose slot nobody has taken. A missed hour is caught up once.

        `made` is told of each. `only_missed`: somebody else calls for the turns; leave it the time to do so. `asked`:
        somebody has called this replica alone. Raises SomeFailed, StoreUnavailable, OutcomeUnknown.
        """
        now = self.claims.clock.now()
        slot = hour_of(now)
        if only_missed and not is_missed(now):
            return
        occasion = Occasion.CATCH_UP if is_missed(now) else Occasion.SLOT
        collection = self.collector.collection(services)

        async def make(service: ServiceId, lease: Lease) -> None:
            made(await self._make(service, collection, occasion, slot, lease))

        await self.claims.share(services, TURN_SCHEDULE, slot, lambda batch: batch.each(make), asked=asked)

    async def extra_turns(self, services: Sequence[ServiceId]) -> Sequence[Turn]:
        """Extra turns for all of `services`, from one collection; marked so, and they take no slot."""
        slot, collection = hour_of(self.claims.clock.now()), self.collector.collection(services)
        return [await self._make(service, collection, Occasion.ASKED, slot, None) for service in services]

    async def _make(
        self, service: ServiceId, collection: Collection, occasion: Occasion, slot: datetime, lease: Lease | None
    ) -> Turn:
        # First of all, so that the picture shows what is set again.
        drift = () if await collection.is_cut_off(service) else await self.drift.look(service)
        snapshot = await collection.snapshot(service)
        evaluation = await self.evaluator.of(snapshot)
        snapshot, past, assessment, advised = (
            evaluation.snapshot,
            evaluation.past,
            evaluation.assessment,
            evaluation.advised,
        )
        proposed, held = await self._propose(evaluation)
        turn = Turn(
            id=_compact(snapshot.taken_at),
            occasion=occasion,
            slot=slot,
            started_at=snapshot.taken_at,
            snapshot=snapshot,
            assessment=assessment,
            ttl=advised.ttl,
            wanted=advised.first,
            proposed=proposed,
            held_back=held,
            missing=(*missing_from(snapshot), *self.lacking),
            drift=drift,
            moves=past.moves_to(assessment),
            before=past.found_before(),
            low_traffic=past.low_traffic,
            trends=past.trends,
            alerts=tuple(await self.evaluator.alerts.open(snapshot.service)),
            forecast=evaluation.forecast,
        )
        await self._remember(turn, past.turns, lease)
        return turn

    async def _propose(self, evaluation: Evaluation) -> tuple[tuple[str, ...], tuple[Message, ...]]:
        """Ids of what was proposed, and what held a wanted change back."""
        wanted, snapshot = evaluation.advised.first, evaluation.snapshot
        if isinstance(wanted, NoData) or wanted.change is None:
            return (), ()
        held = await self.evaluator.held_back(evaluation, wanted.change)
        if held:
            return (), held
        service, request_id = snapshot.service, f"turn:{snapshot.taken_at.isoformat()}"
        weighed = await self.rules.weighed(service, wanted.change)
        if weighed.waits:
            return (), weighed.against
        plan = weighed.grounds.in_force
        try:
            made = await self.approvals.propose_recommended(
                service,
                wanted,
                request_id,
                weighed.told,
                weighed.acts_in,
                forecast=evaluation.forecast,
                steps_to=0 if weighed.acts_in else await self.evaluator.reach(service, wanted.change),
                step_of=plan.approved.id if plan is not None else "",
            )
        except (NotPossible, SourceUnavailable) as error:
            return (), (error.reason,)
        return ((made.id,), ()) if made else ((), (message("turn.value_moved"),))

    async def _remember(self, turn: Turn, before: Sequence[PastTurn], lease: Lease | None) -> None:
        """Store the turn and mark its report: the last message is updated unless there is something new to say."""
        service = turn.snapshot.service
        shown_on = await self.turns.report_surface(service)
        if shown_on is None or should_repost(chain((turn,), before), shown_on):
            shown_on = turn.id
        await self.turns.save(turn, lease, shown_on)


@dataclass(frozen=True, slots=True)
class AskedTurns:
    """Turns that somebody asks for; the audit says who."""

    runner: TurnRunner
    audit: Audit

    async def ask(self, service: ServiceId, person: Person) -> Turn:
        """Make an extra turn now. Raises StoreUnavailable, OutcomeUnknown."""
        await self.audit.add(service, AuditEvent.TURN_ASKED, person.user_id, "")
        (made,) = await self.runner.extra_turns((service,))
        return made
