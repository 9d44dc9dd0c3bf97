"""Plans: how far one approval reaches, and everything that ends it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.messages import message
from lumen.model.proposal import Change, Choice, Decision, Knob, Measured, MeasuredEffect, Proposal, State, Verdict
from lumen.model.service import Person
from lumen.policies.auto_apply import AutoApplySettings, End, Grounds, auto_apply_end, weigh
from lumen.policies.plans import LASTS, Plan, Present, plan_of, reach, running
from lumen.policies.ttl import TtlLimits
from tests.proposals import applied
from tests.snapshots import NOW
from tests.unit.policies.test_unasked import wanted

MINA = Person("U1", "mina", "T1")
DAY = timedelta(days=1)
EFFECTS = (MeasuredEffect("hit_rate_points", 0.03, 0.02, 0.04),)


def step(
    number: str, change: Change, *, verdict: Verdict | None = Verdict.KEPT, of: str = "P1", **differs: Any
) -> Proposal:
    """A change that was carried out and judged."""
    made = applied(number, change, at=NOW - DAY, state=State.APPLIED if verdict is None else State(verdict.value))
    measured = Measured(
        24, NOW, verdict, message("effect.too_little", hours=24), EFFECTS, verdict is Verdict.HARMFUL, True
    )
    return replace(made, draft=replace(made.draft, step_of=of), **{"measured": measured, **differs})


def approved(**differs: Any) -> Proposal:
    """The proposal that was approved in steps, two days ago."""
    made = step("P1", Change(Knob.TTL, 300, 420, "s"), of="", **differs)
    decision = Decision(Choice.APPROVE, MINA, "click", in_steps=True)
    return replace(made, draft=replace(made.draft, steps_to=900), decision=decision, decided_at=NOW - 2 * DAY)


UP = Change(Knob.TTL, 300, 420, "s")
NEXT = Change(Knob.TTL, 420, 540, "s")
LARGER = Change(Knob.CACHE_SIZE, 256, 384, "MB")
BY_HAND = applied("P2", Change(Knob.TTL, 420, 600, "s"), at=NOW - DAY, state=State.KEPT)
WITHDRAWN = replace(step("P2", NEXT), state=State.WITHDRAWN, measured=None)


def stopped(state: State) -> Proposal:
    """A step that came to nothing."""
    return replace(step("P2", NEXT), state=state, measured=None)


def withdrawn(code: str) -> Proposal:
    return replace(WITHDRAWN, decision=Decision(Choice.WITHDRAW, None, "x", message(code)))


LATER = Change(Knob.TTL, 540, 660, "s")
JUDGED = Measured(24, NOW, Verdict.KEPT, message("effect.too_little", hours=24), EFFECTS, controlled=True)
UNCONTROLLED, TO_UNDO = replace(JUDGED, controlled=False), replace(JUDGED, undo=True)
LOST = replace(JUDGED, effects=(MeasuredEffect("hit_rate_points", -0.02, -0.03, -0.01),))


def other(number: str, change: Change, state: State) -> Proposal:
    """No step."""
    return applied(number, change, at=NOW - DAY, state=state)


CASES: list[tuple[str, Sequence[Proposal], Change, datetime | None, datetime, str | None]] = [
    # The newest first.
    ("next", [approved()], NEXT, None, NOW, None),
    ("after a step", [step("P2", NEXT), approved()], LATER, None, NOW, None),
    ("after memory", [other("P2", LARGER, State.INCONCLUSIVE), approved()], NEXT, None, NOW, None),
    ("memory was refused", [other("P2", LARGER, State.REJECTED), approved()], NEXT, None, NOW, None),
    ("nobody could see it", [withdrawn("plan.not_announced"), approved()], NEXT, None, NOW, None),
    ("it counts down", [stopped(State.PENDING), approved()], NEXT, None, NOW, None),
    ("restored", [replace(stopped(State.PENDING), mark="new.1"), approved()], NEXT, None, NOW, "plan.over_restored"),
    ("without a control", [step("P2", NEXT, measured=UNCONTROLLED), approved()], LATER, None, NOW, "plan.over_step"),
    ("kept at a loss", [step("P2", NEXT, measured=LOST), approved()], LATER, None, NOW, "plan.over_step"),
    ("to be undone", [step("P2", NEXT, measured=TO_UNDO), approved()], LATER, None, NOW, "plan.over_step"),
    ("superseded", [stopped(State.SUPERSEDED), approved()], NEXT, None, NOW, "plan.over_step"),
    ("abandoned", [stopped(State.ABANDONED), approved()], NEXT, None, NOW, "plan.over_step"),
    ("no forecast", [withdrawn("forecast.beyond"), approved()], NEXT, None, NOW, "plan.over_step"),
    ("a freeze", [withdrawn("policy.held_frozen"), approved()], NEXT, None, NOW, "plan.over_step"),
    ("another was refused", [other("P2", NEXT, State.REJECTED), approved()], NEXT, None, NOW, "plan.over_other"),
    ("another expired", [other("P2", NEXT, State.EXPIRED), approved()], NEXT, None, NOW, None),
    ("not wanted once", [withdrawn("unasked.not_wanted"), approved()], NEXT, None, NOW, None),
    ("an alert once", [withdrawn("unasked.alert"), approved()], NEXT, None, NOW, None),
    ("paused before", [approved()], NEXT, NOW - 3 * DAY, NOW, None),
    ("old", [approved()], NEXT, None, NOW - 2 * DAY + LASTS, "plan.over_time"),
    ("paused since", [approved()], NEXT, NOW - DAY, NOW, "plan.over_pause"),
    ("no effect", [approved(verdict=Verdict.INCONCLUSIVE)], NEXT, None, NOW, "plan.over_step"),
    ("harm", [approved(verdict=Verdict.HARMFUL)], NEXT, None, NOW, "plan.over_step"),
    ("no verdict yet", [approved(verdict=None)], NEXT, None, NOW, "plan.over_step"),
    ("undone", [replace(approved(), state=State.UNDONE)], NEXT, None, NOW, "plan.over_step"),
    ("rejected", [stopped(State.REJECTED), approved()], NEXT, None, NOW, "plan.over_step"),
    ("expired", [stopped(State.EXPIRED), approved()], NEXT, None, NOW, "plan.over_step"),
    ("a page", [withdrawn("policy.held_page"), approved()], NEXT, None, NOW, "plan.over_step"),
    ("a pause", [withdrawn("policy.held_paused"), approved()], NEXT, None, NOW, "plan.over_step"),
    ("no data", [withdrawn("policy.held_gaps"), approved()], NEXT, None, NOW, "plan.over_step"),
    ("failed", [stopped(State.FAILED), approved()], NEXT, None, NOW, "plan.over_step"),
    ("somebody else's", [BY_HAND, approved()], Change(Knob.TTL, 600, 720, "s"), None, NOW, "plan.over_other"),
    ("moved", [approved()], Change(Knob.TTL, 480, 600, "s"), None, NOW, "plan.over_moved"),
    ("too far", [approved()], Change(Knob.TTL, 420, 960, "s"), None, NOW, "plan.over_bound"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("past", "change", "paused_at", "now", "code"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_when_a_plan_goes_on_and_what_ends_it(
    past: Sequence[Proposal], change: Change, paused_at: datetime | None, now: datetime, code: str | None
) -> None:
    found = plan_of(past, change, Present(now, paused_at))
    assert found is not None
    assert (found.approved.id, found.by, found.ended and found.ended.code) == ("P1", "U1", code)


@pytest.mark.parametrize(
    ("past", "change"),
    [
        ([], NEXT),
        ([replace(approved(), decision=Decision(Choice.APPROVE, MINA, "click"))], NEXT),
        ([approved()], Change(Knob.TTL, 420, 300, "s")),
        ([approved()], LARGER),
        ([replace(approved(), draft=replace(approved().draft, steps_to=0))], NEXT),
    ],
)
def test_what_is_no_part_of_a_plan(past: Sequence[Proposal], change: Change) -> None:
    assert plan_of(past, change, Present(NOW)) is None


@given(st.lists(st.sampled_from(["kept", "unclear", "harm", "rejected", "by_hand", "not_wanted"]), max_size=5))
def test_after_anything_but_help_nothing_is_done_alone(ends: list[str]) -> None:
    past, stands = [approved()], 420
    for number, end in enumerate(ends, 2):
        made = step(f"P{number}", Change(Knob.TTL, stands, stands + 60, "s"))
        match end:
            case "kept":
                stands += 60
            case "unclear":
                made, stands = replace(made, state=State.INCONCLUSIVE), stands + 60
            case "harm":
                made, stands = replace(made, state=State.HARMFUL), stands + 60
            case "rejected":
                made = replace(made, state=State.REJECTED, measured=None)
            case "not_wanted":
                made = replace(withdrawn("unasked.not_wanted"), id=made.id)
            case _:
                made, stands = replace(made, draft=replace(made.draft, step_of="")), stands + 60
        past.insert(0, made)
    found = plan_of(past, Change(Knob.TTL, stands, stands + 60, "s"), Present(NOW))
    assert found is not None
    assert (found.ended is None) == (set(ends) <= {"kept", "not_wanted"} and stands + 60 <= 900)


@pytest.mark.parametrize(
    ("change", "limits", "most"),
    [
        (UP, TtlLimits(), 900),
        (UP, TtlLimits(max_seconds=600), 600),
        # Nothing further, pinned, down, or another knob.
        (UP, TtlLimits(max_seconds=420), 0),
        (UP, None, 0),
        (Change(Knob.TTL, 300, 240, "s"), TtlLimits(), 0),
        (LARGER, TtlLimits(), 0),
    ],
)
def test_how_far_steps_may_go(change: Change, limits: TtlLimits | None, most: int) -> None:
    assert reach(change, limits) == most


def test_who_must_be_two_by_now_has_approved_nothing_further() -> None:
    found = plan_of([approved()], NEXT, Present(NOW, approvals_needed=2))
    assert found is not None
    assert found.ended == message("plan.over_needed", needed=2)


@pytest.mark.parametrize(
    ("past", "runs"),
    [
        ([], False),
        ([approved(verdict=None)], True),
        ([step("P2", NEXT, verdict=None), approved()], True),
        ([step("P2", Change(Knob.TTL, 420, 900, "s")), approved()], False),
        ([step("P2", NEXT, verdict=Verdict.HARMFUL), approved()], False),
        ([step("P2", NEXT, verdict=None, measured=replace(TO_UNDO, verdict=None)), approved()], False),
        ([BY_HAND, approved(verdict=None)], False),
    ],
)
def test_what_runs_is_shown_also_while_it_is_measured(past: Sequence[Proposal], runs: bool) -> None:
    assert (running(past, Present(NOW)) is not None) == runs
    assert running(past, Present(NOW, paused_at=NOW)) is None


ALONE = Grounds(helped=1, trials=1, chance=2 / 3, earned=False, plan=Plan(approved(), None))


def test_a_step_needs_neither_the_setting_nor_the_record() -> None:
    weighed = weigh(Knob.TTL, AutoApplySettings(), ALONE)
    assert (weighed.against, weighed.acts_in) == ((), timedelta(hours=1))
    assert [told.code for told in weighed.told] == ["plan.step"]
    ending = auto_apply_end(NEXT, wanted(NEXT), (), weighed)
    assert (ending.end, [one.code for one in ending.reasons]) == (End.ACT, ["plan.acted"])


@pytest.mark.parametrize("differs", [{"alert": "a1"}, {"is_watched": False}, {"spoken_against": "P7"}])
def test_a_step_that_something_speaks_against_waits_and_nobody_is_asked(differs: dict[str, Any]) -> None:
    weighed = weigh(Knob.TTL, AutoApplySettings(), replace(ALONE, **differs))
    assert (weighed.waits, weighed.acts_in) == (True, None)
    assert auto_apply_end(NEXT, wanted(NEXT), (), weighed).end is End.WITHDRAW


def test_when_it_is_over_the_card_says_why() -> None:
    over = replace(ALONE, plan=Plan(approved(), message("plan.over_time", days=14)))
    weighed = weigh(Knob.TTL, AutoApplySettings(), over)
    assert (weighed.waits, weighed.acts_in) == (False, None)
    assert [told.code for told in weighed.told] == ["plan.asked_because", "plan.over_time"]
