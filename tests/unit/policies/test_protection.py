"""The page always says what happens by itself, or why nothing will: the table over all reasons, and any combination."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.messages import Message, message
from lumen.model.proposal import (
    CHANGED_SOMETHING,
    LATEST,
    OPEN,
    Change,
    Choice,
    Decision,
    Draft,
    Knob,
    Origin,
    Priority,
    Proposal,
    State,
)
from lumen.policies.protection import REASONS, PageFacts, Plan, Step, plan
from lumen.policies.rollback import RevisionCounts, RollbackFacts, judge_rollback
from lumen.use_cases.rollback import EXPECTED
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, SERVICE
from tests.snapshots import NOW
from tests.unit.policies.test_rollback import GUILTY, late

PAGE = "page"
HELD = (
    *(message(f"policy.held_{by}") for by in ("disabled",)),
    *(message(f"policy.held_{by}", until_at=NOW.isoformat()) for by in ("observing", "frozen")),
    message("rollback.paused", who_mention="U1"),
    message("rollback.paused_until", who_mention="U1", until_at=NOW.isoformat()),
    message("rollback.dry_run"),
)
ASKED = ("policy.held_observing", "policy.held_frozen")
DECIDED = {State.PENDING: None, State.REJECTED: Choice.REJECT, State.APPROVED_BY_TIMER: Choice.TIMER}


def proposal(state: State, *, incident: str = PAGE, acts: bool = False, new: str = "old", by: bool = True) -> Proposal:
    choice = DECIDED.get(state, Choice.APPROVE)
    decision = Decision(choice, KIM if by and choice is not Choice.TIMER else None, "c") if choice else None
    origin, asked_by = (Origin.POLICY, None) if incident else (Origin.PERSON, KIM)
    draft = Draft(
        SERVICE,
        Change(Knob.TRAFFIC, LATEST, new, ""),
        "v",
        origin,
        asked_by,
        (),
        EXPECTED,
        Priority.HIGH,
        None,
        "r",
        incident=incident,
    )
    note = message("rollback.moved") if state is State.FAILED else None
    acts_at = NOW + timedelta(minutes=5) if acts else None
    return Proposal("P1", draft, state, NOW, NOW, decision, NOW, note, None, 1, acts_at)


@dataclass(frozen=True, slots=True)
class World:
    """A page is open; everything else may be so or otherwise."""

    facts: RollbackFacts = GUILTY
    failing: bool | None = True
    held: tuple[Message, ...] = ()
    earlier: tuple[Proposal, ...] = ()
    waiting: Proposal | None = None

    def plan(self) -> Plan:
        advice = judge_rollback(self.facts, NOW)
        return plan(PageFacts(self.earlier, self.waiting, advice, self.failing, self.held))


def state_is(*states: State) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        mine = [one for one in world.earlier if one.state in states]
        return bool(mine) or (world.waiting is not None and world.waiting.state in states)

    return check


def few(facts: RollbackFacts) -> bool:
    return facts.previous is None or facts.newest is None or facts.newest.requests < 100


def old(facts: RollbackFacts) -> bool:
    taken = facts.newest_took_traffic_at
    return taken is None or NOW - taken >= timedelta(days=1)


def is_held(reason: Message) -> Callable[[World], bool]:
    return lambda world: reason in world.held


#: Of each reason, whether it is true.
TRUE: Mapping[str, Callable[[World], bool]] = {
    "policy.rollback_few_requests": lambda w: few(w.facts),
    "policy.rollback_was_breaching": lambda w: w.facts.within_slo_before is not True,
    "policy.rollback_no_target": lambda w: w.facts.good_revision is None,
    "policy.rollback_no_data": lambda w: not w.facts.data_complete,
    "policy.rollback_never": lambda w: not w.facts.allowed,
    "policy.rollback_too_old": lambda w: old(w.facts),
    "policy.rollback_not_worse": lambda w: w.facts.newest is not None and w.facts.newest.errors_5xx < 3,
    "policy.rollback_others_too": lambda w: w.facts.beside is not None and w.facts.beside.errors_5xx > 20,
    "policy.rollback_late": lambda w: w.facts.onset is not None,
    "policy.rollback_elsewhere": lambda w: w.facts.elsewhere != "",
    "policy.rollback_pinned": lambda w: w.facts.pinned is not None,
    "rollback.no_data": lambda w: w.failing is None,
    "rollback.note_well": lambda w: w.failing is False,
    "rollback.note_rejected": state_is(State.REJECTED),
    "rollback.note_acted": state_is(State.APPROVED_BY_TIMER, State.APPLYING),
    "rollback.note_decided": state_is(*OPEN - {State.PENDING, State.APPROVED_BY_TIMER}),
    "rollback.note_done": state_is(*CHANGED_SOMETHING - {State.FAILED, State.UNDONE}),
    "rollback.note_failed": state_is(State.FAILED),
    "rollback.note_undone": state_is(State.UNDONE),
    **{one.code: is_held(one) for one in HELD},
}  # fmt: skip
OLDER_FAILS = RevisionCounts("old", 500, 41)
WORLDS: Mapping[str, World] = {
    "policy.rollback_few_requests": World(replace(GUILTY, newest=RevisionCounts("new", 99, 40))),
    "policy.rollback_was_breaching": World(replace(GUILTY, within_slo_before=False)),
    "policy.rollback_no_target": World(replace(GUILTY, good_revision=None)),
    "policy.rollback_no_data": World(replace(GUILTY, data_complete=False)),
    "policy.rollback_never": World(replace(GUILTY, allowed=False)),
    "policy.rollback_too_old": World(replace(GUILTY, newest_took_traffic_at=None)),
    "policy.rollback_not_worse": World(replace(GUILTY, newest=RevisionCounts("new", 500, 2))),
    "policy.rollback_others_too": World(replace(GUILTY, beside=OLDER_FAILS)),
    "policy.rollback_late": World(late(), waiting=proposal(State.PENDING)),
    "policy.rollback_elsewhere": World(replace(GUILTY, elsewhere="other"), waiting=proposal(State.PENDING)),
    "policy.rollback_pinned": World(replace(GUILTY, pinned="old")),
    "rollback.no_data": World(failing=None),
    "rollback.note_well": World(failing=False),
    "rollback.note_rejected": World(earlier=(proposal(State.REJECTED),)),
    "rollback.note_acted": World(waiting=proposal(State.APPROVED_BY_TIMER)),
    "rollback.note_decided": World(waiting=proposal(State.APPROVED, incident="")),
    "rollback.note_done": World(earlier=(proposal(State.APPLIED),)),
    "rollback.note_failed": World(earlier=(proposal(State.FAILED),)),
    "rollback.note_undone": World(earlier=(proposal(State.UNDONE),)),
    **{one.code: World(held=(one,)) for one in HELD},
}


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_of_the_closed_list_is_named_where_it_is_true(code: str) -> None:
    told = WORLDS[code].plan()
    assert told.step is (Step.ASK if code in ASKED else Step.TELL)
    assert code in [note.code for note in told.notes]
    assert TRUE[code](WORLDS[code])
    for locale in ("en", "ko"):
        assert all(Catalogue(locale).plain(note) for note in told.notes)


@pytest.mark.parametrize("new", ["old", "older", LATEST])
@pytest.mark.parametrize("incident", ["", PAGE])
def test_an_open_card_is_no_reason(new: str, incident: str) -> None:
    waiting = proposal(State.PENDING, incident=incident, new=new)
    assert World(waiting=waiting).plan() == Plan(Step.BEGIN, (), "old")


@pytest.mark.parametrize("state", [State.SUPERSEDED, State.EXPIRED, State.WITHDRAWN, State.ABANDONED])
def test_what_came_to_nothing_is_no_reason(state: State) -> None:
    assert World(earlier=(proposal(state, by=False),)).plan().step is Step.BEGIN


def test_a_doubt_is_asked_about_once() -> None:
    asked = World(late()).plan()
    assert (asked.step, asked.target) == (Step.ASK, "old")


@pytest.mark.parametrize("held", [held for size in (1, 2) for held in combinations(HELD, size)])
def test_people_are_asked_where_only_a_freeze_or_the_first_week_holds_it_back(held: tuple[Message, ...]) -> None:
    told = World(held=held).plan()
    may_ask = all(one.code in ASKED for one in held)
    assert (told.step, told.target) == ((Step.ASK, "old") if may_ask else (Step.TELL, ""))
    named = told.notes if may_ask else told.notes[1:]
    assert named == held
    # Asked once; and somebody's card of the traffic is not pushed aside by a question.
    for new in ("old", "older", LATEST):
        waiting = proposal(State.PENDING, new=new)
        again = World(held=held, waiting=waiting).plan()
        assert again.step is Step.TELL
        assert (again.notes[0].code == "rollback.note_held") == (not may_ask or new != "old")
        assert message("rollback.note_ask", proposal_id="P1", target=new) in again.notes
        assert all(one in again.notes for one in held)


COUNTS = st.builds(RevisionCounts, st.just("new"), st.sampled_from([99, 500]), st.sampled_from([0, 2, 40]))
FACTS = st.builds(
    replace,
    st.sampled_from([GUILTY, late()]),
    newest=st.sampled_from([GUILTY.newest, None]) | COUNTS,
    newest_took_traffic_at=st.sampled_from([GUILTY.newest_took_traffic_at, None, NOW - timedelta(days=2)]),
    previous=st.sampled_from([GUILTY.previous, None]),
    within_slo_before=st.sampled_from([True, False, None]),
    good_revision=st.sampled_from(["old", None]),
    allowed=st.booleans(),
    data_complete=st.booleans(),
    pinned=st.sampled_from([None, "old"]),
    beside=st.sampled_from([None, OLDER_FAILS]),
    elsewhere=st.sampled_from(["", "other"]),
)
PROPOSALS = st.builds(
    proposal,
    st.sampled_from(State),
    incident=st.sampled_from(["", PAGE]),
    new=st.sampled_from(["old", "older", LATEST]),
    acts=st.booleans(),
    by=st.booleans(),
)
WAITING = PROPOSALS.filter(lambda one: one.state in OPEN)
WORLD = st.builds(
    World,
    st.just(GUILTY) | FACTS,
    st.just(True) | st.none() | st.just(False),
    st.just(()) | st.tuples(st.sampled_from(HELD)) | st.tuples(st.sampled_from(HELD), st.sampled_from(HELD)),
    st.just(()) | st.tuples(PROPOSALS.filter(lambda one: one.state not in OPEN and one.draft.incident == PAGE)),
    st.none() | WAITING,
)


@given(WORLD)
def test_an_open_page_has_a_countdown_or_a_true_reason(world: World) -> None:
    told = world.plan()
    if told.step is Step.BEGIN:
        return
    waiting = world.waiting
    if waiting is not None and waiting.state is State.PENDING and waiting.acts_at is not None:
        assert [note.code for note in told.notes] == ["rollback.note_countdown"]
        return
    named = [note.code for note in told.notes if note.code in REASONS]
    assert named
    assert all(TRUE[code](world) for code in named)


@given(WORLD)
def test_a_blamed_release_of_which_nothing_else_is_so_is_counted_down(world: World) -> None:
    """Whatever anybody wants of the traffic meanwhile."""
    waiting = world.waiting if world.waiting is None or world.waiting.state is State.PENDING else None
    told = replace(world, facts=GUILTY, failing=True, held=(), earlier=(), waiting=waiting).plan()
    assert told.step is Step.BEGIN or [note.code for note in told.notes] == ["rollback.note_countdown"]
