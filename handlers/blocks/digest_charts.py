"""The charts of a digest: failing requests and hit rate with their targets; their titles say what happened meanwhile.

On Mondays they are of the week, with a table of its days.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from handlers.blocks.before_after import OF_CACHE, changed
from handlers.blocks.card import Card
from handlers.blocks.chart import Axis, Chart, Series, target, times
from lumen.model.alert import AlertKind
from lumen.model.digest import DAY, DigestReadout, Period
from lumen.model.messages import Message, message
from lumen.model.proposal import WAS_IN_FORCE
from lumen.wording.catalogue import Catalogue
from lumen.wording.figures import money, percent

#: Incidents by the chart in which they are seen; those about money are seen in neither.
_SEEN_IN = {
    "error_rate": (AlertKind.AVAILABILITY, AlertKind.LATENCY, AlertKind.NO_DATA),
    "hit_rate": (AlertKind.CACHE,),
}
#: The objective whose target a chart shows.
_OBJECTIVES = {"error_rate": "error_rate", "hit_rate": "cache_hit_rate"}


def charts(card: Card, words: Catalogue, readout: DigestReadout) -> None:
    """Two; of a figure of which nothing is known there is none."""
    spans = readout.week or readout.periods
    figures = {
        "error_rate": [one.error_rate for one in spans],
        "hit_rate": [one.hit_rate for one in spans],
    }
    for name, values in figures.items():
        if any(value is not None for value in values):
            card.chart(_chart(words, readout, spans, name, values))
    if readout.days:
        card.table(_table(words, readout))


def _chart(
    words: Catalogue, readout: DigestReadout, spans: Sequence[Period], name: str, values: Sequence[float | None]
) -> Chart:
    axis = times(words, spans[0].start, spans[0].end - spans[0].start, len(spans))
    series = [Series(words.plain(Message(f"digest.chart_{name}", {})), values), *_target(words, readout, name, axis)]
    title = Message(f"digest.chart_{name}_title", {})
    happened = list(_happened(words, readout, name, spans[0].start))
    if happened:  # the first; a title has one line, and the lists above have them all
        more = f" +{len(happened) - 1}" if len(happened) > 1 else ""
        title = message("digest.chart_with", title=title, happened=f"{happened[0]}{more}")
    return Chart("line", title, axis, series, "%")


def _target(words: Catalogue, readout: DigestReadout, name: str, axis: Axis) -> Iterator[Series]:
    for one in readout.objectives:
        if one.name == _OBJECTIVES[name]:
            yield target(words, 1 - one.target if name == "error_rate" else one.target, axis)


def _happened(words: Catalogue, readout: DigestReadout, name: str, since: datetime) -> Iterator[str]:
    """Incidents from when until when, and changes of the cache, by the clock of the readers."""
    for past in readout.incidents:
        for kind in past.kinds:
            if kind in _SEEN_IN[name]:
                kinds = words.plain(Message(f"incident.kind_{kind}", {}))
                ended = past.closed_at or readout.now
                yield f"{kinds} {_clock(words, readout, past.opened_at)}–{_clock(words, readout, ended)}"
    for change in readout.status.changes if name == "hit_rate" else ():
        at, made = change.proposal.finished_at, change.proposal
        of_cache = made.draft.change.knob in OF_CACHE and made.state in WAS_IN_FORCE
        if of_cache and at is not None and at >= since:
            yield f"{changed(words, made.draft.change)} {_clock(words, readout, at)}"


def _clock(words: Catalogue, readout: DigestReadout, at: datetime) -> str:
    """The time of day, with the day where that is not of the last 24 hours."""
    local = words.local(at)
    return f"{local:%H:%M}" if readout.at - at < DAY else f"{local:%m-%d %H:%M}"


def _table(words: Catalogue, readout: DigestReadout) -> list[list[str]]:
    """A row for each day of the week."""
    no_data = words.plain(message("chart.no_data"))
    titles = ("day", "incidents", "errors", "hits", "p95", "cost")
    rows = [[words.plain(Message(f"digest.table_{title}", {})) for title in titles]]
    days = times(words, readout.days[0].start, DAY, len(readout.days)).categories
    for label, incidents, day in zip(days, readout.incidents_by_day, readout.days, strict=True):
        figures = (
            None if day.error_rate is None else percent(day.error_rate),
            None if day.hit_rate is None else percent(day.hit_rate),
            None if day.p95_ms is None else words.plain(message("views.value_ms", value=day.p95_ms)),
            None if day.cost_usd is None else money(day.cost_usd),
        )
        rows.append([label, str(incidents), *(figure or no_data for figure in figures)])
    return rows
