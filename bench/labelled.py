"""Labelled series of real services, how alerts are judged against them, and simple baselines to compare with.

A series is a CSV with a header and two or three columns: time (ISO 8601), value, label (1: the engineers of that
service call it an anomaly). Values are latencies; 0 is no data.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: An alert is about a labelled window that it overlaps, give or take so much.
AROUND = HOUR
#: Nothing is judged in the first two days, in which everything is learnt.
LEARNT_FOR = 2 * DAY
#: What went before an incident, and how far back.
BEFORE = 2 * DAY
#: Values of earlier days that a baseline compares with.
REMEMBERED = 14 * DAY
LEAST_POINTS = 12
MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open [start, end)."""

    start: datetime
    end: datetime

    def is_near(self, other: "Span") -> bool:
        return self.start < other.end + AROUND and self.end > other.start - AROUND


@dataclass(frozen=True)
class Series:
    """Equal steps, in order of time."""

    name: str
    starts: Sequence[datetime]
    values: NDArray[np.float64]
    is_labelled: Sequence[bool]
    step: timedelta

    @property
    def judged_from(self) -> datetime:
        return self.starts[0] + LEARNT_FOR

    @property
    def months(self) -> float:
        return len(self.starts) * self.step / (30 * DAY)

    @cached_property
    def labelled(self) -> Sequence[Span]:
        """The windows that are labelled; two that an alert could not tell apart are one."""
        spans: list[Span] = []
        for start, is_labelled in zip(self.starts, self.is_labelled, strict=True):
            if is_labelled and spans and start <= spans[-1].end + 2 * AROUND:
                spans[-1] = Span(spans[-1].start, start + self.step)
            elif is_labelled:
                spans.append(Span(start, start + self.step))
        return spans

    @cached_property
    def incidents(self) -> Sequence[Span]:
        """Labelled windows from the third day on whose median is above that of the two days before them."""
        return [one for one in self.labelled if one.start >= self.judged_from and self._goes_up(one)]

    def _goes_up(self, span: Span) -> bool:
        inside, before = self._median(span, True), self._median(Span(span.start - BEFORE, span.start), False)
        return inside is not None and before is not None and inside > before

    def _median(self, span: Span, is_labelled: bool) -> float | None:
        rows = zip(self.starts, self.values.tolist(), self.is_labelled, strict=True)
        found = [v for at, v, label in rows if span.start <= at < span.end and label is is_labelled and v > 0]
        return float(np.median(found)) if found else None


def read_series(path: Path) -> Series:
    """A file with one series. Raises ValueError where a row is no time and value."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = [row for row in csv.reader(lines) if row][1:]
    starts = [_instant(row[0]) for row in rows]
    values = np.array([float(row[1]) for row in rows])
    # Some rows come twice, or after a gap.
    ((step, _),) = Counter(after - before for before, after in pairwise(starts)).most_common(1)
    return Series(path.stem, starts, values, [len(row) > 2 and float(row[2]) > 0 for row in rows], step)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over one series or several; `minutes` to detect, one for each incident that was found."""

    alerts: int = 0
    true_alerts: int = 0
    incidents: int = 0
    months: float = 0.0
    minutes: tuple[float, ...] = ()

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.alerts + other.alerts,
            self.true_alerts + other.true_alerts,
            self.incidents + other.incidents,
            self.months + other.months,
            self.minutes + other.minutes,
        )

    @property
    def f1(self) -> float:
        precision, recall = _ratio(self.true_alerts, self.alerts), _ratio(len(self.minutes), self.incidents)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __str__(self) -> str:
        quantiles = [f"{q:.0f}" for q in np.quantile(self.minutes, [0.5, 0.9])] if self.minutes else ["-", "-"]
        return (
            f"alerts {self.alerts:4}  precision {_ratio(self.true_alerts, self.alerts):.2f}  "
            f"recall {_ratio(len(self.minutes), self.incidents):.2f} of {self.incidents:3}  "
            f"false a month {_ratio(self.alerts - self.true_alerts, self.months):6.2f}  "
            f"found after {quantiles[0]} / {quantiles[1]} min (median / P90)  F1 {self.f1:.2f}"
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def judged(series: Series, alerts: Sequence[Span]) -> Score:
    """An alert is true near any labelled window; an incident is found by the first alert near it."""
    counted = [one for one in alerts if one.start >= series.judged_from]
    true_alerts = sum(any(one.is_near(label) for label in series.labelled) for one in counted)
    found = [[one.start for one in counted if one.is_near(incident)] for incident in series.incidents]
    minutes = tuple(
        max(0.0, (min(opened) - incident.start) / MINUTE)
        for incident, opened in zip(series.incidents, found, strict=True)
        if opened
    )
    return Score(len(counted), true_alerts, len(series.incidents), series.months, minutes)


#: How far each point is above what it should be, in standard deviations; only earlier points are known to it.
Baseline = Callable[[Series], NDArray[np.float64]]


def hour_of_week(series: Series) -> NDArray[np.float64]:
    """Above the median of the same hour of the week, in MADs of all earlier differences."""
    return _seasonal(series, round(7 * DAY / series.step), 4 * 7 * DAY)


def hour_of_day(series: Series) -> NDArray[np.float64]:
    """Above the median of the same hour of 14 days and of what is left by now, in MADs of that (S-H-ESD)."""
    return _seasonal(series, round(DAY / series.step), REMEMBERED)


def ewma(series: Series) -> NDArray[np.float64]:
    """Above a mean that forgets with a day, in standard deviations that do."""
    forget = 2 / (DAY / series.step + 1)
    scores, mean, variance = np.full(len(series.values), -np.inf), 0.0, 0.0
    for index, value in enumerate(_logs(series)):
        if np.isnan(value):
            continue
        if mean == 0.0:
            mean = float(value)
        away = float(value) - mean
        if variance > 0:
            scores[index] = away / np.sqrt(variance)
        mean += forget * away
        variance = (1 - forget) * (variance + forget * away * away)
    return scores


BASELINES = {"hour of week": hour_of_week, "EWMA": ewma, "S-H-ESD": hour_of_day}


def _seasonal(series: Series, season: int, remembered: timedelta) -> NDArray[np.float64]:
    logs, kept = _logs(series), round(remembered / series.step)
    left, scores = np.full(len(logs), np.nan), np.full(len(logs), -np.inf)
    for index in range(season, len(logs)):
        same = logs[max(index % season, index - kept) : index : season]
        if np.isnan(logs[index]) or np.isnan(same).all():
            continue
        left[index] = logs[index] - np.nanmedian(same)
        earlier = left[max(0, index - kept) : index]
        earlier = earlier[~np.isnan(earlier)]
        if len(earlier) >= LEAST_POINTS:
            middle = np.median(earlier)
            scores[index] = (left[index] - middle) / (MAD_TO_SD * np.median(np.abs(earlier - middle)) + 1e-9)
    return scores


def _logs(series: Series) -> NDArray[np.float64]:
    known = series.values > 0
    return np.where(known, np.log(np.where(known, series.values, 1.0)), np.nan)


def told(series: Series, scores: NDArray[np.float64], above: float) -> Iterator[Span]:
    """Alerts of points above a threshold: told after a quarter of an hour, closed after half an hour without."""
    quarter, clear = min(series.step, 15 * MINUTE), 30 * MINUTE
    opened: datetime | None = None
    closes = series.starts[0]
    for start, score in zip(series.starts, scores.tolist(), strict=True):
        if opened is not None and start >= closes:
            yield Span(opened, closes)
            opened = None
        if score > above:
            opened, closes = opened or start + quarter, start + series.step + clear
    if opened is not None:
        yield Span(opened, closes)
