"""Evidence on the message of an incident: the newest figures and where they go, revision against revision, a chart."""

from collections.abc import Iterator
from datetime import datetime

from handlers.blocks.chart import Chart, Series, times
from lumen.model.answers import IncidentReadout
from lumen.model.course import OF_NOW, Failing, RevisionsSeen
from lumen.model.incident import RevisionCount
from lumen.model.messages import Message, Param, message
from lumen.model.snapshot import SLICE
from lumen.wording.by_itself import short
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.incident_message import since_it_left

#: Of its chart, five minutes each.
POINTS = 12


def evidence(words: Catalogue, readout: IncidentReadout) -> Iterator[str]:
    """The newest figures with their time and where they go, and revision against revision, while requests fail."""
    course, seen = readout.course, readout.revisions
    if not readout.incident.is_failing:
        return
    if course is not None and course.newest is not None:
        trend = words.say(Message(f"incident.trend_{course.trend}", {})) if course.trend is not None else ""
        yield words.say(_newest(course.newest, readout.now, trend))
    if seen is not None:
        is_old = readout.now - seen.at > OF_NOW
        until = seen.blamed_until or (seen.at if is_old else None)
        told = _serves(readout, seen) if until is None else _served(readout, seen, until)
        yield from (" ".join(map(words.say, line)) for line in told)


def _serves(readout: IncidentReadout, seen: RevisionsSeen) -> Iterator[list[Message]]:
    """The newest revision, and the one before it; of when that is stands at the end."""
    pairs = (("blamed", seen.blamed), ("before", seen.before))
    known = [(code, count) for code, count in pairs if count is not None and count.requests]
    for code, count in known:
        as_of = [message("alert.as_of", looked_at=iso(seen.at))] if (code, count) == known[-1] else []
        yield [Message(f"incident.revision_{code}", _counted(readout, count)), *as_of]


def _served(readout: IncidentReadout, seen: RevisionsSeen, until: datetime) -> Iterator[list[Message]]:
    """The revision that served until then as far as anybody knows, and what has become of the requests."""
    if seen.blamed is not None and seen.blamed.requests:
        yield [Message("incident.revision_left", {**_counted(readout, seen.blamed), "until_at": iso(until)})]
    after = since_it_left(readout)
    if after is not None:
        yield [after]


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
