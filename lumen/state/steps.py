"""Which states execution and verdicts may move a proposal through (drawn in docs/states.md)."""

from collections.abc import Mapping
from types import MappingProxyType

from lumen.model.proposal import State

_APPROVED = {State.APPROVED, State.APPROVED_BY_TIMER}
_VERDICTS = {State.KEPT, State.INCONCLUSIVE, State.HARMFUL}

#: By the state to reach: where it may be reached from. The state itself stands there where a note may be renewed.
COMES_FROM: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.APPROVED: frozenset({State.APPROVED}),
        State.APPROVED_BY_TIMER: frozenset({State.APPROVED_BY_TIMER}),
        State.APPLYING: frozenset(_APPROVED | {State.APPLYING}),
        State.APPLIED: frozenset({State.APPLYING, State.APPLIED}),
        State.FAILED: frozenset(_APPROVED | {State.APPLYING, State.FAILED}),
        State.ABANDONED: frozenset(_APPROVED | {State.APPLYING, State.ABANDONED}),
        State.KEPT: frozenset({State.APPLIED, State.KEPT}),
        State.INCONCLUSIVE: frozenset({State.APPLIED, State.INCONCLUSIVE}),
        State.HARMFUL: frozenset({State.APPLIED, State.HARMFUL}),
        State.UNDONE: frozenset(_VERDICTS | {State.APPLIED, State.FAILED, State.UNDONE}),
    }
)
