"""One incident in one message that lives: what fails, how much, since when, of which release; what happens by itself
and when; the buttons; then all that is known of it. When it is over, what it came to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from handlers.blocks.card import ID_MAX, Button, Card, Menu, Shown
from handlers.blocks.dialogs import approve_dialog, reject_dialog
from handlers.blocks.error_lines import error_lines
from handlers.blocks.incident_evidence import errors_by_revision, evidence
from handlers.blocks.proposal import APPROVE, REJECT, SNOOZE, fate, line, undo_button
from lumen.model.alert import SEVEREST_FIRST, Alert
from lumen.model.answers import IncidentReadout, StatusReadout
from lumen.model.audit import Timeline
from lumen.model.course import OF_NOW
from lumen.model.incident import (
    CALLS_ROUND,
    Acknowledged,
    Incident,
    Learnt,
    PagerStep,
    Silence,
    StoredAlert,
    silence_over,
)
from lumen.model.messages import Message, Param, message
from lumen.model.proposal import LATEST, Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.store import Surface
from lumen.wording.audit_lines import history_line
from lumen.wording.by_itself import notes, target_of, what_happens
from lumen.wording.catalogue import Catalogue, iso, value_of
from lumen.wording.incident_message import OVER, brings_back, called_for, headline, links, standing, summary
from lumen.wording.incidents import _LINES_A_BLOCK, LINES, SEVERITY_SIGNS, alert_figures, alert_line, silence_line, when
from lumen.wording.restrictions import NOTHING_HELD, held_lines, in_steps, trusted

#: "I'm on it": nobody is mentioned any more.
ON_IT = "incident.on_it"
#: What a closed incident was, in a person's word.
REAL = "incident.real"
FALSE_ALARM = "incident.false_alarm"
#: What is seldom pressed; what its options do.
MENU = "incident.menu"
HAND_OVER, GIVE_BACK, SILENCE, DETAILS = "hand_over", "give_back", "silence", "details"
#: The choice of a person to hand it over to.
HAND_TO = "incident.hand_to"
#: Every button and menu of its message that decides no proposal.
ACTIONS = (ON_IT, REAL, FALSE_ALARM, MENU, HAND_TO)


def incident_card(words: Catalogue, readout: IncidentReadout, oncall: str = "", runbook: str = "") -> Shown:
    """Updated in place until everything that it tells of is over. A page that is open mentions `oncall`, if any.

    `runbook`: its address, or empty.
    """
    card, incident = Card(words), readout.incident
    card.header(headline(words, readout))
    card.lines([words.say(one) for one in _first(readout, oncall)])
    if incident.is_over:
        card.lines([words.say(one) for one in summary(readout)])
    card.lines(list(evidence(words, readout)))
    _add_buttons(card, readout)
    if readout.revisions is not None and incident.is_failing and readout.now - readout.revisions.at <= OF_NOW:
        card.chart(errors_by_revision(words, readout.revisions, incident.service.name))
    card.lines(error_lines(words, readout.errors))
    for proposal in readout.proposals:
        card.lines(_told_of(words, proposal, readout), block_id=f"proposal:{incident.service.key} {proposal.id}")
    card.lines([words.say(note) for note in notes(readout) if incident.is_over])
    for stored in incident.alerts:
        card.lines(list(_told(words, stored.alert, incident, is_late=stored.late)))
    card.lines([words.say(one) for one in _said_by_people(words, incident)])
    card.context([" · ".join(links(words, readout, runbook))], is_told=False)
    card.context([words.say(message("incident.print", incident=incident.id))])
    return card.shown()


def _first(readout: IncidentReadout, oncall: str) -> Iterator[Message]:
    """Its state, and what happens by itself and when."""
    incident = readout.incident
    if not incident.is_over:
        yield standing(incident)
        if incident.acknowledged is not None:
            yield _acknowledged(incident.acknowledged)
        elif oncall and incident.wants_somebody:
            yield message("incident.oncall", who_mention=oncall)
    yield from what_happens(readout)


def _told_of(words: Catalogue, proposal: Proposal, readout: IncidentReadout) -> list[str]:
    """One of its proposals: in a line, and, of the newest, why a person is asked and what became of it."""
    told = [line(words, proposal, is_timed=False)]  # when it acts stands at the top
    if proposal is not readout.proposals[0]:
        return told
    codes = [reason.code for reason in proposal.draft.reasons]
    asked = codes.index("rollback.asked_because") if "rollback.asked_because" in codes else None
    if proposal.draft.asked_by is not None:
        told.append(words.say(message("incident.wished", who_mention=proposal.draft.asked_by.user_id)))
    warnings = (proposal.draft.goes_over, proposal.draft.brings_back)
    told += [f"⚠️ {words.say(one)}" for one in warnings if one is not None]
    if asked is not None and proposal.state is State.PENDING:
        told += [words.say(reason) for reason in proposal.draft.reasons[asked:]]
    is_said = proposal.state is State.PENDING and proposal.acts_at is not None
    return [*told, *fate(words, proposal)[is_said:]]


def _said_by_people(words: Catalogue, incident: Incident) -> Iterator[Message]:
    if incident.label is not None:
        code = "label.said_real" if incident.label.is_real else "label.said_false"
        yield Message(code, {"who_mention": incident.label.by.user_id, "said_at": iso(incident.label.at)})
    if incident.pager is not None and incident.pager.trouble is not None:
        reason, failed = words.plain(incident.pager.trouble), incident.pager.failed or PagerStep.TRIGGER
        yield Message(f"incident.pager_no_{failed}", {"reason": reason})


def _add_buttons(card: Card, readout: IncidentReadout) -> None:
    """What decides first; then who is on it; then what it was, when it is over. One row, and a menu."""
    incident, proposal = readout.incident, readout.open_proposal
    buttons = [] if proposal is None or proposal.state is not State.PENDING else _deciding(proposal)
    if incident.is_open_page and incident.acknowledged is None:
        buttons.append(_on_it(incident, is_first=not buttons))
    stands = next((one for one in readout.proposals if one.can_be_undone), None)
    undo = None if stands is None or brings_back(stands, readout) else undo_button(stands, readout.pinned)
    buttons += [] if undo is None else [undo]
    if incident.is_over:
        buttons += _labels(incident)
    menu = None if incident.is_over else Menu(MENU, list(_options(incident)))
    card.buttons(buttons, block_id=f"incident:{incident.service.key} {incident.id}"[:ID_MAX], menu=menu)


def _deciding(proposal: Proposal) -> list[Button]:
    """Approve, Reject and, once, Snooze of a rollback, by what they do."""
    value, change = value_of(proposal), proposal.draft.change
    target: dict[str, Param] = {"target": target_of(proposal)}
    move = "back" if change.new != LATEST else "latest"
    stop = "stop" if proposal.acts_at is not None else "refuse"
    found = [
        Button(
            APPROVE,
            Message(f"incident.button_{move}", {}),
            value,
            style="primary",
            spoken=Message(f"incident.spoken_{move}", target),
            confirm=approve_dialog(proposal.draft),
        ),
        Button(
            REJECT,
            Message(f"incident.button_{stop}", {}),
            value,
            style="danger",
            spoken=Message(f"incident.spoken_{stop}", target),
            confirm=reject_dialog(proposal),
        ),
    ]
    if proposal.acts_at is not None and not proposal.snoozes:
        seen = f"{value} {iso(proposal.acts_at)}"  # a second tap on the same message wants nothing more
        later = message("incident.button_later")
        found.append(Button(SNOOZE, later, seen, spoken=Message("incident.spoken_later", target)))
    return found


def _options(incident: Incident) -> Iterator[tuple[Message, str]]:
    if incident.acknowledged is not None:
        yield message("incident.option_hand_over"), HAND_OVER
        yield message("incident.option_give_back"), GIVE_BACK
    if any(silence_over(alert, incident.silences) is None for alert in incident.open_alerts):
        yield message("incident.option_silence"), SILENCE
    yield message("incident.option_details"), DETAILS


def mention_card(words: Catalogue, incident: Incident, oncall: str, number: int, most: int) -> Shown | None:
    """A call to the people on call, in the thread of the incident's message; None when nobody need come any more."""
    if not oncall or not incident.wants_somebody:
        return None
    if incident.mentions is not None and number < incident.mentions.number:
        return None  # Slack was away meanwhile: the newest call says it all
    params: dict[str, Param] = {"who_mention": oncall, **called_for(words, incident)}
    card, repeat = Card(words), number % CALLS_ROUND
    if repeat == 0:
        card.section(Message("incident.mention_first", params))
    else:
        card.section(Message("incident.mention_again", {**params, "number": repeat, "most": most}))
    return replace(card.shown(), under=Surface(incident.service, "alert", incident.id))


def _acknowledged(taken: Acknowledged) -> Message:
    return message("incident.acknowledged", who_mention=taken.by.user_id, taken_at=iso(taken.at))


def _on_it(incident: Incident, *, is_first: bool) -> Button:
    return Button(
        ON_IT,
        message("incident.on_it"),
        f"1 {incident.service.key} {incident.id}",
        style="primary" if is_first else None,
        spoken=message("incident.on_it_spoken", incident=incident.id),
    )


def _labels(incident: Incident) -> list[Button]:
    """Both, and of a label that is known the other one."""
    known = None if incident.label is None else incident.label.is_real
    value = f"1 {incident.service.key} {incident.id}"
    words = ((REAL, "label.real", True), (FALSE_ALARM, "label.false_alarm", False))
    return [
        Button(action, message(code), value, spoken=Message(f"{code}_spoken", {"incident": incident.id}))
        for action, code, is_real in words
        if known is not is_real
    ]


def learnt_lines(words: Catalogue, learnt: Learnt) -> list[str]:
    """Lumen's record by people's labels, and what is told less because of them."""
    said = []
    if learnt.counted:
        share = learnt.real / learnt.counted
        said.append(message("label.precision", real=learnt.real, counted=learnt.counted, share=share))
    if learnt.late:
        said.append(message("label.told_late", names=", ".join(learnt.late)))
    for alert in learnt.untold:
        assert alert.closed_at is not None
        spans = {"opened_at": iso(alert.opened_at), "closed_at": iso(alert.closed_at)}
        said.append(Message("label.untold", {"name": alert.name, **spans}))
    return [words.say(one) for one in said]


def alert_lines(words: Catalogue, alerts: Iterable[StoredAlert], silences: Sequence[Silence] = ()) -> list[str]:
    """A line for each open alert, for the status."""
    return [
        alert_line(words.say, stored) + _waits(words, stored) + _hushed(words, silence_over(stored.alert, silences))
        for stored in sorted(alerts, key=lambda one: SEVEREST_FIRST.index(one.alert.severity))
    ]


def _waits(words: Catalogue, stored: StoredAlert) -> str:
    return f" · {words.say(message('label.waits'))}" if stored.late and stored.silenced else ""


def _hushed(words: Catalogue, silence: Silence | None) -> str:
    return f" · {words.say(message('incident.silenced_short', until_at=iso(silence.until)))}" if silence else ""


def word_of(words: Catalogue, alert: Alert) -> str:
    """The kind of the alert."""
    return words.say(Message(f"incident.kind_{alert.kind}", {}))


def _told(words: Catalogue, alert: Alert, incident: Incident, *, is_late: bool) -> Iterable[str]:
    sign = OVER if alert.closed_at else SEVERITY_SIGNS[alert.severity]
    yield f"{sign} *{word_of(words, alert)}* · {words.say(Message(f'incident.severity_{alert.severity}', {}))}"
    yield alert_figures(words.say, alert)
    if is_late:
        yield words.say(message("label.waited", name=alert.name))
    silence = silence_over(alert, incident.silences) if alert.closed_at is None else None
    if silence is not None:
        params = {"until_at": iso(silence.until), "who_mention": silence.by.user_id}
        yield words.say(Message("incident.silenced", params))
    if alert.closed_at is None:
        yield words.say(message("incident.since", opened_at=iso(alert.opened_at)))
    else:
        yield words.say(message("incident.from_to", opened_at=iso(alert.opened_at), closed_at=iso(alert.closed_at)))
    if alert.close_reason is not None:
        yield words.say(alert.close_reason)


def held_card(words: Catalogue, readout: StatusReadout) -> Shown:
    """`/lumen override` alone: all that holds, or how to pin and lock."""
    card = Card(words)
    card.lines(list(held_lines(words, readout)) or [words.say(sentence) for sentence in NOTHING_HELD])
    card.lines([] if readout.in_steps is None else [words.say(in_steps(readout.in_steps))])
    card.lines([f"🤖 {words.say(trusted(words, one))}" for one in readout.trusted])
    card.context([words.say(message("override.none_remedy")), words.say(message("override.no_lock_remedy"))])
    return card.shown()


def list_card(words: Catalogue, silences: Sequence[Silence]) -> Shown:
    """A line each, or how to silence something."""
    card = Card(words)
    card.header(message("silence.title"))
    card.section(*(silence_line(one) for one in silences) if silences else (message("silence.none"),))
    return card.shown()


def timeline_card(words: Catalogue, timeline: Timeline) -> Shown:
    """The newest lines, oldest first."""
    card = Card(words)
    _add_timeline(card, words, timeline)
    return card.shown()


def details_card(words: Catalogue, timeline: Timeline, readout: IncidentReadout | None) -> Shown:
    """Why its newest proposal was made, and everything that was recorded."""
    card = Card(words)
    for proposal in readout.proposals[:1] if readout is not None else ():
        card.lines([line(words, proposal)])
        card.titled(message("views.proposal_reasons"), (f"• {words.say(reason)}" for reason in proposal.draft.reasons))
    _add_timeline(card, words, timeline)
    return card.shown()


def _add_timeline(card: Card, words: Catalogue, timeline: Timeline) -> None:
    card.header(message("incident.timeline_title", incident=timeline.incident.id))
    card.context([words.say(when(timeline))])
    lines = [history_line(words, entry) for entry in timeline.entries[-LINES:]]
    for at in range(0, len(lines), _LINES_A_BLOCK):
        card.lines(lines[at : at + _LINES_A_BLOCK])


def hand_card(words: Catalogue, service: ServiceId, incident_id: str) -> Shown:
    """For whoever hands it over: to whom."""
    card = Card(words)
    card.person(message("incident.hand_to"), HAND_TO, f"incident:{service.key} {incident_id}")
    return card.shown()
