"""Bodies are compared as far as something is wanted; what others add is no difference and survives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.setup import Difference
from lumen.use_cases.setup.compare import changed_by_hand, differences, fingerprint, leaves, merged, projected

LEAVES = st.one_of(st.text(max_size=3), st.integers(-3, 3), st.booleans())
BODIES = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
            st.lists(st.dictionaries(st.sampled_from("abcd"), inner, max_size=2), max_size=2),
            st.lists(st.text(max_size=2), max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def and_more(body: Any) -> Any:
    """With a field more in every object."""
    if isinstance(body, dict):
        return {**{name: and_more(value) for name, value in body.items()}, "theirs": "x"}
    return [and_more(one) for one in body] if isinstance(body, list) else body


@given(BODIES, BODIES)
def test_what_is_laid_over_makes_no_difference_any_more_and_loses_nothing(there: Any, wanted: Any) -> None:
    body = merged(there, wanted)
    assert differences(body, wanted) == ()
    assert set(there) <= set(body)


@given(BODIES)
def test_what_others_add_is_no_difference(wanted: Any) -> None:
    assert differences(and_more(wanted), wanted) == ()
    assert not changed_by_hand(and_more(wanted), wanted, fingerprint(wanted))


@given(BODIES, BODIES)
def test_a_difference_under_the_same_fingerprint_is_a_persons(there: Any, wanted: Any) -> None:
    by_hand = changed_by_hand(there, wanted, fingerprint(wanted))
    assert by_hand is bool(differences(there, wanted))


@given(BODIES)
def test_everything_that_is_made_is_listed(wanted: Any) -> None:
    assert bool(list(leaves(wanted))) is (projected(wanted, wanted) not in ({},) and has_a_leaf(wanted))


def has_a_leaf(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_a_leaf, value.values()))
    if isinstance(value, list) and not all(isinstance(one, str) for one in value):
        return any(map(has_a_leaf, value))
    return True


OURS, THEIRS = "projects/p/notificationChannels/1", "projects/p/notificationChannels/2"


@pytest.mark.parametrize(
    ("there", "wanted", "applied", "by_hand", "after"),
    [
        ([OURS, THEIRS], [OURS], [OURS], False, [OURS, THEIRS]),
        ([THEIRS], [OURS], [OURS], True, [THEIRS, OURS]),
        ([THEIRS], [OURS], [], False, [THEIRS, OURS]),
        ([OURS, THEIRS], [], [OURS], False, [OURS, THEIRS]),
    ],
)
def test_a_list_that_is_open_to_others(
    there: list[str], wanted: list[str], applied: list[str], by_hand: bool, after: list[str]
) -> None:
    def body(channels: list[str]) -> dict[str, Any]:
        return {"displayName": "x", "notificationChannels": channels}

    assert changed_by_hand(body(there), body(wanted), fingerprint(body(applied))) is by_hand
    assert merged(body(there), body(wanted)) == body(after)


def test_a_newer_form_tells_nothing_of_people() -> None:
    older, newer = {"a": 1}, {"a": 2, "b": 3}
    assert not changed_by_hand({"a": 5}, newer, fingerprint(older))
    assert changed_by_hand({"a": 5}, older, fingerprint(older))


def test_of_lists_each_element_is_told() -> None:
    there = {"tiles": [{"title": "a", "theirs": 1}, {"title": "x"}, {"title": "c"}]}
    wanted = {"tiles": [{"title": "a"}, {"title": "b"}]}
    assert differences(there, wanted) == (
        Difference("tiles[1].title", "x", "b"),
        Difference("tiles[2]", {"title": "c"}, None),
    )
    assert differences(wanted, there)[-1] == Difference("tiles[2]", None, {"title": "c"})
