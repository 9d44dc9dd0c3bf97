"""What `lumen ttl`, `lumen size`, `lumen cache` and `lumen gate` answer, before it is printed.

What an answer or a change of the command line comes to: exit codes, and the sentence that tells it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from bot.config import Settings
from bot.wiring.assembly import Lumen, assemble, operator_of
from lumen.exporters.cache import grade_evictions, grade_hit_rate, grade_memory
from lumen.model.answers import STALE_AFTER
from lumen.model.assessment import CacheHealth, GateVerdict, Grade, HealthLevel
from lumen.model.messages import Message, NoData, NotPossible, message
from lumen.model.override import Terms
from lumen.model.proposal import IN_FORCE, OPEN, Change, Expectation, Knob, Priority, Proposal, State, Value
from lumen.model.service import ServiceId
from lumen.model.turn import Recommendation, Turn
from lumen.policies.size import SizeAdvice, SizeFigures, SizeLimits, advise_size, recommend_size, size_figures
from lumen.policies.ttl import Strategy, TtlFigures, TtlLimits, advise_ttl, meaning_of_ttl, recommend_ttl
from lumen.use_cases.approvals import NOT_PREDICTABLE
from lumen.use_cases.turn import NO_TURN_YET
from lumen.wording.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class TtlAnswer:
    """`service` "": the figures were given. `expected`: what the recommended value would do.

    `is_stale`: it rests on a turn that is too old to change anything by.
    """

    service: str
    measured_at: datetime | None
    current_seconds: int | None
    recommendation: Recommendation | NoData
    expected: Expectation | NoData
    notes: tuple[Message, ...] = ()
    is_stale: bool = False

    @property
    def wanted_seconds(self) -> int | None:
        """What it should become; None for hold and for no data."""
        change = None if isinstance(self.recommendation, NoData) else self.recommendation.change
        return change.new if change is not None and isinstance(change.new, int) else None


@dataclass(frozen=True, slots=True)
class SizeAnswer:
    """As for the TTL; `grades` are those of memory, evictions and hit rate."""

    service: str
    measured_at: datetime | None
    figures: SizeFigures | NoData
    advice: SizeAdvice | NoData
    is_stale: bool = False

    @property
    def grades(self) -> tuple[Grade, Grade, Grade] | None:
        """Memory, evictions, hit rate."""
        of = self.figures
        if isinstance(of, NoData):
            return None
        return grade_memory(of.memory_ratio), grade_evictions(of.evictions_per_hour), grade_hit_rate(of.hit_rate)

    @property
    def recommendation(self) -> Recommendation | NoData:
        """What it should become."""
        return self.advice if isinstance(self.advice, NoData) else self.advice.recommendation

    @property
    def wanted_mb(self) -> int | None:
        """What it should become; None for hold and for no data."""
        change = None if isinstance(self.advice, NoData) else self.advice.recommendation.change
        return change.new if change is not None and isinstance(change.new, int) else None


def ttl_of_figures(figures: TtlFigures, limits: TtlLimits) -> TtlAnswer:
    """From figures that a person gives."""
    found = advise_ttl(figures, limits)
    if limits.override_seconds is not None:
        pinned = limits.override_seconds
        change = None if figures.ttl_seconds == pinned else Change(Knob.TTL, figures.ttl_seconds, pinned, "s")
        reasons = (message("policy.ttl_pinned", ttl_seconds=pinned),)
        found = Recommendation(change, Strategy.OVERRIDE, reasons, Priority.MEDIUM)
    return TtlAnswer("", None, figures.ttl_seconds, found, NOT_PREDICTABLE)


def size_of_figures(figures: SizeFigures, limits: SizeLimits) -> SizeAnswer:
    """From figures that a person gives."""
    return SizeAnswer("", None, figures, advise_size(figures, limits))


async def ttl_measured(lumen: Lumen, service: ServiceId, limits: TtlLimits, new_seconds: int | None) -> TtlAnswer:
    """From the last turn and the setting as it is now; `new_seconds` is what a person thinks of. Raises NotPossible."""
    turn = await _last(lumen, service)
    setting = (await lumen.readouts.ttl(service)).setting
    at = turn.snapshot.window.end if turn else None
    if isinstance(setting, NoData):
        return TtlAnswer(service.key, at, None, setting, NOT_PREDICTABLE)
    current = setting.value_seconds
    if new_seconds is not None:
        meant = meaning_of_ttl(current, new_seconds, limits)
        if current == new_seconds and meant.problem is not None:
            held = Recommendation(None, Strategy.HOLD, (meant.problem,), Priority.LOW)
            return TtlAnswer(service.key, at, current, held, NOT_PREDICTABLE)
        if meant.problem is not None:
            raise NotPossible(meant.problem, message("apply.nothing_remedy"))
        wanted = Recommendation(meant.change, "ASKED", (), Priority.MEDIUM)
        return TtlAnswer(service.key, at, current, wanted, NOT_PREDICTABLE, meant.notes)
    if turn is None and limits.override_seconds is None:
        return TtlAnswer(service.key, at, current, NO_TURN_YET, NOT_PREDICTABLE)
    if turn is None:
        return await ttl_measured(lumen, service, replace(limits, override_seconds=None), limits.override_seconds)
    found = recommend_ttl(replace(turn.snapshot, ttl=setting), turn.assessment, limits)
    # A pinned value rests on nothing that was measured.
    stale = limits.override_seconds is None and is_stale(turn, lumen.clock.now())
    return TtlAnswer(service.key, at, current, found, NOT_PREDICTABLE, is_stale=stale)


async def size_measured(lumen: Lumen, service: ServiceId, limits: SizeLimits) -> SizeAnswer:
    """From the last turn."""
    turn = await _last(lumen, service)
    if turn is None:
        return SizeAnswer(service.key, None, NO_TURN_YET, NO_TURN_YET)
    return size_of_turn(turn, limits, lumen.clock.now())


def size_of_turn(turn: Turn, limits: SizeLimits, now: datetime) -> SizeAnswer:
    """From what this turn measured, as it stands at `now`."""
    snapshot = turn.snapshot
    figures, advice = size_figures(snapshot.cache), recommend_size(snapshot, limits)
    return SizeAnswer(snapshot.service.key, snapshot.window.end, figures, advice, is_stale(turn, now))


async def _last(lumen: Lumen, service: ServiceId) -> Turn | None:
    turns = await lumen.store.turns.latest(service, 1)
    return turns[0] if turns else None


async def answer_ttl(
    settings: Settings, service: ServiceId, limits: TtlLimits, new_seconds: int | None, *, apply: bool
) -> tuple[TtlAnswer, Proposal | None]:
    """The answer, and what became of it with `apply`. Raises as `Applying.apply` does."""
    async with assemble(settings) as lumen:
        pinning = None if limits.override_seconds == settings.override_ttl else limits.override_seconds
        if apply and pinning is not None:
            await _pin(settings, lumen, service, pinning)
        if pinning is None:
            override = (await lumen.restraints.now(service)).override
            limits = replace(limits, override_seconds=override.ttl_seconds if override else None)
        answer = await ttl_measured(lumen, service, limits, new_seconds)
        asked = new_seconds is not None or limits.override_seconds is not None
        if not apply or answer.wanted_seconds is None:
            return answer, None
        why = () if isinstance(answer.recommendation, NoData) or asked else answer.recommendation.reasons
        if not asked:
            _refuse_stale(answer)
        return answer, await _apply(settings, lumen, service, Knob.TTL, answer.wanted_seconds, why)


async def answer_size(
    settings: Settings, service: ServiceId, limits: SizeLimits, *, apply: bool
) -> tuple[SizeAnswer, Proposal | None]:
    """The answer, and what became of it with `apply`. Raises as `Applying.apply` does."""
    async with assemble(settings) as lumen:
        if apply and limits.locked and not settings.lock_cache_size:
            await _lock(settings, lumen, service)
        locked = (await lumen.restraints.now(service)).size_lock is not None
        answer = await size_measured(lumen, service, replace(limits, locked=limits.locked or locked))
        if not apply or answer.wanted_mb is None or isinstance(answer.advice, NoData):
            return answer, None
        _refuse_stale(answer)
        reasons = answer.advice.recommendation.reasons
        return answer, await _apply(settings, lumen, service, Knob.CACHE_SIZE, answer.wanted_mb, reasons)


def _refuse_stale(answer: TtlAnswer | SizeAnswer) -> None:
    if answer.is_stale and answer.measured_at is not None:
        at = answer.measured_at.isoformat()
        raise NotPossible(message("apply.stale", measured_at=at), message("apply.stale_remedy"))


async def _pin(settings: Settings, lumen: Lumen, service: ServiceId, ttl_seconds: int) -> None:
    """`--override-ttl` with `--apply`: the value is applied right after, so nothing is proposed for it."""
    permit = await lumen.operators.permit(service, await operator_of(settings), f"override ttl {ttl_seconds}")
    await lumen.overrides.only_pin_ttl(service, permit, ttl_seconds, Terms(), f"cli:{uuid4().hex}")


async def _lock(settings: Settings, lumen: Lumen, service: ServiceId) -> None:
    """`--lock` with `--apply`."""
    permit = await lumen.operators.permit(service, await operator_of(settings), "lock size")
    await lumen.overrides.lock_size(service, permit, Terms(), f"cli:{uuid4().hex}")


async def _apply(
    settings: Settings, lumen: Lumen, service: ServiceId, knob: Knob, wanted: Value, why: tuple[Message, ...]
) -> Proposal:
    person = await operator_of(settings)
    return await lumen.applying.apply(service, knob, wanted, person, f"cli:{uuid4().hex}", why)


def is_stale(turn: Turn, now: datetime) -> bool:
    """Too old to tell how the service is."""
    return now - turn.snapshot.window.end > STALE_AFTER


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


_GATE_CODES = {GateVerdict.PASS: 0, GateVerdict.WARN: 1, GateVerdict.FAIL: 2, GateVerdict.NO_DATA: 3}


#: From the least to the most urgent: of what is not known it cannot be said that it is good.
_URGENCY = (0, 1, 3, 2)


@dataclass(frozen=True, slots=True)
class Last:
    """The last turns of `services` services as they stand at `now`. One may have none yet, or an old one."""

    turns: Sequence[Turn]
    services: int
    now: datetime

    def health_code(self) -> int:
        """0 good, 1 warning, 2 critical, 3 no data. Of several services the most urgent counts."""
        return self._code(lambda turn: HEALTH_CODES[turn.assessment.gate.health])

    def cache_code(self) -> int:
        """By the health of the cache."""
        return self._code(lambda turn: _CACHE_CODES[turn.assessment.cache.health])

    def gate_code(self) -> int:
        """By the verdict."""
        return self._code(lambda turn: _GATE_CODES[turn.assessment.gate.verdict])

    def _code(self, of: Callable[[Turn], int]) -> int:
        codes = [3 if is_stale(turn, self.now) else of(turn) for turn in self.turns]
        codes += [3] * (self.services - len(self.turns))
        return max(codes, key=_URGENCY.index)


def exit_code_of_change(proposal: Proposal | None) -> int:
    """0 applied (or nothing to apply), 1 not done and nothing wrong, 2 failed or refused."""
    if proposal is None or proposal.state in IN_FORCE:
        return 0
    return 1 if proposal.state in _HARMLESS else 2


def confidence_word(confidence: float) -> str:
    """0.78 is high (docs/scores.md, Cache)."""
    return "high" if confidence >= 0.7 else "medium" if confidence >= 0.4 else "low"


def outcome(words: Catalogue, proposal: Proposal) -> Message:
    """What became of `--apply`, in one sentence."""
    change = proposal.draft.change
    note = words.plain(proposal.note) if proposal.note else ""
    if proposal.state in IN_FORCE:
        return message(
            "apply.done",
            proposal_id=proposal.id,
            knob=change.knob.value,
            old=change.old,
            new=change.new,
            unit=change.unit,
        )
    if proposal.state is State.PENDING:
        return message("apply.votes", proposal_id=proposal.id, needed=proposal.draft.approvals_needed)
    if proposal.state in (State.APPROVED, State.APPLYING):
        return message("apply.under_way", proposal_id=proposal.id, note=note)
    state = words.plain(Message(f"word.state_{proposal.state}", {}))
    return message("apply.not_done", proposal_id=proposal.id, state=state, note=note)
