"""Evidence on the message of an incident: the newest figures and where they go, revision against revision, a chart."""

from collections.abc import Iterator
from datetime import datetime

from handlers.blocks.chart import Chart, Series, times
from lumen.model.answers import IncidentReadout
from lumen.model.course import OF_NOW, Failing, RevisionsSeen
from lumen.model.incident import RevisionCount
from lumen.model.messages import Message, Param, message
from lumen.model.snapshot import SLICE
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.incident_message import short, since_it_left

#: Of its chart, five minutes each.
POINTS = 12


def evidence(words: Catalogue, readout: IncidentReadout) -> Iterator[str]:
    """The newest figures with their time and where they go, and revision against revision; nothing when it is over."""
    course, seen = readout.course, readout.revisions
    if readout.incident.is_over:
        return
    if course is not None and course.newest is not None:
        trend = words.say(Message(f"incident.trend_{course.trend}", {})) if course.trend is not None else ""
        yield words.say(_newest(course.newest, readout.now, trend))
    if seen is not None and seen.blamed_until is not None:
        yield from (words.say(one) for one in _has_left(readout, seen, seen.blamed_until))
    elif seen is not None:
        yield from _serves(words, readout, seen)


def _serves(words: Catalogue, readout: IncidentReadout, seen: RevisionsSeen) -> Iterator[str]:
    """The newest revision, and the one before it."""
    is_old = readout.now - seen.at > OF_NOW
    for code, count in (("blamed", seen.blamed), ("before", seen.before)):
        if count is not None and count.requests:
            as_of = (
                f" {words.say(message('alert.as_of', looked_at=iso(seen.at)))}" if code == "before" or is_old else ""
            )
            yield f"{words.say(Message(f'incident.revision_{code}', _counted(readout, count)))}{as_of}"


def _has_left(readout: IncidentReadout, seen: RevisionsSeen, until: datetime) -> Iterator[Message]:
    """The revision that served until then, and what has become of the requests."""
    if seen.blamed is not None and seen.blamed.requests:
        yield Message("incident.revision_left", {**_counted(readout, seen.blamed), "until_at": iso(until)})
    after = since_it_left(readout)
    if after is not None:
        yield after


def _counted(readout: IncidentReadout, count: RevisionCount) -> dict[str, Param]:
    return {
        "revision": short(count.revision, readout.incident.service.name),
        "share": count.errors_5xx / count.requests,
        "requests": count.requests,
        "since_at": iso(count.start),
    }


def errors_by_revision(words: Catalogue, seen: RevisionsSeen, service: str) -> Chart:
    """Failed requests of each revision over the last hour. One without requests has failed none; a slice of which
    nothing is known, or not well enough, is a hole."""
    start = seen.at - POINTS * SLICE
    counts = {(one.start, one.revision): one for one in seen.hour}
    known = {one.start for one in seen.hour} - {one.start for one in seen.hour if one.doubt is not None}
    slices = [start + nth * SLICE for nth in range(POINTS)]
    series = [
        Series(
            short(revision, service) or revision,
            [
                (counts[at, revision].errors_5xx if (at, revision) in counts else 0) if at in known else None
                for at in slices
            ],
        )
        for revision in sorted({one.revision for one in seen.hour}, reverse=True)
    ]
    return Chart("line", message("incident.chart"), times(words, start, SLICE, POINTS), series)


def _newest(newest: Failing, now: datetime, trend: str) -> Message:
    params: dict[str, Param] = {"share": newest.share, "requests": newest.requests, "until_at": iso(newest.at)}
    if newest.is_of(now):
        return Message("incident.newest", {**params, "trend": f" · {trend}" if trend else ""})
    return Message("incident.newest_old", params)
