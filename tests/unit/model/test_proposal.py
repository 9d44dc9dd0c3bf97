"""The sets of states: every state has its place in exactly one."""

from lumen.model.proposal import CHANGED_NOTHING, CHANGED_SOMETHING, OPEN, State


def test_each_state_is_open_or_has_changed_something_or_nothing() -> None:
    assert set(State) == OPEN | CHANGED_SOMETHING | CHANGED_NOTHING
    assert len(OPEN) + len(CHANGED_SOMETHING) + len(CHANGED_NOTHING) == len(State)
