"""`lumen silence` and `lumen incident`: alerts that are silenced, and all that was recorded of an incident."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import ExitCode, Json, Service, chosen, duration, load, print_json, run
from lumen.model.alert import short_id, typed_id
from lumen.model.audit import AuditEntry, Timeline
from lumen.model.error_lines import ErrorLines
from lumen.model.incident import Incident, Silence
from lumen.model.messages import Message, NotPossible, message
from lumen.model.service import ServiceId
from lumen.use_cases.on_call import meant_by
from lumen.wording.audit_lines import history_plain
from lumen.wording.catalogue import Catalogue
from lumen.wording.incidents import ended_message, logged, made_message, silence_line, when

if TYPE_CHECKING:
    pass


def silence(
    what: Annotated[str, typer.Argument(help="A kind of alert, no_data/traffic, the id of an alert, or all.")] = "",
    lasts: Annotated[str, typer.Argument(metavar="DURATION", help="30m, 2h, 1d; an hour unless you say.")] = "",
    end: Annotated[bool, typer.Option("--end", help="Let people hear of it again.")] = False,
    why: Annotated[str, typer.Option("--why", help="In your own words.")] = "",
    service: Service = "",
    as_json: Json = False,
) -> None:
    """What is silenced; or silence a kind of alert for a while. It is recorded all the same, and countdowns run on."""
    from bot.cli.change_answers import end_silence, make_silence, silences

    if end and (not what or lasts):
        raise typer.BadParameter(
            "--end takes what is to be heard of again, and nothing else: lumen silence cache --end"
        )
    settings = load()
    of, lasting = chosen(settings, service), duration("DURATION", lasts)
    _check(of, what, settings.lumen_locale)
    if not what:
        found = run(settings, silences(settings, of), asking=True)
        _print(found, settings.lumen_locale, as_json, None)
    elif end:
        _print(run(settings, end_silence(settings, of, what)), settings.lumen_locale, as_json, False)
    else:
        _print(run(settings, make_silence(settings, of, what, lasting, why)), settings.lumen_locale, as_json, True)
    raise typer.Exit(ExitCode.GOOD)


def _check(of: ServiceId, what: str, locale: str) -> None:
    """Raises BadParameter for an alert that there is not."""

    words = Catalogue(locale)
    try:
        if what and not typed_id(what):
            meant_by(of, what)
    except NotPossible as error:
        raise typer.BadParameter(f"{words.plain(error.reason)} {words.plain(error.remedy)}") from None


def _print(found: list[Silence], locale: str, as_json: bool, made: bool | None) -> None:
    """`made` None: a list; True: they were made; False: they were ended."""

    if as_json:
        print_json([_silence_json(one) for one in found])
        return
    words = Catalogue(locale)
    if made is None:
        told = [silence_line(one) for one in found] or [message("silence.none")]
    else:
        told = [made_message(found) if made else ended_message(found)]
    for each in told:
        typer.echo(words.plain(each))


def _silence_json(one: Silence) -> dict[str, str]:
    return {
        "alert": one.name,
        "until": one.until.isoformat(),
        "by": one.by.user_id,
        "at": one.at.isoformat(),
        "why": one.why,
    }


def incident(
    incident_id: Annotated[str, typer.Argument(metavar="ID", help="As it stands at the foot of its message.")] = "",
    service: Service = "",
    as_json: Json = False,
) -> None:
    """The newest incidents; or everything that was recorded of one, from its first sign to its end."""
    from bot.cli.change_answers import newest_incidents, timeline

    settings = load()
    of, words = chosen(settings, service), Catalogue(settings.lumen_locale)
    if incident_id:
        found = run(settings, timeline(settings, of, incident_id), asking=True)
        if as_json:
            print_json(timeline_json(found, words))
        else:
            print_timeline(found, words)
        raise typer.Exit(ExitCode.GOOD)
    listed = run(settings, newest_incidents(settings, of), asking=True)
    if as_json:
        print_json(incidents_json(listed, words))
    else:
        print_incidents(listed, words)
    raise typer.Exit(ExitCode.GOOD)


def register(app: typer.Typer) -> None:
    """Put both commands on the command line."""
    app.command()(silence)
    app.command()(incident)


def print_incidents(incidents: Sequence[Incident], words: Catalogue) -> None:
    """A line each, the newest first."""
    for incident in incidents:
        kinds = ", ".join(dict.fromkeys(_kind(words, str(one.alert.kind)) for one in incident.alerts))
        typer.echo(f"{short_id(incident.id)}  {kinds}  {words.plain(when(Timeline(incident, ())))}")
    if not incidents:
        typer.echo(words.plain(message("incident.list_none")))


def print_timeline(timeline: Timeline, words: Catalogue) -> None:
    """A line each, oldest first."""
    typer.echo(words.plain(message("incident.timeline_title", incident=timeline.incident.id)))
    typer.echo(words.plain(when(timeline)))
    for entry in timeline.entries:
        typer.echo(history_plain(words, entry))
    for one in logged(timeline.errors):
        typer.echo(words.plain(one))


def incidents_json(incidents: Sequence[Incident], words: Catalogue) -> list[dict[str, object]]:
    """docs/operations.md names the fields."""
    return [_incident_json(incident, words) for incident in incidents]


def timeline_json(timeline: Timeline, words: Catalogue) -> dict[str, object]:
    """The incident with all that was recorded of it."""
    return {
        **_incident_json(timeline.incident, words),
        "timeline": [_entry_json(entry, words) for entry in timeline.entries],
        "logged": _logged_json(timeline.errors, words),
    }


def _logged_json(found: ErrorLines | None, words: Catalogue) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "revision": found.revision,
        "since": found.since.isoformat(),
        "until": found.read_at.isoformat(),
        "entries": found.entries,
        "complete": found.is_whole,
        "lines": [{"count": one.count, "line": one.text} for one in found.lines],
        "link": found.link,
        "trouble": words.plain(found.trouble) if found.trouble else None,
    }


def _incident_json(incident: Incident, words: Catalogue) -> dict[str, object]:
    taken, pager = incident.acknowledged, incident.pager
    return {
        "incident": incident.id,
        "id": short_id(incident.id),
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
                "reason_at": (one.alert.looked_at or one.alert.opened_at).isoformat(),
                "waits": words.plain(one.alert.waits) if one.alert.waits else None,
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
