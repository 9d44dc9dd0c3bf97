"""The cards in each state, in both languages, within Slack's limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.blocks import answers
from handlers.blocks.card import BUTTON_MAX, Card, clip, with_note
from handlers.blocks.dialogs import approve_dialog
from handlers.blocks.digest import digest
from handlers.blocks.proposal import (
    APPROVE,
    DETAILS,
    REJECT,
    SNOOZE,
    UNDO,
    card,
    moved,
    undo_button,
)
from handlers.blocks.report import report
from handlers.clicks import Click, answer_to
from handlers.people import Addressee
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.answers import ChangeOfLate, StatusReadout, TtlReadout
from lumen.model.digest import DigestReadout
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import (
    UNDOABLE,
    Change,
    Choice,
    Decided,
    Decision,
    Draft,
    Expectation,
    Knob,
    Measured,
    Origin,
    Priority,
    Proposal,
    State,
)
from lumen.model.service import Person
from lumen.model.snapshot import Snapshot, TtlSetting
from lumen.model.turn import Missing, Occasion, Recommendation, Turn
from lumen.wording.catalogue import LOCALES, Catalogue, change_params, value_of
from lumen.wording.report import EXTRA, TurnReport
from tests.snapshots import NOW, SERVICE, snapshot
from tests.unit.handlers.blocks import button, labels, said, validated

EN = Catalogue("en")
KIM = Person("U0KIM", "Kim <script>", "T1")
NOT_YET = NoData(message("approval.not_predictable"), message("approval.not_predictable_remedy"))
GONE = NoData(message("command.ttl_unknown", service="ion-api"), message("command.ttl_hint"))
WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)
KNOWN = Expectation((0.01, 0.032, 0.051), (-3.0, -1.2, 0.4), 0.78, 0.725, (-90_000.0, -48_000.0, -15_000.0), 0.24)
UP = Change(Knob.TTL, 300, 420, "s")

DECIDED_BY = {
    State.REJECTED: Choice.REJECT,
    State.EXPIRED: Choice.EXPIRE,
    State.WITHDRAWN: Choice.WITHDRAW,
    State.SUPERSEDED: Choice.SUPERSEDE,
    State.APPROVED_BY_TIMER: Choice.TIMER,
}


def proposal(state: State, expected: Expectation | NoData = NOT_YET) -> Proposal:
    draft = Draft(
        SERVICE, UP, "1", Origin.PERSON, KIM, (message("command.ttl_hint"),), expected, Priority.MEDIUM, None, "r"
    )
    choice = DECIDED_BY.get(state, Choice.APPROVE)
    person = KIM if choice in (Choice.APPROVE, Choice.REJECT) else None
    decision = None if state is State.PENDING else Decision(choice, person, "c")
    return Proposal(
        id="p-7",
        draft=draft,
        state=state,
        created_at=WHEN,
        expires_at=WHEN + timedelta(hours=24),
        decision=decision,
        decided_at=WHEN if decision else None,
        note=message("command.ttl_hint") if state is State.FAILED else None,
        finished_at=WHEN if state is State.APPLIED else None,
        version=1,
    )


def turn(seen: Snapshot | None = None, missing: tuple[Missing, ...] = ()) -> Turn:
    taken = seen or snapshot()
    judged = assess(taken, AssessmentSettings())
    wanted = Recommendation(UP, "MODERATE", (message("command.ttl_hint"),), Priority.MEDIUM)
    return Turn("slot:1", Occasion.SLOT, NOW, NOW, taken, judged, wanted, (), (), missing)


def status(made: Turn | None, changes: tuple[ChangeOfLate, ...] = ()) -> StatusReadout:
    return StatusReadout(SERVICE, made, (proposal(State.PENDING),), changes, WHEN)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", list(State))
def test_a_card_stands_in_every_state(state: State, locale: str) -> None:
    shown = card(Catalogue(locale), proposal(state))
    validated(shown)
    assert "420" in shown.text
    assert "<script>" not in said(shown)


@pytest.mark.parametrize("state", list(State))
def test_deciding_buttons_are_there_while_pending_and_never_after(state: State) -> None:
    shown = card(EN, proposal(state))
    assert (APPROVE in str(shown.blocks)) is (state is State.PENDING)
    assert (REJECT in str(shown.blocks)) is (state is State.PENDING)


def test_the_dialog_names_the_effect_and_the_way_back() -> None:
    confirm = button(card(EN, proposal(State.PENDING)), APPROVE)["confirm"]
    assert confirm["title"]["text"] == "Set 420 s?"
    assert "420 s instead of 300 s" in confirm["text"]["text"]
    assert "way back" in confirm["text"]["text"]
    assert confirm["confirm"]["text"] == "Set 420 s"


def test_a_pending_card_says_what_why_and_until_when() -> None:
    shown = card(EN, proposal(State.PENDING))
    assert labels(shown) == ["Approve", "Reject", "Details"]
    assert button(shown, APPROVE)["style"] == "primary"
    assert button(shown, REJECT)["style"] == "danger"
    assert button(shown, DETAILS)["value"] == value_of(proposal(State.PENDING)) == f"2 {SERVICE.key} p-7 -"
    words = said(shown)
    assert "TTL 300 s → 420 s (7 min)" in words
    assert "<@U0KIM>" in words
    assert "expires" in words


def test_what_it_would_do_comes_with_its_interval_or_says_why_not() -> None:
    assert "72.5% → 75.7% (+1.0 to +5.1 points)" in said(card(EN, proposal(State.PENDING, KNOWN)))
    assert EN.say(NOT_YET.reason) in said(card(EN, proposal(State.PENDING)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.REJECTED, "Rejected by <@U0KIM>"),
        (State.EXPIRED, "nobody decided"),
        (State.SUPERSEDED, "newer proposal"),
        (State.APPLYING, "Being applied"),
        (State.APPLIED, "Applied and acknowledged"),
        (State.FAILED, "It failed"),
        (State.ABANDONED, "Nothing was done"),
    ],
)
def test_a_decided_card_says_who_and_what_became_of_it(state: State, words: str) -> None:
    assert words in said(card(EN, proposal(state)))


@pytest.mark.parametrize("state", sorted(State))
def test_a_decided_card_offers_the_way_back_of_what_stands_and_nothing_else(state: State) -> None:
    wanted = ["Undo (back to 300 s)", "Details"] if proposal(state).can_be_undone else []
    assert labels(card(EN, proposal(state))) == (["Approve", "Reject", "Details"] if state is State.PENDING else wanted)


@pytest.mark.parametrize("locale", LOCALES)
def test_an_applied_card_says_until_when_it_is_measured(locale: str) -> None:
    """Only while it is: not once there is a verdict, not of an undo, and not of traffic."""
    words, made = Catalogue(locale), proposal(State.APPLIED)
    alone = words.say(message("views.uncontrolled_until", until_at=(WHEN + timedelta(hours=24)).isoformat()))
    assert alone in said(card(words, made))
    made = replace(made, draft=replace(made.draft, change=replace(made.draft.change, held_permille=100)))
    for done, first in ((0, 6), (6, 24), (24, 48), (48, 72)):
        seen = replace(made, measured=Measured(done, WHEN, None, message("command.ttl_hint")) if done else None)
        looks = [(WHEN + timedelta(hours=hours)).isoformat() for hours in (first, 72)]
        told = message("views.measured_until", next_at=looks[0], until_at=looks[1], share=0.1, old=300, unit="s")
        assert words.say(told) in said(card(words, seen))
    last = words.instant(WHEN + timedelta(hours=72))
    traffic = Change(Knob.TRAFFIC, "LATEST", "r2", "")
    for other in (
        proposal(State.KEPT),
        replace(made, draft=replace(made.draft, origin=Origin.UNDO)),
        replace(made, draft=replace(made.draft, change=traffic)),
    ):
        assert last not in said(card(words, other))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(Knob.TTL, 300, 420, "s"), "300 s → 420 s (7 min)"),
        (Change(Knob.TTL, 300, 330, "s"), "300 s → 330 s (5 min 30 s)"),
        (Change(Knob.TTL, 300, 5400, "s"), "300 s → 5400 s (1 h 30 min)"),
        (Change(Knob.TTL, 300, 59, "s"), "300 s → 59 s"),
        (Change(Knob.CACHE_SIZE, 256, 384, "MB"), "256 MB → 384 MB"),
        (Change(Knob.MIN_INSTANCES, 0, 1, ""), "0 → 1"),
        (Change(Knob.TRAFFIC, "LATEST", "ion-api-00041-abc", ""), "newest revision → ion-api-00041-abc"),
    ],
)
def test_a_change_is_named_in_words(change: Change, told: str) -> None:
    assert moved(EN, change) == told


def test_a_card_shows_two_reasons_in_short_and_every_warning_in_full() -> None:
    """The rest, and how many that is, stands behind Details."""
    long = message("policy.held_open_proposal", proposal="P7")
    asked = message("approval.asked_by_person", person="Kim")
    over = message("approval.undo_over_foreign", proposal_id="P3", wanted=420, value=900, unit="s")
    made = proposal(State.PENDING)
    few = replace(made, draft=replace(made.draft, reasons=(asked, long, long, long, long)))
    assert said(card(EN, few)).count("Proposal #7 is") == 2
    assert "and 2 more behind Details" in said(card(EN, few))
    assert "Kim asked for it" not in said(card(EN, few))
    warned = replace(made, draft=replace(made.draft, reasons=(asked, long, long, over)))
    assert f"⚠️ {EN.say(over)}" in said(card(EN, warned))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", sorted(State))
def test_the_longest_names_and_reasons_make_a_valid_card(locale: str, state: State) -> None:
    """Names of Cloud Run have at most 63 characters; what a server said may be of any length."""
    service = replace(SERVICE, name="s" * 49)
    change = Change(Knob.TRAFFIC, "s" * 49 + "-00042-abc", "s" * 49 + "-00041-abc", "")
    reasons = tuple(message("command.unknown", given="x&<" * 900, names="") for _ in range(12))
    made = proposal(state)
    draft = replace(made.draft, service=service, change=change, reasons=reasons, approvals_needed=2)
    for one in (draft, replace(draft, change=UP, deploys=True)):
        validated(card(Catalogue(locale), replace(made, draft=one)))


@pytest.mark.parametrize("state", sorted(State))
def test_what_stands_can_be_undone_from_the_report(state: State) -> None:
    """What failed only where it left a value behind."""
    left = replace(proposal(state), note=message("execution.partly_applied", places="redis", reason="x"))
    assert undo_button(proposal(State.FAILED)) is None
    offered = undo_button(left)
    assert (offered is not None) == (state in UNDOABLE)
    if offered is not None:
        assert offered.action_id == UNDO
        assert offered.confirm is not None
        assert "300" in EN.plain(offered.label)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_report_says_what_it_shows(locale: str) -> None:
    words = Catalogue(locale)
    seen = (
        ChangeOfLate(proposal(State.APPLIED), 0.612, 0.79),
        ChangeOfLate(proposal(State.APPLIED), 0.612, None),
        ChangeOfLate(proposal(State.APPLIED), None, None),
    )
    shown = report(words, status(turn(), seen))
    validated(shown)
    for figure in ("72.5%", "300", "61.2%", "79%"):
        assert figure in said(shown)
        assert figure in shown.text


@pytest.mark.parametrize("part", ["traffic", "cache", "ttl", "deployment", "spend", "history"])
def test_what_is_missing_is_said_with_its_remedy_and_never_filled_in(part: str) -> None:
    shown = report(EN, status(turn(snapshot(**{part: GONE}), (Missing(part, GONE),))))
    validated(shown)
    assert EN.say(GONE.reason) in said(shown)
    assert EN.say(GONE.remedy) in said(shown)


def test_one_dead_server_is_told_once() -> None:
    shown = report(EN, status(turn(missing=(Missing("cache", GONE), Missing("cache_limit", GONE)))))
    assert said(shown).count(EN.say(GONE.reason)) == 1


def test_before_the_first_turn_it_says_when_that_comes() -> None:
    shown = report(EN, status(None))
    validated(shown)
    assert "nothing measured yet" in shown.text


@pytest.mark.parametrize("locale", LOCALES)
def test_the_other_answers_stand(locale: str) -> None:
    words = Catalogue(locale)
    setting = TtlSetting(300, 1, None, None)
    for shown in (
        answers.help_card(words, (60, 3600)),
        answers.help_card(words, None),
        answers.help_of(words, "ttl", None),
        answers.misspelt(words, "statsu", "status"),
        answers.misspelt(words, "<x>", ""),
        answers.ttl_card(words, TtlReadout(SERVICE, setting, turn().ttl)),
        answers.ttl_card(words, TtlReadout(SERVICE, GONE, GONE)),
        answers.proposed(words, proposal(State.PENDING), "r"),
        answers.proposed(words, proposal(State.PENDING), "another"),
        answers.history_card(words, ()),
        answers.approvals_card(words, ()),
        answers.approvals_card(words, [proposal(State.PENDING), proposal(State.APPLYING)]),
        digest(words, DigestReadout(status(turn()), NOW, (turn(),))),
        digest(words, DigestReadout(status(None), NOW)),
        with_note(card(words, proposal(State.APPLIED)), "note"),
    ):
        validated(shown)


def test_a_long_list_is_cut_and_not_refused() -> None:
    many = [replace(proposal(State.PENDING), id=f"p-{n}" * 20) for n in range(200)]
    validated(answers.approvals_card(EN, many))


@given(st.text(max_size=200), st.integers(1, 120))
def test_a_clipped_text_is_never_too_long(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit


@given(st.lists(st.sampled_from(["&amp;", "&lt;", "<@U123>", "word", " ", "<!date^1^{time}|x>"]), max_size=60))
def test_a_clipped_text_breaks_no_escape_and_no_mention(pieces: list[str]) -> None:
    cut = clip("".join(pieces), 60)
    assert cut.count("<") == cut.count(">")
    assert cut.rfind("&") <= cut.rfind(";") or "&" not in cut


@given(st.text(max_size=400))
def test_whatever_people_write_makes_a_valid_card(text: str) -> None:
    built = Card(EN)
    built.header(message("command.unknown", given=text, names=""))
    built.section(message("command.unknown", given=text, names=""))
    validated(built.shown())
    assert len(clip(text, BUTTON_MAX)) <= BUTTON_MAX


def countdown(incident: str = "", **changes: object) -> Proposal:
    """It acts by itself; of an `incident` it is a rollback."""
    made = replace(proposal(State.PENDING), id="P12", mark="e.1", acts_at=WHEN, **changes)  # type: ignore[arg-type]
    change = Change(Knob.TRAFFIC, "LATEST", "r2", "") if incident else UP
    return replace(made, draft=replace(made.draft, change=change, incident=incident))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("incident", "text"), [("a", "reject_rollback"), ("", "reject_unasked")])
def test_rejecting_a_countdown_says_and_confirms_what_it_means(locale: str, incident: str, text: str) -> None:
    words, made = Catalogue(locale), countdown(incident)
    reject = button(card(words, made), REJECT)
    params = {"service": SERVICE.name, **change_params(made.draft.change)}
    assert reject["confirm"]["text"]["text"] == words.plain(Message(f"views.confirm_{text}_text", params))
    click = Click(REJECT, SERVICE, made.id, KIM, "c", "", "", Addressee("U", "C", ""))
    decided = replace(made, state=State.REJECTED, decision=Decision(Choice.REJECT, KIM, "c"), decided_at=WHEN)
    [told] = answer_to(click, Decided(won=True, proposal=decided)).sentences
    assert told.code == ("slack.click_rejected_rollback" if incident else "slack.click_rejected_unasked")
    assert (words.say(message("views.rejected_for_incident")) in said(card(words, decided))) == bool(incident)


def test_rejecting_what_waits_for_people_needs_no_confirmation() -> None:
    assert "confirm" not in button(card(EN, proposal(State.PENDING)), REJECT)


def test_a_card_says_that_it_was_put_off_and_by_whom() -> None:
    made = countdown("a", snoozes=(KIM, KIM))
    assert f"Put off by <@{KIM.user_id}>, 2 × 15 min" in said(card(EN, made))
    assert button(card(EN, made), SNOOZE)["value"] == f"{value_of(made)} {WHEN.isoformat()}"


def test_ids_are_shown_as_they_are_typed() -> None:
    told = message("approval.undo_unknown", proposal_id="P12")
    assert (EN.say(told), EN.plain(told)) == ("There is no proposal #12.", "There is no proposal #12.")
    assert EN.plain(message("policy.held_open_proposal", proposal="P7")).startswith("Proposal #7 is")
    assert "#12 ·" in said(card(EN, countdown()))


@pytest.mark.parametrize("occasion", list(Occasion))
@pytest.mark.parametrize("locale", LOCALES)
def test_a_turn_that_a_person_asked_for_is_marked(occasion: Occasion, locale: str) -> None:
    words, made = Catalogue(locale), replace(turn(), occasion=occasion)
    for told in (said(report(words, status(made))), TurnReport(words, words.plain, made).measured(NOW)):
        assert (words.plain(EXTRA) in told) == (occasion is Occasion.ASKED)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("deploys", [True, False])
@pytest.mark.parametrize("knob", sorted(Knob))
def test_each_knobs_confirm_says_what_happens_there(locale: str, knob: Knob, deploys: bool) -> None:
    """A new revision with the same image, a restart, or neither; in a dialog of Slack, which holds 300 characters."""
    words, made = Catalogue(locale), proposal(State.APPLIED)
    old, new = ("ion-api-00041-abc", "ion-api-00042-abc") if knob is Knob.TRAFFIC else (1000, 10_000)
    change = Change(knob, old, new, "MB")
    made = replace(made, draft=replace(made.draft, change=change, deploys=deploys))
    undo = undo_button(made)
    assert undo is not None
    assert undo.confirm is not None
    dialogs = [undo.confirm, *(approve_dialog(replace(made.draft, approvals_needed=needed)) for needed in (2, 1))]
    makes_revision = deploys or knob in (Knob.MEMORY, Knob.L1_ENTRIES)
    for dialog in dialogs[: 2 if knob is Knob.TRAFFIC else 3]:
        text = words.plain(dialog.text)
        assert len(text) <= 300
        assert (words.plain(message("views.happens_deploy")) in text) == makes_revision
