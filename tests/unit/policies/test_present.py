"""A turn's advice once something was changed, pinned or locked after it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, State
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Occasion, Turn
from lumen.policies.present import Present, changed_since, present_ttl, size_now, turn_now
from lumen.policies.size import SizeLimits, advise_size, size_figures
from lumen.policies.ttl import Strategy, TtlLimits, recommend_ttl
from tests.proposals import applied
from tests.snapshots import GONE, NOW, cache, snapshot, ttl

LATER = NOW + timedelta(minutes=5)
LIMITS = TtlLimits()
#: The TTL policy wants two minutes more.
SEEN = snapshot(cache=cache(0.70, 0.50, 0))
LONGER = Change(Knob.TTL, 300, 420, "s")
TURN = Turn(
    "t", Occasion.SLOT, NOW, NOW, SEEN, assess(SEEN, AssessmentSettings()), recommend_ttl(SEEN, LIMITS), (), (), ()
)


def change_of(turn: Turn) -> tuple[Change | None, Change | None]:
    assert not isinstance(turn.ttl, NoData)
    assert not isinstance(turn.first, NoData)
    return turn.ttl.change, turn.first.change


def setting(seconds: int) -> TtlSetting:
    return TtlSetting(seconds, 7, seconds, 7)


def test_nothing_happened_since() -> None:
    now = turn_now(TURN, Present(SEEN.ttl, {}), LIMITS)
    assert change_of(now) == change_of(TURN) == (LONGER, LONGER)


def test_what_was_just_applied_is_not_advised_again() -> None:
    changed = changed_since(TURN, [applied("P1", LONGER, at=LATER)])
    held = replace(TURN, held_back=(message("policy.held_measuring"),))
    now = turn_now(held, Present(present_ttl(TURN, changed), changed), LIMITS)
    assert not isinstance(now.snapshot.ttl, NoData)
    assert (now.snapshot.ttl.value_seconds, now.snapshot.ttl.followed) == (420, True)
    assert (change_of(now), now.held_back) == ((None, None), ())
    assert not isinstance(now.ttl, NoData)
    assert [reason.code for reason in now.ttl.reasons] == ["policy.changed_since"]


def test_a_value_set_by_hand_is_seen_too() -> None:
    now = turn_now(TURN, Present(setting(600), {}), LIMITS)
    assert change_of(now) == (None, None)


def test_the_newest_of_several_changes_stands() -> None:
    back = replace(LONGER, old=420, new=300)
    both = [applied("P2", back, at=LATER), applied("P1", LONGER, at=NOW + timedelta(minutes=1), state=State.UNDONE)]
    assert changed_since(TURN, both) == {Knob.TTL: 300}
    now = turn_now(TURN, Present(SEEN.ttl, {Knob.TTL: 300}), LIMITS)
    assert change_of(now) == (None, None), "what was just taken back is not advised before the next turn"


@pytest.mark.parametrize("state", [State.PENDING, State.REJECTED, State.ABANDONED, State.FAILED])
def test_what_changed_nothing_changes_no_advice(state: State) -> None:
    assert changed_since(TURN, [applied("P1", LONGER, at=LATER, state=state)]) == {}


def test_what_was_applied_before_the_turn_is_in_its_figures() -> None:
    assert changed_since(TURN, [applied("P1", LONGER, at=NOW - timedelta(minutes=5))]) == {}


def test_a_pin_is_the_advice_while_it_holds_and_no_longer() -> None:
    pinned = turn_now(TURN, Present(SEEN.ttl, {}, TtlOverride(600)), LIMITS)
    assert change_of(pinned) == (Change(Knob.TTL, 300, 600, "s"),) * 2
    lifted = turn_now(pinned, Present(SEEN.ttl, {}), LIMITS)
    assert not isinstance(lifted.ttl, NoData)
    assert (lifted.ttl.change, lifted.ttl.strategy) == (LONGER, Strategy.MODERATE)


def test_a_setting_that_cannot_be_read_is_no_advice() -> None:
    assert turn_now(TURN, Present(GONE, {}), LIMITS).ttl == GONE
    unknown = replace(TURN, snapshot=replace(SEEN, ttl=GONE))
    assert present_ttl(unknown, {Knob.TTL: 420}) == GONE


def test_the_size() -> None:
    seen = snapshot(cache=cache(0.70, 0.94, 2400))
    figures = size_figures(seen.cache)
    assert not isinstance(figures, NoData)
    wanted = advise_size(figures, SizeLimits()).recommendation
    turn = replace(TURN, snapshot=seen, wanted=wanted)
    for changed, advised in (({}, wanted.change), ({Knob.CACHE_SIZE: 384}, None)):
        size = size_now(turn, SizeLimits(), changed)
        assert not isinstance(size, NoData)
        assert size.recommendation.change == advised
        assert change_of(turn_now(turn, Present(ttl(), changed), LIMITS))[1] == advised
    locked = turn_now(turn, Present(ttl(), {}, size_lock=SizeLock()), LIMITS)
    assert not isinstance(locked.first, NoData)
    assert (locked.first.change, locked.first.reasons[0].code) == (None, "restraint.locked_by_setting")
