"""An incident from its first sign to its end, a line each: alerts, who was called and came, what was done.

What is silenced, by whom, until when.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.audit import Timeline
from lumen.model.error_lines import ErrorLines
from lumen.model.incident import Silence, StoredAlert
from lumen.model.messages import Message, Param, message
from lumen.wording.catalogue import Catalogue, Say, iso

#: As many lines as stay readable in one message; the command line shows all.
LINES = 60
_LINES_A_BLOCK = 15


SEVERITY_SIGNS = {Severity.PAGE: "🔴", Severity.TICKET: "🟠", Severity.NOTICE: "⚪"}


def kinds(words: Catalogue, alerts: Iterable[Alert]) -> str:
    """What they are about, each kind once."""
    found = (words.plain(Message(f"incident.kind_{alert.kind}", {})) for alert in alerts)
    return ", ".join(dict.fromkeys(found))


def alert_line(say: Say, stored: StoredAlert) -> str:
    """An open alert: its kind, and its figures with their time."""
    alert = stored.alert
    kind = say(Message(f"incident.kind_{alert.kind}", {}))
    return f"{SEVERITY_SIGNS[alert.severity]} {kind}: {alert_figures(say, alert)}"


def alert_figures(say: Say, alert: Alert) -> str:
    """Those of the last look that found them, and when that was; of an alert that is only open still, why it is."""
    looked_at = iso(alert.looked_at or alert.opened_at)
    if alert.closed_at is not None or alert.clear_at is None:
        as_of = message("alert.as_of", looked_at=looked_at)
    else:
        as_of = message("alert.as_of_clear", looked_at=looked_at, clear_at=iso(alert.clear_at))
    return " ".join(say(one) for one in (alert.reason, as_of, alert.waits) if one is not None)


def logged(found: ErrorLines | None) -> list[Message]:
    """What the blamed revision logs, the commonest lines after a title; or why there are none; nothing before anybody
    has looked."""
    if found is None or found.trouble is not None:
        return [] if found is None or found.trouble is None else [found.trouble]
    params: dict[str, Param] = {
        "revision": found.revision,
        "minutes": (found.read_at - found.since) / timedelta(minutes=1),
        "read_at": iso(found.read_at),
        "entries": found.entries,
    }
    if not found.lines:
        return [Message("evidence.none", params)]
    title = Message("evidence.title" if found.is_whole else "evidence.title_part", params)
    return [title, *(message("evidence.line", count=one.count, line=one.text.replace("`", "'")) for one in found.lines)]


def when(timeline: Timeline) -> Message:
    """Since when, until when."""
    alerts = [stored.alert for stored in timeline.incident.alerts]
    opened = iso(min(alert.opened_at for alert in alerts))
    closed = [alert.closed_at for alert in alerts if alert.closed_at is not None]
    if len(closed) < len(alerts):
        return message("incident.timeline_open", opened_at=opened)
    return message("incident.timeline_over", opened_at=opened, closed_at=iso(max(closed)))


def silence_line(silence: Silence) -> Message:
    """One silence in a line."""
    params: dict[str, Param] = {
        "name": silence.name,
        "until_at": iso(silence.until),
        "silenced_at": iso(silence.at),
        "who_mention": silence.by.user_id,
    }
    if silence.why:
        return Message("silence.line_why", {**params, "why": silence.why})
    return Message("silence.line", params)


def made_message(silences: Sequence[Silence]) -> Message:
    """What a silence came to, and how to end it."""
    code = "silence.done_many" if len(silences) == len(AlertKind) else "silence.done"
    return Message(code, {"names": _names(silences), "until_at": iso(silences[0].until)})


def ended_message(silences: Sequence[Silence]) -> Message:
    """What is heard of again."""
    return message("silence.ended", names=_names(silences))


def _names(silences: Sequence[Silence]) -> str:
    return ", ".join(one.name for one in silences)
