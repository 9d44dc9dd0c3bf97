"""Incidents for people and for programs."""

import json
from collections.abc import Sequence

import typer

from handlers.catalogue import Catalogue
from handlers.views.history import history_plain
from handlers.views.timeline import when
from lumen.model.message import Message, message
from lumen.model.watching import Incident
from lumen.ports.calling import Timeline
from lumen.ports.state import AuditEntry


def print_incidents(incidents: Sequence[Incident], words: Catalogue) -> None:
    """A line each, the newest first."""
    for incident in incidents:
        kinds = ", ".join(dict.fromkeys(_kind(words, str(one.alert.kind)) for one in incident.alerts))
        typer.echo(f"{incident.id}  {kinds}  {words.plain(when(Timeline(incident, ())))}")
    if not incidents:
        typer.echo(words.plain(message("incident.list_none")))


def print_timeline(timeline: Timeline, words: Catalogue) -> None:
    """A line each, oldest first."""
    typer.echo(words.plain(message("incident.timeline_title", incident=timeline.incident.id)))
    typer.echo(words.plain(when(timeline)))
    for entry in timeline.entries:
        typer.echo(history_plain(words, entry))


def incidents_json(incidents: Sequence[Incident], words: Catalogue) -> list[dict[str, object]]:
    """docs/operations.md names the fields."""
    return [_incident_json(incident, words) for incident in incidents]


def timeline_json(timeline: Timeline, words: Catalogue) -> dict[str, object]:
    """The incident with all that was recorded of it."""
    return {
        **_incident_json(timeline.incident, words),
        "timeline": [_entry_json(entry, words) for entry in timeline.entries],
    }


def _incident_json(incident: Incident, words: Catalogue) -> dict[str, object]:
    taken, pager = incident.taken, incident.pager
    return {
        "incident": incident.id,
        "service": incident.service.key,
        "over": incident.is_over,
        "alerts": [
            {
                "id": one.alert.id,
                "kind": str(one.alert.kind),
                "signal": one.alert.signal,
                "severity": str(one.alert.severity),
                "opened": one.alert.opened_at.isoformat(),
                "closed": one.alert.closed_at.isoformat() if one.alert.closed_at else None,
                "reason": words.plain(one.alert.reason),
                "silenced": one.silenced,
            }
            for one in incident.alerts
        ],
        "taken": {"by": taken.by.user_id, "at": taken.at.isoformat()} if taken else None,
        "pager": {"step": str(pager.step) if pager.step else None, "at": pager.at.isoformat()} if pager else None,
        "notes": [words.plain(note) for note in incident.notes],
    }


def _entry_json(entry: AuditEntry, words: Catalogue) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "event": entry.event,
        "actor": entry.actor,
        "proposal": entry.proposal_id or None,
        "says": history_plain(words, entry),
        "data": json.loads(entry.data) if entry.data else None,
    }


def _kind(words: Catalogue, kind: str) -> str:
    return words.plain(Message(f"incident.kind_{kind}", {}))
