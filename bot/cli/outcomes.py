"""What an answer or a change of the command line comes to: exit codes, and the sentence that tells it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cli.answers import is_stale
from handlers.catalogue import Catalogue
from lumen.model.assessment import CacheHealth, HealthLevel, Verdict
from lumen.model.message import Message, message
from lumen.model.proposal import Proposal, State
from lumen.model.turn import Turn

_APPLIED = frozenset({State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL})
#: Nothing was changed, and that is no failure of anything.
_HARMLESS = frozenset({State.ABANDONED, State.PENDING, State.APPROVED, State.APPLYING, State.SUPERSEDED})

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
_GATE_CODES = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2, Verdict.NO_DATA: 3}
#: From the least to the most urgent: of what is not known it cannot be said that it is good.
_URGENCY = (0, 1, 3, 2)


@dataclass(frozen=True, slots=True)
class Last:
    """The last turns of `services` services as they stand at `now`. One may have none yet, or an old one."""

    turns: Sequence[Turn]
    services: int
    now: datetime

    def health_code(self) -> int:
        """Mission 8: 0 good, 1 warning, 2 critical, 3 no data. Of several services the most urgent counts."""
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
    if proposal is None or proposal.state in _APPLIED:
        return 0
    return 1 if proposal.state in _HARMLESS else 2


def confidence_word(confidence: float) -> str:
    """0.78 is high (mission 4)."""
    return "high" if confidence >= 0.7 else "medium" if confidence >= 0.4 else "low"


def outcome(words: Catalogue, proposal: Proposal) -> Message:
    """What became of `--apply`, in one sentence."""
    change = proposal.draft.change
    note = words.plain(proposal.note) if proposal.note else ""
    if proposal.state in _APPLIED:
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
