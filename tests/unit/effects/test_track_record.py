"""When a record is enough to act on unasked, and what speaks against that however long it is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lumen.effects.track_record import record_of, spoken_against
from lumen.model.messages import message
from lumen.model.proposal import (
    Change,
    Choice,
    Decision,
    Knob,
    Measured,
    MeasuredEffect,
    Origin,
    Proposal,
    State,
    Verdict,
    direction,
)
from lumen.model.service import Person
from tests.proposals import applied
from tests.snapshots import NOW

UP, DOWN = Change(Knob.TTL, 300, 420, "s"), Change(Knob.TTL, 420, 300, "s")
KIM = Person("U1", "Kim", "T1")
EFFECTS = (MeasuredEffect("hit_rate_points", 0.1, 0.05, 0.15),)


def made(
    state: State,
    *,
    choice: Choice = Choice.APPROVE,
    change: Change = UP,
    verdict: Verdict | None = None,
    origin: Origin = Origin.POLICY,
    controlled: bool = True,
) -> Proposal:
    """Decided by a person, or by the timer."""
    person = None if choice is Choice.TIMER else KIM
    why = message("effect.too_little", hours=24)
    measured = Measured(24, NOW, verdict, why, EFFECTS, controlled=controlled) if verdict else None
    found = replace(applied("P1", change, state=state, origin=origin), measured=measured)
    return replace(found, decision=Decision(choice, person, "c1"))


KEPT = made(State.KEPT, verdict=Verdict.KEPT)
BY_TIMER = made(State.KEPT, choice=Choice.TIMER, verdict=Verdict.KEPT)
HARMFUL = made(State.HARMFUL, choice=Choice.TIMER, verdict=Verdict.HARMFUL)
UNCLEAR = made(State.INCONCLUSIVE, verdict=Verdict.INCONCLUSIVE)
REJECTED = made(State.REJECTED, choice=Choice.REJECT)
UNDONE = made(State.UNDONE, verdict=Verdict.KEPT)


@pytest.mark.parametrize(
    ("newest_first", "speaks"),
    [
        ([], False),
        ([KEPT] * 9, False),
        ([HARMFUL, *[KEPT] * 9], True),
        ([REJECTED, *[KEPT] * 9], True),
        ([UNDONE, *[KEPT] * 9], True),
        ([made(State.UNDONE, verdict=Verdict.HARMFUL), *[KEPT] * 9], True),
        # Only what a person approved and what helped speaks for it again.
        ([KEPT, HARMFUL], False),
        ([BY_TIMER, HARMFUL], True),
        ([UNCLEAR, HARMFUL], True),
        ([made(State.KEPT, verdict=Verdict.KEPT, controlled=False), HARMFUL], True),
        ([made(State.APPLIED), HARMFUL], True),
        ([made(State.EXPIRED, choice=Choice.EXPIRE), HARMFUL], True),
        # Another knob or direction, and taking back, say nothing of it.
        ([replace(REJECTED, draft=replace(REJECTED.draft, change=DOWN)), KEPT], False),
        ([made(State.REJECTED, choice=Choice.REJECT, change=Change(Knob.CACHE_SIZE, 256, 384, "MB"))], False),
        ([made(State.REJECTED, choice=Choice.REJECT, origin=Origin.UNDO), KEPT], False),
        ([made(State.EXPIRED, choice=Choice.EXPIRE), made(State.WITHDRAWN, choice=Choice.WITHDRAW)], False),
    ],
)
def test_one_no_is_a_no(newest_first: Sequence[Proposal], speaks: bool) -> None:
    assert bool(spoken_against(newest_first, direction(UP))) == speaks


@pytest.mark.parametrize("helped", [5, 20])
def test_after_harm_the_record_falls(helped: int) -> None:
    before = record_of([KEPT] * helped, direction(UP))
    after = record_of([HARMFUL, *[KEPT] * helped], direction(UP))
    assert before.may_offer_automation
    assert after.mean < before.mean
    assert after.may_offer_automation == (helped == 20)  # which is why one no is a no
