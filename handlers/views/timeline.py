"""An incident from its first sign to its end, a line each: alerts, who was called and came, what was done."""

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.history import history_line
from handlers.views.words import iso
from lumen.model.message import Message, message
from lumen.ports.calling import Timeline

#: As many lines as stay readable in one message; the command line shows all.
LINES = 60
_LINES_A_BLOCK = 15


def when(timeline: Timeline) -> Message:
    """Since when, until when."""
    alerts = [stored.alert for stored in timeline.incident.alerts]
    opened = iso(min(alert.opened_at for alert in alerts))
    closed = [alert.closed_at for alert in alerts if alert.closed_at is not None]
    if len(closed) < len(alerts):
        return message("incident.timeline_open", opened_at=opened)
    return message("incident.timeline_over", opened_at=opened, closed_at=iso(max(closed)))


def timeline_card(words: Catalogue, timeline: Timeline) -> Shown:
    """The newest lines, oldest first."""
    card = Card(words)
    card.header(message("incident.timeline_title", incident=timeline.incident.id))
    card.context([words.say(when(timeline))])
    lines = [history_line(words, entry) for entry in timeline.entries[-LINES:]]
    for at in range(0, len(lines), _LINES_A_BLOCK):
        card.lines(lines[at : at + _LINES_A_BLOCK])
    return card.shown()
