"""The message of an incident in every state that its parts may be in together: it neither contradicts itself nor shows
a figure without its time, and always has a next step.
"""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from handlers.blocks.card import Shown
from handlers.blocks.incident import FALSE_ALARM, MENU, ON_IT, REAL, incident_card
from handlers.blocks.proposal import APPROVE, REJECT, SNOOZE, UNDO
from lumen.model.alert import AlertKind, Severity
from lumen.model.answers import IncidentReadout
from lumen.model.course import Course, Failing, RevisionsSeen, Trend
from lumen.model.incident import CALLS_END, Acknowledged, Incident, Mentions, Pinned, RevisionCount, Silence
from lumen.model.messages import Message, message
from lumen.model.proposal import LATEST, Change, Choice, Decision, Knob, Proposal, State
from lumen.model.snapshot import SLICE
from lumen.policies.blamed import blames
from lumen.policies.protection import told
from lumen.wording.by_itself import what_happens
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.unit.handlers.blocks import validated
from tests.unit.handlers.test_alert_view import KIM, alert, incident
from tests.unit.handlers.test_incident_message import COURSE, GOOD, MINUTE, NOW, PAGE, rollback, seen

FAILS, SLOW = alert(AlertKind.AVAILABILITY, Severity.PAGE), alert(AlertKind.LATENCY, Severity.PAGE)
#: Alerts that stand in one message.
ALERTS: Mapping[str, Incident] = {
    "page": PAGE,
    "ticket": incident(alert(AlertKind.AVAILABILITY, Severity.TICKET)),
    "notice": incident(alert(AlertKind.NO_DATA, Severity.NOTICE)),
    "slow": incident(alert(AlertKind.LATENCY, Severity.TICKET)),
    "two": incident(FAILS, alert(AlertKind.CACHE, Severity.TICKET)),
    "one of two is over": incident(replace(FAILS, closed_at=NOW - MINUTE), SLOW),
    "reopened": incident(replace(FAILS, closed_at=NOW - MINUTE), SLOW, replace(FAILS, id="again")),
    "over": incident(replace(FAILS, closed_at=NOW)),
}
CHOICES = {
    State.REJECTED: Choice.REJECT,
    State.EXPIRED: Choice.EXPIRE,
    State.WITHDRAWN: Choice.WITHDRAW,
    State.SUPERSEDED: Choice.SUPERSEDE,
}
APPLIED_AT_LAST = (State.APPLIED, State.KEPT, State.INCONCLUSIVE, State.HARMFUL, State.UNDONE, State.FAILED)


def decided(state: State, note: Message | None = None, by_person: bool = False) -> Proposal:
    choice = CHOICES.get(state, Choice.APPROVE if by_person else Choice.TIMER)
    person = KIM if by_person or choice is Choice.REJECT else None
    ended = NOW - MINUTE if state in APPLIED_AT_LAST else None
    why = message("rollback.recovered") if state is State.WITHDRAWN else None
    made, decision = rollback(state, acts_at=NOW - MINUTE), Decision(choice, person, "c", why)
    return replace(made, decision=decision, decided_at=NOW - MINUTE, note=note, finished_at=ended)


COUNTDOWN, QUESTION = rollback(), rollback(acts_at=None)
WISH = replace(
    QUESTION,
    id="8",
    draft=replace(QUESTION.draft, incident="", asked_by=KIM, change=Change(Knob.TRAFFIC, GOOD, LATEST, "")),
)
#: What stands in it about the traffic, the newest first.
PROPOSALS: Mapping[str, tuple[Proposal, ...]] = {
    "none": (),
    "countdown": (COUNTDOWN,),
    "overdue": (rollback(acts_at=NOW - MINUTE),),
    "put off": (replace(COUNTDOWN, snoozes=(KIM,)),),
    "question": (QUESTION,),
    "wish": (WISH,),
    **{str(state): (decided(state),) for state in State if state is not State.PENDING},
    "approved": (decided(State.APPLIED, by_person=True),),
    "partly": (decided(State.FAILED, message("execution.not_followed", new=GOOD, unit="", waited_seconds=60.0)),),
    "wish beside what was applied": (WISH, decided(State.APPLIED)),
    "rejected wish beside what was applied": (
        replace(decided(State.REJECTED), id="8", draft=WISH.draft),
        decided(State.APPLIED),
    ),
    "again": (replace(COUNTDOWN, id="9"), decided(State.WITHDRAWN)),
}
NO_COUNTDOWN = (message("rollback.note_none"), message("policy.rollback_never"))
HELD = (message("rollback.note_held", target=GOOD), message("rollback.dry_run"))


def notes_of(proposals: Sequence[Proposal]) -> Iterator[tuple[Message, ...]]:
    """What the store may say of them: nothing yet, what is so, what was so, and why there is no countdown."""
    yield ()
    own = next((one for one in proposals if one.draft.incident), None)
    if own is None:
        yield NO_COUNTDOWN
        yield HELD
    else:
        yield told(own)
        yield told(replace(own, state=State.PENDING, decision=None, acts_at=NOW + 5 * MINUTE))


PEOPLE: Mapping[str, dict[str, object]] = {
    "nobody": {},
    "taken": {"acknowledged": Acknowledged(KIM, NOW)},
    "silenced": {"silences": tuple(Silence(kind, NOW + SLICE, KIM, NOW) for kind in AlertKind)},
    "unanswered": {"mentions": Mentions(CALLS_END, NOW)},
}
LEFT = replace(seen(), blamed_until=NOW - 10 * MINUTE, after=RevisionCount(NOW - 9 * MINUTE, GOOD, 3200, 3))
WELL = replace(COURSE, newest=Failing(NOW - 4 * MINUTE, 900, 1), trend=Trend.BETTER, well_since=NOW - 7 * MINUTE)
OLD = NOW - 40 * MINUTE
#: What is known of the requests.
FIGURES: Mapping[str, tuple[Course | None, RevisionsSeen | None]] = {
    "fresh": (COURSE, seen()),
    "well": (WELL, LEFT),
    "old": (replace(COURSE, newest=Failing(OLD, 412, 34)), seen(OLD)),
    "old and well": (replace(WELL, newest=Failing(OLD, 412, 0)), replace(LEFT, at=OLD, blamed_until=OLD)),
    "no release": (COURSE, RevisionsSeen(NOW, None, None)),
    "nothing": (None, None),
}


def readouts() -> Iterator[tuple[str, IncidentReadout]]:
    """Alerts with all proposals and notes; then, with a few of those, all people and figures. As the use case has them:
    failing requests have a course while they are open, or once all is over."""
    for (of, one), (what, proposals) in itertools.product(ALERTS.items(), PROPOSALS.items()):
        for nth, notes in enumerate(notes_of(proposals)):
            yield f"{of}, {what}, notes {nth}", readout(replace(one, notes=notes), proposals, "fresh")
    some = ("page", "ticket", "one of two is over", "over")
    for of, (who, people), figures, what in itertools.product(some, PEOPLE.items(), FIGURES, ("none", "APPLIED")):
        known = replace(ALERTS[of], **people)  # type: ignore[arg-type]
        yield f"{of}, {who}, {figures}, {what}", readout(known, PROPOSALS[what], figures)


def readout(one: Incident, proposals: tuple[Proposal, ...], figures: str) -> IncidentReadout:
    course, revisions = FIGURES[figures]
    has_course = one.is_failing or (one.is_over and any(s.alert.kind is AlertKind.AVAILABILITY for s in one.alerts))
    pinned = Pinned(GOOD, NOW) if any(p.state is State.APPLIED for p in proposals) else None
    return IncidentReadout(one, NOW, proposals, course if has_course else None, revisions, pinned)


@functools.cache
def rendered(locale: str) -> list[tuple[str, IncidentReadout, Shown]]:
    words = Catalogue(locale)
    return [(name, one, incident_card(words, one, "S0ONCALL", "https://wiki")) for name, one in readouts()]


ACTS = {"incident.acts", "incident.acts_now", "incident.going"}
#: That nothing happens by itself, each in its way.
NOTHING = {"incident.asks", "incident.nothing_now", "incident.nothing_by_itself"}
NOTHING |= {f"rollback.note_{name}" for name in ("none", "held", "rejected", "done", "failed", "undone")}
ROLLS_BACK = {"en": "Rolls back to", "ko": "롤백*합니다"}
STOPS = {"en": "unless somebody stops it", "ko": "멈추지 않으면"}


def actions(shown: Shown) -> list[str]:
    elements = (e for block in shown.blocks if block["type"] == "actions" for e in block["elements"])
    return [e["action_id"] for e in elements]


@pytest.mark.parametrize("locale", LOCALES)
def test_in_every_state_it_says_once_what_happens_has_the_buttons_that_decide_and_a_next_step(locale: str) -> None:
    assert len(rendered(locale)) > 600
    for name, known, shown in rendered(locale):
        is_over = known.incident.is_over
        pending = next((one for one in known.proposals if one.state is State.PENDING), None)
        acts = pending is not None and pending.acts_at is not None and not is_over
        codes = [one.code for one in what_happens(known)]
        happens = [bool(set(codes) & of) for of in (ACTS, NOTHING)]
        assert sum(happens) == 1 or (is_over and len(codes) <= 1), f"{name}: {codes}"
        assert (ROLLS_BACK[locale] in shown.text) is acts, name
        assert shown.text.count(STOPS[locale]) == acts, name
        wanted = [] if pending is None else [APPROVE, REJECT]
        wanted += [SNOOZE] if pending is not None and pending.acts_at is not None and not pending.snoozes else []
        wanted += [ON_IT] if known.incident.is_open_page and known.incident.acknowledged is None else []
        stands = next((one for one in known.proposals if one.can_be_undone), None)
        is_safe = is_over or not blames(known.revisions) or (stands is not None and stands.state is State.HARMFUL)
        wanted += [UNDO] if stands is not None and is_safe else []
        wanted += [REAL, FALSE_ALARM] if is_over else [MENU]
        assert actions(shown) == wanted, name
        if known.incident.has_page and pending is None and codes != ["incident.going"]:
            assert any(step in shown.text for step in ("`/lumen emergency`", "*What now*", "*다음 할 일*")), name


FIGURE = re.compile(r"\d%")


@pytest.mark.parametrize("locale", LOCALES)
def test_in_every_state_no_figure_stands_without_its_time_and_no_old_one_in_the_headline(locale: str) -> None:
    for name, known, shown in rendered(locale):
        first, *rest = shown.text.splitlines()
        newest = known.course.newest if known.course is not None else None
        is_of_now = newest is not None and newest.is_of(known.now)
        assert is_of_now or not FIGURE.search(first), f"{name}: {first}"
        lasting = [line for line in rest if FIGURE.search(line) and "<!date^" not in line]
        followed = {rest[at] for at in range(len(rest) - 1) if "<!date^" in rest[at + 1]}
        assert set(lasting) <= followed, f"{name}: {lasting}"


@pytest.mark.parametrize("locale", LOCALES)
def test_slack_takes_the_message_of_every_state(locale: str) -> None:
    for name, _, shown in rendered(locale)[::17]:
        validated(Shown(shown.text, tuple(b for b in shown.blocks if b["type"] != "data_visualization")))
        assert "{" not in shown.text.replace("{date_num} {time}", ""), name
