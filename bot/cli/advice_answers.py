"""Answers of `lumen ttl`, `size`, `cache`, `gate` and `report` before they are printed, their exit codes, and the
sentence that says what became of `--apply`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from bot.service_settings import each
from bot.thresholds import size_limits
from lumen.model.answers import GIVEN, TtlReadout, is_stale
from lumen.model.assessment import CacheHealth, GateVerdict, HealthLevel
from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.proposal import IN_FORCE, OPEN, Proposal, State
from lumen.model.service import ServiceId
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Turn
from lumen.policies.size import SizeFigures, SizeLimits, advise_size
from lumen.policies.ttl import TtlFigures, TtlLimits, advise_ttl
from lumen.use_cases.advice import SizeReadout, TurnNow, size_of_turn
from lumen.wording.catalogue import Catalogue, held_params

if TYPE_CHECKING:
    from bot.config import Settings
    from lumen.use_cases.apply_now import AskedTtl


def ttl_of_figures(figures: TtlFigures, limits: TtlLimits) -> TtlReadout:
    """From figures that a person gives."""
    setting, nothing = TtlSetting(figures.ttl_seconds, 0, None, None), NoData(*with_remedy("forecast.given"))
    return TtlReadout(GIVEN, setting, advise_ttl(figures, limits), forecast=nothing)


def size_of_figures(figures: SizeFigures, limits: SizeLimits) -> SizeReadout:
    """From figures that a person gives."""
    return SizeReadout(GIVEN, None, figures, advise_size(figures, limits))


async def answer_ttl(
    settings: "Settings", service: ServiceId, asked: "AskedTtl", *, apply: bool
) -> tuple[TtlReadout, Proposal | None]:
    """The answer, and what became of it with `apply`. Raises as `AppliedAdvice` does."""
    from bot.wiring.assembly import assemble, operator_of

    async with assemble(settings) as lumen:
        if not apply:
            return await lumen.changes.applied_advice.ttl(service, asked), None
        return await lumen.changes.applied_advice.apply_ttl(
            service, asked, await operator_of(settings), f"cli:{uuid4().hex}"
        )


async def answer_size(
    settings: "Settings", service: ServiceId, *, lock: bool, apply: bool
) -> tuple[SizeReadout, Proposal | None]:
    """The answer, and what became of it with `apply`. Raises as `AppliedAdvice` does."""
    from bot.wiring.assembly import assemble, operator_of

    async with assemble(settings) as lumen:
        if not apply:
            return await lumen.answers.advisor.size(service, as_if_locked=lock), None
        person, request_id = await operator_of(settings), f"cli:{uuid4().hex}"
        return await lumen.changes.applied_advice.apply_size(service, person, request_id, lock=lock)


async def extra_turns(settings: "Settings", services: Sequence[ServiceId]) -> "Last":
    """One extra turn of each service; a running bot shows it in Slack."""
    from bot.wiring.assembly import assemble

    async with assemble(settings) as lumen:
        turns, now = await lumen.rounds.turn_runner.extra_turns(services), lumen.store.clock.now()
    sizes = each(settings.watched, size_limits)
    found = [TurnNow(one, size_of_turn(one, sizes[one.snapshot.service], now), one.alerts) for one in turns]
    return Last(found, len(services), now)


async def last_turns(settings: "Settings", services: Sequence[ServiceId]) -> "Last":
    """The newest turn of each service that has one, as it stands now by what is stored."""
    from bot.store import clock_of, open_advisor

    async with open_advisor(settings) as advisor:
        found = [now for service in services if (now := await advisor.last(service)) is not None]
    return Last(found, len(services), clock_of(settings).now())


#: Nothing was changed, and that is no failure of anything.
_HARMLESS = OPEN | {State.ABANDONED, State.SUPERSEDED}

HEALTH_CODES = {
    HealthLevel.EXCELLENT: 0,
    HealthLevel.GOOD: 0,
    HealthLevel.WARNING: 1,
    HealthLevel.CRITICAL: 2,
    HealthLevel.NO_DATA: 3,
}

_CACHE_CODES = {
    CacheHealth.OPTIMAL: 0,
    CacheHealth.GOOD: 0,
    CacheHealth.DEGRADED: 1,
    CacheHealth.POOR: 1,
    CacheHealth.FAILED: 2,
    CacheHealth.NO_DATA: 3,
}

_VERDICTS = {
    HealthLevel.CRITICAL: GateVerdict.FAIL,
    HealthLevel.WARNING: GateVerdict.WARN,
    HealthLevel.NO_DATA: GateVerdict.NO_DATA,
}
_GATE_CODES = {GateVerdict.PASS: 0, GateVerdict.WARN: 1, GateVerdict.FAIL: 2, GateVerdict.NO_DATA: 3}
#: From the least to the most urgent: of what is not known it cannot be said that it is good.
_URGENCY = (0, 1, 3, 2)


@dataclass(frozen=True, slots=True)
class Last:
    """The last turns of `services` services as they stand at `now`. One may have none yet, or an old one."""

    found: Sequence[TurnNow]
    services: int
    now: datetime

    @property
    def turns(self) -> Sequence[Turn]:
        """The turns alone."""
        return [each.turn for each in self.found]

    def health_code(self) -> int:
        """0 good, 1 warning, 2 critical, 3 no data (docs/commands.md). Of several services the most urgent counts."""
        return self._code([HEALTH_CODES[each.worst(self.now).level] for each in self.found])

    def cache_code(self) -> int:
        """By the health of the cache."""
        return self._code([_cache_code(each.turn, self.now) for each in self.found])

    def gate_code(self) -> int:
        """By the verdict."""
        return self._code([_GATE_CODES[verdict_of(each, self.now)] for each in self.found])

    def _code(self, found: Sequence[int]) -> int:
        return max([*found, *[3] * (self.services - len(found))], key=_URGENCY.index)


def _cache_code(turn: Turn, now: datetime) -> int:
    return 3 if is_stale(turn, now) else _CACHE_CODES[turn.assessment.cache.health]


def verdict_of(found: TurnNow, now: datetime) -> GateVerdict:
    """The gate's, and no better than what is wrong now: an open page fails, a ticket warns, an old turn is no data."""
    worst = found.worst(now)
    return found.turn.assessment.gate.verdict if worst.is_of_turn else _VERDICTS[worst.level]


def exit_code_of_change(proposal: Proposal | None) -> int:
    """0 applied (or nothing to apply), 1 not done and nothing wrong, 2 failed or refused."""
    if proposal is None or proposal.state in IN_FORCE:
        return 0
    return 1 if proposal.state in _HARMLESS else 2


def outcome(words: Catalogue, proposal: Proposal) -> Message:
    """The outcome of `--apply` in one sentence."""
    change = proposal.draft.change
    note = words.plain(proposal.note) if proposal.note else ""
    if proposal.state in IN_FORCE:
        done = message(
            "apply.done",
            proposal_id=proposal.id,
            knob=change.knob.value,
            old=change.old,
            new=change.new,
            unit=change.unit,
        )
        held = Message("views.held_back", held_params(change)) if change.held_permille else None
        return done if held is None else message("apply.done_held", done=done, held=held)
    if proposal.state is State.PENDING:
        return message("apply.votes", proposal_id=proposal.id, needed=proposal.draft.approvals_needed)
    if proposal.state in (State.APPROVED, State.APPLYING):
        return message("apply.under_way", proposal_id=proposal.id, note=note)
    state = words.plain(Message(f"word.state_{proposal.state}", {}))
    return message("apply.not_done", proposal_id=proposal.id, state=state, note=note)
