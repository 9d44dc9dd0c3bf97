"""One incident in one message: what is wrong, since when, how sure; what happens about the release; until when."""

from collections.abc import Iterable

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.words import iso
from lumen.model.alert import Alert, Severity
from lumen.model.message import Message, message
from lumen.model.watching import Incident, StoredAlert

_SIGNS = {Severity.PAGE: "🔴", Severity.TICKET: "🟠", Severity.NOTICE: "⚪"}
_OVER = "✅"
_WORST_FIRST = (Severity.PAGE, Severity.TICKET, Severity.NOTICE)


def incident_card(words: Catalogue, incident: Incident, oncall: str = "") -> Shown:
    """Updated in place until everything that it tells of is over. A page that is open mentions `oncall`, if any."""
    card = Card(words)
    alerts = [stored.alert for stored in incident.alerts]
    is_over = all(alert.closed_at is not None for alert in alerts)
    worst = min((alert.severity for alert in alerts), key=_WORST_FIRST.index)
    card.header(
        message(
            "incident.header_over" if is_over else "incident.header",
            sign=_OVER if is_over else _SIGNS[worst],
            service=incident.service.name,
            severity=words.plain(Message(f"incident.severity_{worst}", {})),
            kinds=", ".join(dict.fromkeys(words.plain(Message(f"incident.kind_{a.kind}", {})) for a in alerts)),
        )
    )
    if oncall and not is_over and worst is Severity.PAGE:
        card.section(message("incident.oncall", who_mention=oncall))
    for alert in alerts:
        card.lines(list(_told(words, alert)))
    if not is_over or incident.notes:
        card.lines([words.say(note) for note in incident.notes])
    # Slack would read `:name:` as an emoji.
    card.context([words.say(message("incident.print", incident=incident.id.replace(":", " ")))])
    return card.shown()


def alert_lines(words: Catalogue, alerts: Iterable[StoredAlert]) -> list[str]:
    """What is open, a line each, for the status."""
    return [
        f"{_SIGNS[stored.alert.severity]} {word_of(words, stored.alert)}: {words.say(stored.alert.reason)}"
        for stored in alerts
    ]


def word_of(words: Catalogue, alert: Alert) -> str:
    """What kind of alert it is."""
    return words.say(Message(f"incident.kind_{alert.kind}", {}))


def _told(words: Catalogue, alert: Alert) -> Iterable[str]:
    sign = _OVER if alert.closed_at else _SIGNS[alert.severity]
    yield f"{sign} *{word_of(words, alert)}* · {words.say(Message(f'incident.severity_{alert.severity}', {}))}"
    yield words.say(alert.reason)
    if alert.closed_at is None:
        yield words.say(message("incident.since", opened_at=iso(alert.opened_at)))
    else:
        yield words.say(message("incident.from_to", opened_at=iso(alert.opened_at), closed_at=iso(alert.closed_at)))
    if alert.close_reason is not None:
        yield words.say(alert.close_reason)
