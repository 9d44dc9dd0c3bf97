"""One incident in one message: what is wrong, since when, how sure; what happens about the release; until when."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from handlers.blocks.card import ID_MAX, Button, Card, Shown
from lumen.model.alert import Alert, Severity
from lumen.model.answers import StatusReadout
from lumen.model.audit import Timeline
from lumen.model.incident import (
    Acknowledged,
    Incident,
    Learnt,
    PagerStep,
    Silence,
    StoredAlert,
    silence_over,
)
from lumen.model.messages import Message, Param, message
from lumen.ports.store import Surface
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.incidents import _LINES_A_BLOCK, LINES, SEVERITY_SIGNS, alert_figures, alert_line, silence_line, when
from lumen.wording.restrictions import NOTHING_HELD, held_lines, trusted

#: "I'm on it": nobody is mentioned any more.
ON_IT = "incident.on_it"
#: What a closed incident was, in a person's word.
REAL = "incident.real"
FALSE_ALARM = "incident.false_alarm"
_OVER = "✅"
_WORST_FIRST = (Severity.PAGE, Severity.TICKET, Severity.NOTICE)


def incident_card(words: Catalogue, incident: Incident, oncall: str = "") -> Shown:
    """Updated in place until everything that it tells of is over. A page that is open mentions `oncall`, if any."""
    card = Card(words)
    alerts = [stored.alert for stored in incident.alerts]
    is_over = incident.is_over
    stand = alerts if is_over else [alert for alert in alerts if alert.closed_at is None]
    worst = min((alert.severity for alert in stand), key=_WORST_FIRST.index)
    card.header(
        message(
            "incident.header_over" if is_over else "incident.header",
            sign=_OVER if is_over else SEVERITY_SIGNS[worst],
            service=incident.service.name,
            severity=words.plain(Message(f"incident.severity_{worst}", {})),
            kinds=", ".join(dict.fromkeys(words.plain(Message(f"incident.kind_{a.kind}", {})) for a in alerts)),
        )
    )
    if incident.acknowledged is not None:
        card.section(_acknowledged(incident.acknowledged))
    elif oncall and incident.is_open_page and not incident.is_hushed:
        card.section(message("incident.oncall", who_mention=oncall))
    for stored in incident.alerts:
        card.lines(list(_told(words, stored.alert, incident, is_late=stored.late)))
    if not is_over or incident.notes:
        card.lines([words.say(note) for note in incident.notes])
    if incident.label is not None:
        code = "label.said_real" if incident.label.is_real else "label.said_false"
        card.section(Message(code, {"who_mention": incident.label.by.user_id, "said_at": iso(incident.label.at)}))
    if incident.pager is not None and incident.pager.trouble is not None:
        reason, failed = words.plain(incident.pager.trouble), incident.pager.failed or PagerStep.TRIGGER
        card.section(Message(f"incident.pager_no_{failed}", {"reason": reason}))
    if incident.is_open_page and incident.acknowledged is None:
        card.buttons([_on_it(incident)], block_id=f"incident:{incident.id}"[:ID_MAX])
    if is_over:
        card.buttons(_labels(incident), block_id=f"label:{incident.id}"[:ID_MAX])
    card.context([words.say(message("incident.print", incident=incident.id))])
    return card.shown()


def mention_card(words: Catalogue, incident: Incident, oncall: str, number: int, most: int) -> Shown | None:
    """A call to the people on call, in the thread of the incident's message; None when nobody need come any more."""
    if not oncall or not incident.is_open_page or incident.acknowledged is not None or incident.is_hushed:
        return None
    if incident.mentions is not None and number < incident.mentions.number:
        return None  # Slack was away meanwhile: the newest call says it all
    pages = [one.alert for one in incident.alerts if one.alert.severity is Severity.PAGE and not one.alert.closed_at]
    params: dict[str, Param] = {
        "who_mention": oncall,
        "service": incident.service.name,
        "kinds": ", ".join(dict.fromkeys(words.plain(Message(f"incident.kind_{page.kind}", {})) for page in pages)),
        "opened_at": iso(min(page.opened_at for page in pages)),
    }
    card = Card(words)
    if number == 0:
        card.section(Message("incident.mention_first", params))
    else:
        card.section(Message("incident.mention_again", {**params, "number": number, "most": most}))
    return replace(card.shown(), under=Surface(incident.service, "alert", incident.id))


def _acknowledged(taken: Acknowledged) -> Message:
    return message("incident.acknowledged", who_mention=taken.by.user_id, taken_at=iso(taken.at))


def _on_it(incident: Incident) -> Button:
    return Button(
        ON_IT,
        message("incident.on_it"),
        f"1 {incident.service.key} {incident.id}",
        style="primary",
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
    """How often Lumen was right, by people's labels, and what is told less because of them."""
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
    """What is open, a line each, for the status."""
    return [
        alert_line(words.say, stored) + _waits(words, stored) + _hushed(words, silence_over(stored.alert, silences))
        for stored in sorted(alerts, key=lambda one: _WORST_FIRST.index(one.alert.severity))
    ]


def _waits(words: Catalogue, stored: StoredAlert) -> str:
    return f" · {words.say(message('label.waits'))}" if stored.late and stored.silenced else ""


def _hushed(words: Catalogue, silence: Silence | None) -> str:
    return f" · {words.say(message('incident.silenced_short', until_at=iso(silence.until)))}" if silence else ""


def word_of(words: Catalogue, alert: Alert) -> str:
    """What kind of alert it is."""
    return words.say(Message(f"incident.kind_{alert.kind}", {}))


def _told(words: Catalogue, alert: Alert, incident: Incident, *, is_late: bool) -> Iterable[str]:
    sign = _OVER if alert.closed_at else SEVERITY_SIGNS[alert.severity]
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
    card.header(message("incident.timeline_title", incident=timeline.incident.id))
    card.context([words.say(when(timeline))])
    lines = [history_line(words, entry) for entry in timeline.entries[-LINES:]]
    for at in range(0, len(lines), _LINES_A_BLOCK):
        card.lines(lines[at : at + _LINES_A_BLOCK])
    return card.shown()
