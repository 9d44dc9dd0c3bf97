"""The message of an incident in words: its headline, how it stands, what it came to, and where to look further."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from lumen.model.alert import SEVEREST_FIRST, AlertKind, Severity
from lumen.model.answers import IncidentReadout
from lumen.model.course import OF_NOW, Course
from lumen.model.incident import CALLS_END, Incident, silence_over
from lumen.model.messages import Message, Param, message
from lumen.model.proposal import IN_FORCE, LATEST, WAS_IN_FORCE, Choice, Proposal, State
from lumen.policies.blamed import blames
from lumen.wording.by_itself import short, target_of
from lumen.wording.catalogue import Catalogue, escape, iso
from lumen.wording.incidents import SEVERITY_SIGNS, kinds
from lumen.wording.scores import span

TAKEN, SILENCED, OVER = "👀", "🔇", "✅"
#: What is known against the blame of a release.
_EXONERATES = frozenset({"policy.rollback_not_worse", "policy.rollback_others_too"})


def headline(words: Catalogue, readout: IncidentReadout) -> Message:
    """What fails, how much, for how long, of which release; in plain text, so that it says no clock time."""
    incident, now, course = readout.incident, readout.now, readout.course
    still = incident.open_alerts or [one.alert for one in incident.alerts]
    params: dict[str, Param] = {"service": incident.service.name, "kinds": kinds(words, still)}
    params |= {"release": _release(words, readout)}
    if incident.is_over:
        began, ended = _extent(incident, course)
        return Message("incident.header_over", {**params, "sign": OVER, "lasts": span(ended - began)})
    params |= {"sign": _sign(incident), "state": _short_state(words, incident)}
    if course is None or course.newest is None:
        severity = words.plain(Message(f"incident.severity_{_worst(incident)}", {}))
        lasts = span(now - min(one.alert.opened_at for one in incident.alerts))
        return Message("incident.header_open", {**params, "severity": severity, "lasts": lasts})
    if not course.newest.is_of(now):
        return Message("incident.header_old", {**params, "lasts": span(now - course.newest.at)})
    if course.well_since is not None:
        return Message("incident.header_well", {**params, "lasts": span(now - course.well_since)})
    return Message(
        "incident.header_failing", {**params, "share": course.newest.share, "lasts": span(now - course.began)}
    )


def standing(incident: Incident) -> Message:
    """Ticket or page, and whether it fires, is taken or is silenced; since when."""
    opened_at = iso(min(alert.opened_at for alert in incident.open_alerts))
    if incident.wants_somebody and incident.is_unanswered:
        return message("incident.stands_page_unanswered", opened_at=opened_at, calls=CALLS_END)
    return Message(f"incident.stands_{_worst(incident)}_{_state(incident)}", {"opened_at": opened_at})


def called_for(words: Catalogue, incident: Incident) -> dict[str, Param]:
    """What people are called for: the service, and what its open pages are about, since when."""
    return {
        "service": incident.service.name,
        "kinds": kinds(words, incident.open_pages),
        "opened_at": iso(min(page.opened_at for page in incident.open_pages)),
    }


def _worst(incident: Incident) -> Severity:
    return min((alert.severity for alert in incident.open_alerts), key=SEVEREST_FIRST.index)


def _state(incident: Incident) -> str:
    if incident.acknowledged is not None:
        return "taken"
    is_silenced = incident.is_hushed or all(silence_over(one, incident.silences) for one in incident.open_alerts)
    return "silenced" if is_silenced else "firing"


def _sign(incident: Incident) -> str:
    """Another one for each state; the words beside it say the same."""
    return {"taken": TAKEN, "silenced": SILENCED}.get(_state(incident), SEVERITY_SIGNS[_worst(incident)])


def _short_state(words: Catalogue, incident: Incident) -> str:
    state = _state(incident)
    return "" if state == "firing" else words.plain(Message(f"incident.is_{state}", {}))


def _release(words: Catalogue, readout: IncidentReadout) -> str:
    """The release that fails more than the one before it, and whether it was rolled back; "" where none does.

    None is named either where older code fails as well, or nothing fails any more.
    """
    blamed = blames(readout.revisions)
    incident = readout.incident
    if (
        blamed is None
        or not (incident.is_failing or incident.is_over)
        or any(note.code in _EXONERATES for note in incident.notes)
    ):
        return ""
    code = "incident.of_release_back" if _moved_from(readout, blamed.revision) else "incident.of_release"
    return words.plain(Message(code, {"revision": short(blamed.revision, incident.service.name)}))


def _moved_from(readout: IncidentReadout, revision: str) -> bool:
    """Whether one of its proposals has taken the traffic from there, and no later one brought it back."""
    newest = next((one.draft.change.new for one in readout.proposals if one.state in IN_FORCE), LATEST)
    return newest not in (LATEST, revision)


def brings_back(stands: Proposal, readout: IncidentReadout) -> bool:
    """Whether its undo would send the traffic to the release that this incident is put down to, while it lasts."""
    is_harmful = stands.state is State.HARMFUL
    return not is_harmful and not readout.incident.is_over and blames(readout.revisions) is not None


def since_it_left(readout: IncidentReadout) -> Message | None:
    """The share that failed before and after the traffic left the release that is blamed; None where it has not, or
    nothing is known of the requests since."""
    seen = readout.revisions
    if seen is None or seen.blamed is None or seen.after is None or not (seen.blamed.requests and seen.after.requests):
        return None
    after = seen.after
    code = "since_rollback" if _moved_from(readout, seen.blamed.revision) else "since_left"
    params: dict[str, Param] = {
        "before_share": seen.blamed.errors_5xx / seen.blamed.requests,
        "share": after.errors_5xx / after.requests,
        "requests": after.requests,
        "revision": short(after.revision, readout.incident.service.name),
        "since_at": iso(after.start),
        "until_at": iso(seen.at),
    }
    return Message(f"incident.{code}", params)


def _extent(incident: Incident, course: Course | None) -> tuple[datetime, datetime]:
    """From its first sign to the last; requests failed from before they were noticed until before it closed."""
    is_told = course is not None and course.requests > 0
    alerts = [one.alert for one in incident.alerts if not (is_told and one.alert.kind is AlertKind.AVAILABILITY)]
    spans = [(one.opened_at, one.closed_at or one.opened_at) for one in alerts]
    spans += [(course.began, course.ended)] if course is not None else []
    return min(began for began, _ in spans), max(ended for _, ended in spans)


def summary(readout: IncidentReadout) -> Iterator[Message]:
    """What an incident that is over came to: how long, how much of the budget, its cost, what was done, what now."""
    course = readout.course
    if course is None or not course.requests:
        yield Message("incident.over_lasted", _lasted(*_extent(readout.incident, course)))
    else:
        counts = {"errors": course.errors_5xx, "requests": course.requests}
        share = course.errors_5xx / course.requests
        yield Message("incident.over_failed", {**_lasted(course.began, course.ended), **counts, "share": share})
        if course.unknown_slices:
            yield message("incident.over_unknown", unknown=course.unknown_slices, slices=course.slices)
        yield _of_budget(readout.budget_events, course.errors_5xx)
        if course.cost_usd is not None:
            yield message("incident.over_cost", cost_usd=course.cost_usd)
    done = [one for one in readout.proposals if one.state in WAS_IN_FORCE or one.left_something]
    yield from (_done(one) for one in reversed(done))
    if not done and readout.open_proposal is None:
        yield message("incident.over_nothing_done")
    effect = since_it_left(readout)
    if effect is not None:
        yield effect
    if readout.incident.acknowledged is not None:
        yield message("incident.over_taken", who_mention=readout.incident.acknowledged.by.user_id)
    yield message("incident.now_unpin" if _is_pinned(readout) else "incident.now_find")


def _lasted(began: datetime, ended: datetime) -> dict[str, Param]:
    return {"lasts": span(ended - began), "began_at": iso(began), "ended_at": iso(ended)}


def _is_pinned(readout: IncidentReadout) -> bool:
    """Whether new deployments get no traffic: as the looks see it, and until the next one from what was just done."""
    newest = next((one for one in readout.proposals if one.state in IN_FORCE), None)
    if newest is None or newest.finished_at is None or readout.now - newest.finished_at > OF_NOW:
        return readout.pinned is not None
    return newest.draft.change.new != LATEST


def _of_budget(events: float | None, errors: int) -> Message:
    if not events:
        return message("incident.over_budget_unknown")
    return message("incident.over_budget", share=errors / events, events=events)


def _done(proposal: Proposal) -> Message:
    """What was done about the traffic, and by whom; and whether it stands."""
    decision = proposal.decision
    params: dict[str, Param] = {
        "target": target_of(proposal),
        "decided_at": iso(proposal.decided_at or proposal.created_at),
    }
    if proposal.state is State.UNDONE or proposal.left_something:
        return Message("incident.done_undone" if proposal.state is State.UNDONE else "incident.done_partly", params)
    if decision is not None and decision.person is not None:
        return Message("incident.done_by", {**params, "who_mention": decision.person.user_id})
    is_timer = decision is not None and decision.choice is Choice.TIMER
    return Message("incident.done_by_timer" if is_timer else "incident.done", params)


_CONSOLE = "https://console.cloud.google.com"
#: Logs are linked to from so long before it began.
BEFORE = timedelta(minutes=10)


def links(words: Catalogue, readout: IncidentReadout, runbook: str = "") -> Iterator[str]:
    """Where to look further, as Slack's links."""
    service, seen = readout.incident.service, readout.revisions
    began, _ = _extent(readout.incident, readout.course)
    query = [f'resource.labels.service_name="{service.name}"', "severity>=ERROR"]
    if seen is not None and seen.blamed is not None:
        query.insert(1, f'resource.labels.revision_name="{seen.blamed.revision}"')
    wanted = quote("\n".join(['resource.type="cloud_run_revision"', *query]), safe="")
    start = quote((began - BEFORE).isoformat(), safe="")
    run = f"{_CONSOLE}/run/detail/{service.region}/{service.name}"
    for name, url in (
        ("revisions", f"{run}/revisions?project={service.project}"),
        ("logs", f"{_CONSOLE}/logs/query;query={wanted};startTime={start}?project={service.project}"),
        ("dashboards", f"{_CONSOLE}/monitoring/dashboards?project={service.project}"),
        *((("runbook", runbook),) if runbook else ()),
    ):
        yield f"<{escape(url)}|{words.say(Message(f'incident.link_{name}', {}))}>"
