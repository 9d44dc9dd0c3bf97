"""Slack's own charts: named series over categories, as a block within Slack's limits and as words that say the same.

A card takes one with `Card.chart(Chart(…))`. Slack draws a number for each category and series, and no hole: categories
of which a figure is missing are left out and named. Where more than a quarter is, the figures stand there as text.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from statistics import fmean
from typing import Any, Literal

from lumen.model.messages import Message, message
from lumen.wording.catalogue import Catalogue
from lumen.wording.figures import count as counted
from lumen.wording.figures import shown

#: Slack's limits (docs.slack.dev/reference/block-kit/blocks/data-visualization-block).
CHARTS_MAX = 2
TITLE_MAX = 50
POINTS_MAX = 20
SERIES_MAX = 6
NAME_MAX = 20
AXIS_MAX = 50
#: With more of its categories left out a chart would hide what it is about.
LARGEST_HOLE = 0.25
#: What stays of a name that is too long: its beginning, and more of its end, where revisions differ.
_HEAD, _TAIL = 6, 13
#: One point alone is no curve.
LEAST_POINTS = {"line": 2, "area": 2, "bar": 1}
DAY, WEEK = timedelta(days=1), timedelta(days=7)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """Figures under one name, one for each category; None where there is none. Ratios are 0-1."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Axis:
    """What the categories are, and their labels from left to right. `ends`: where each span of time ends, or empty."""

    label: str
    categories: Sequence[str]
    ends: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Series of one unit: "%" (of ratios), "$", any other that stands after the number ("ms"), or none.

    Raises ValueError for more than 20 categories, and for a series that has not one value for each of them.
    """

    kind: Literal["line", "area", "bar"]
    title: Message
    axis: Axis
    series: Sequence[Series]
    unit: str = ""

    def __post_init__(self) -> None:
        size = len(self.axis.categories)
        if size > POINTS_MAX or any(len(one.values) != size for one in self.series):
            raise ValueError(f"{self.title.code}: {size} categories, of which every series needs a value")


@dataclass(frozen=True, slots=True)
class Drawn:
    """The block (None: the figures stand in `said`), what it says (mrkdwn lines), and what it leaves out, or ""."""

    block: dict[str, Any] | None
    said: tuple[str, ...]
    left_out: str = ""


def times(words: Catalogue, start: datetime, step: timedelta, count: int) -> Axis:
    """`count` spans of time from `start` on, in the zone of the readers: by the clock, over days with the weekday."""
    edges = [words.local(start + step * index) for index in range(count + 1)]
    labels = [_edge(words, at, step, edges[-1] - edges[0]) for at in edges]
    zone = message("chart.time", zone=edges[0].tzname() or "UTC")
    return Axis(words.plain(zone), labels[:-1], labels[1:])


def _edge(words: Catalogue, at: datetime, step: timedelta, whole: timedelta) -> str:
    if whole <= DAY:
        return f"{at:%H:%M}"
    weekday = words.plain(Message(f"chart.weekday_{at.weekday()}", {}))
    dated = words.plain(message("chart.day", weekday=weekday, day=at.day))
    if step >= DAY:
        return dated
    return f"{weekday if whole <= WEEK else dated} {at:%H:%M}"


def target(words: Catalogue, value: float, axis: Axis) -> Series:
    """A level line, named as the target."""
    return Series(words.plain(message("chart.target")), [value] * len(axis.categories))


Values = Sequence[float | None]


def interval(words: Catalogue, name: str, least: Values, likely: Values, most: Values) -> tuple[Series, ...]:
    """An interval as three lines: what is likely, and what it is at least and at most."""
    low, high = (words.plain(Message(code, {"name": name})) for code in ("chart.at_least", "chart.at_most"))
    return Series(low, least), Series(name, likely), Series(high, most)


def binned(points: Iterable[tuple[datetime, float | None]], start: datetime, step: timedelta, count: int) -> Values:
    """The mean of what is known in each of `count` spans from `start` on; None where nothing is."""
    found: list[list[float]] = [[] for _ in range(count)]
    for at, value in points:
        span = (at - start) // step
        if value is not None and 0 <= span < count:
            found[span].append(value)
    return [fmean(known) if known else None for known in found]


def drawn(words: Catalogue, chart: Chart) -> Drawn:
    """The chart as Slack draws it, or in figures where too little is known. Series beyond six are only told of."""
    known = [one for one in chart.series if any(_plotted(value, chart.unit) is not None for value in one.values)]
    seen, unseen = known[:SERIES_MAX], known[SERIES_MAX:]
    size = len(chart.axis.categories)
    whole = [at for at in range(size) if all(_plotted(one.values[at], chart.unit) is not None for one in seen)]
    without = _without(words, chart.axis, whole)
    title = words.say(chart.title)
    if not seen or len(whole) < (1 - LARGEST_HOLE) * size or len(whole) < LEAST_POINTS[chart.kind]:
        said = [_listed(words, chart, one) for one in chart.series]
        return Drawn(None, (f"*{title}*", *said, *(without if known else ())))
    said = [_told(words, chart, one) if one in known else _listed(words, chart, one) for one in chart.series]
    left_out = [*without, *(words.say(message("chart.not_drawn", name=one.name)) for one in unseen)]
    return Drawn(_block(words, chart, seen, whole), (f"{title}: {'; '.join(said)}",), "; ".join(left_out))


def _block(words: Catalogue, chart: Chart, seen: Sequence[Series], whole: Sequence[int]) -> Json:
    labels = _fitting(chart.axis.categories[at] for at in whole)
    series: list[Json] = []
    for name, one in zip(_fitting(one.name for one in seen), seen, strict=True):
        values = [_plotted(one.values[at], chart.unit) for at in whole]
        data = [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]
        series.append({"name": name, "data": data})
    titles = {"x_label": _cut(chart.axis.label, AXIS_MAX), "y_label": _cut(chart.unit, AXIS_MAX)}
    axes = {"categories": labels} | {name: title for name, title in titles.items() if title}
    title = _cut(words.plain(chart.title), TITLE_MAX)
    drawing = {"type": chart.kind, "series": series, "axis_config": axes}
    return {"type": "data_visualization", "title": title, "chart": drawing}


def _plotted(value: float | None, unit: str) -> float | None:
    """In the unit of the axis, as fine as anybody reads; None for what no axis has."""
    scaled = math.nan if value is None else value * 100 if unit == "%" else value
    return float(f"{scaled:.6g}") if math.isfinite(scaled) else None


def _figure(value: float, unit: str) -> str:
    if unit in ("%", "$"):
        return shown(value, unit)
    return f"{counted(value)} {unit}".rstrip()


def _points(chart: Chart, one: Series) -> list[tuple[str, float]]:
    """What is known of a series, by its category."""
    pairs = zip(chart.axis.categories, one.values, strict=True)
    return [(label, value) for label, value in pairs if value is not None and _plotted(value, chart.unit) is not None]


def _told(words: Catalogue, chart: Chart, one: Series) -> str:
    """A curve in words: lowest, highest and last, each with its place. Bars are told one by one."""
    points = _points(chart, one)
    (low_on, low), (high_on, high) = (found(points, key=itemgetter(1)) for found in (min, max))
    lowest, highest, last = (_figure(value, chart.unit) for value in (low, high, points[-1][1]))
    if lowest == highest:
        return words.say(message("chart.level", name=one.name, value=lowest))
    if chart.kind == "bar":
        return _listed(words, chart, one)
    places: dict[str, str] = {"low": lowest, "low_on": low_on, "high": highest, "high_on": high_on, "last": last}
    return words.say(Message("chart.curve", {"name": one.name, **places}))


def _listed(words: Catalogue, chart: Chart, one: Series) -> str:
    """Every figure that is known of a series."""
    figures = ", ".join(f"{label} {_figure(value, chart.unit)}" for label, value in _points(chart, one))
    return words.say(message("chart.listed", name=one.name, figures=figures or words.plain(message("chart.no_data"))))


def _without(words: Catalogue, axis: Axis, whole: Sequence[int]) -> tuple[str, ...]:
    """What is left out, named; spans of time that follow each other as one."""
    gone = [at for at in range(len(axis.categories)) if at not in whole]
    if not gone:
        return ()
    runs = [[at for _, at in run] for _, run in groupby(enumerate(gone), key=lambda pair: pair[1] - pair[0])]
    if axis.ends:
        spans = ({"begins": axis.categories[run[0]], "ends": axis.ends[run[-1]]} for run in runs)
        holes = [words.say(Message("chart.span", {**span})) for span in spans]
    else:
        holes = [axis.categories[at] for at in gone]
    return (words.say(message("chart.without", holes=", ".join(holes))),)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _fitting(names: Iterable[str]) -> list[str]:
    """The names within 20 characters, no two alike."""
    found: list[str] = []
    for name in names:
        short = name if len(name) <= NAME_MAX else f"{name[:_HEAD]}…{name[-_TAIL:]}"
        fitting, number = short or "–", 2
        while fitting in found:
            fitting, number = f"{short[: NAME_MAX - len(f' {number}')]} {number}", number + 1
        found.append(fitting)
    return found
