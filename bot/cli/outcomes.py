"""What an answer or a change of the command line comes to: exit codes, and the sentence that tells it."""

from collections.abc import Sequence
from datetime import datetime

from bot.cli.answers import is_stale
from handlers.catalogue import Catalogue
from lumen.model.assessment import CacheHealth, Verdict
from lumen.model.message import Message, message
from lumen.model.proposal import Proposal, State
from lumen.model.turn import Turn

_APPLIED = frozenset({State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL})
#: Nothing was changed, and that is no failure of anything.
_HARMLESS = frozenset({State.ABANDONED, State.PENDING, State.APPROVED, State.APPLYING, State.SUPERSEDED})


_CACHE_CODES = {
    CacheHealth.OPTIMAL: 0,
    CacheHealth.GOOD: 0,
    CacheHealth.DEGRADED: 1,
    CacheHealth.POOR: 1,
    CacheHealth.FAILED: 2,
    CacheHealth.NO_DATA: 3,
}
_GATE_CODES = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2, Verdict.NO_DATA: 3}


def _worst(codes: Sequence[int]) -> int:
    """Of several services the most urgent counts; 3 where nothing is known of any."""
    return max((code for code in codes if code != 3), default=3)


def cache_exit_code(turns: Sequence[Turn]) -> int:
    """By the health of the cache."""
    return _worst([_CACHE_CODES[turn.assessment.cache.health] for turn in turns])


def gate_exit_code(turns: Sequence[Turn], now: datetime) -> int:
    """By the verdict. A service of which nothing recent is known lets no release through: 3, unless one is worse."""
    codes = [3 if is_stale(turn, now) else _GATE_CODES[turn.assessment.gate.verdict] for turn in turns]
    bad = _worst(codes)
    return 3 if bad < 2 and 3 in codes else bad


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
