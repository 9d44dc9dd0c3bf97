"""Latency alerts: P95 against what is usual at this hour, and P99 above a fixed limit where that is unusual."""

import math
from collections import deque
from datetime import datetime

import numpy as np

from lumen.alerts.evidence import Breach
from lumen.alerts.level import LEAST_SAMPLES, NEW_NORMAL_AFTER, Departure, Least, LevelWatch, unusual_from
from lumen.alerts.lifecycle import Lifecycle
from lumen.alerts.stretch import Floats, Ints, Stretch, first_of
from lumen.alerts.usual import LASTING, LATER, LEARNT, LONG, SHORT, SINGLE, UsualLevel
from lumen.model.alert import AlertEvent, AlertKind, Observation, Severity
from lumen.model.messages import message

LEAST = Least(
    away={SHORT: math.log(1.28), LONG: math.log(1.22), LASTING: math.log(1.22)},
    beyond={SHORT: math.log(1.27), LONG: math.log(1.25), LASTING: math.log(1.30)},
    news=math.log(1.12),
    spreads=4.0,
)
#: Above its limit the P99 alerts only where that is this unusual: what is always so, the SLO gate says every hour.
P99_UNUSUAL = 1.25
#: Until something is known to be usual, it takes this many times the limit.
P99_UNKNOWN = 2.0


class LatencyAlert:
    """`p99_limit_ms`: above it for a quarter of an hour is a ticket even before anything usual is known."""

    def __init__(self, service: str, p99_limit_ms: float) -> None:
        self._limit_ms = p99_limit_ms
        self._watch = LevelWatch(1.0, LEAST)
        self._p99 = UsualLevel((SINGLE,))
        self._newest_p99_ms: deque[float] = deque(maxlen=SHORT)
        #: Whether what is open left the usual; a latency that is only above the limit is still learnt from.
        self._is_departure = False
        self.lifecycle = Lifecycle(service, AlertKind.LATENCY)

    def step(
        self, start: datetime, end: datetime, requests: int, p95_ms: float, p99_ms: float | None
    ) -> AlertEvent | None:
        """After a slice that has data; thin slices are passed over."""
        if requests < LEAST_SAMPLES or p95_ms <= 0:
            return None
        is_open = self.lifecycle.open is not None
        departure = self._watch.feed(start, math.log(p95_ms), requests, is_open=is_open and self._is_departure)
        finding = self._departed(departure) or self._above_limit(start, requests, p99_ms, is_open)
        if is_open and self.lifecycle.open_for(end) >= NEW_NORMAL_AFTER:
            self._watch.accept()
            self._p99.accept(end - self.lifecycle.open_for(end))
            self._newest_p99_ms.clear()
            return self.lifecycle.close(end, message("alert.new_normal", hours=24))
        event = self.lifecycle.step(end, finding)
        self._is_departure = self.lifecycle.open is not None and (self._is_departure or departure is not None)
        return event

    def judge(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice."""
        if seen.p95_ms is None or seen.requests is None or not _is_counted(seen):
            return None
        return self.step(seen.start, end, seen.requests, seen.p95_ms, seen.p99_ms)

    def pass_calm(self, stretch: Stretch, since: int, until: int) -> int:
        """Learn slices that tell nothing; how many from `since` on."""
        if not self._watch.is_settled:
            return 0
        until = since + first_of(stretch.is_doubted[since:until])
        has_data = (stretch.requests[since:until] >= LEAST_SAMPLES) & (stretch.p95_ms[since:until] > 0)
        rows = since + np.flatnonzero(has_data)
        if not len(rows):
            return until - since
        requests = stretch.requests[rows]
        trial = self._watch.trial(stretch.slices[rows[0]].start, rows - rows[0], _logs(stretch.p95_ms[rows]), requests)
        calm = min(trial.calm, self._within_limit(stretch.p99_ms[rows]))
        self._watch.keep(trial, calm)
        self._learn_p99(stretch, rows[:calm])
        if calm:
            self.lifecycle.step(stretch.slices[rows[calm - 1]].end, None)
            self._is_departure = False
        return (until if calm == len(rows) else int(rows[calm])) - since

    def _within_limit(self, p99_ms: Floats) -> int:
        """How many come before the first that is above the limit with those before it."""
        known = np.flatnonzero(p99_ms > 0)
        newest = np.array([*self._newest_p99_ms, *p99_ms[known]])[-len(known) - SHORT + 1 :]
        above = np.convolve(newest > self._limit_ms, np.ones(SHORT), "valid") == SHORT if len(newest) >= SHORT else ()
        told = known[len(known) - len(above) :][np.asarray(above, dtype=np.bool_)]
        return int(told[0]) if len(told) else len(p99_ms)

    def _learn_p99(self, stretch: Stretch, rows: Ints) -> None:
        known = rows[stretch.p99_ms[rows] > 0]
        if len(known):
            values, first = stretch.p99_ms[known], stretch.slices[known[0]].start
            ahead = self._p99.ahead(first, known - known[0], _logs(values), stretch.requests[known])
            self._p99.keep(ahead, len(known), is_asked=False)
            self._newest_p99_ms.extend(values.tolist())

    def _departed(self, departure: Departure | None) -> Breach | None:
        if departure is None:
            return None
        value, usual = math.exp(departure.value), math.exp(departure.usual)
        reason = message(
            "alert.latency_high", value_ms=value, usual_ms=usual, times=value / usual, minutes=departure.slices * 5
        )
        return Breach(Severity.TICKET, departure.slices, reason)

    def _above_limit(self, start: datetime, requests: int, p99_ms: float | None, is_open: bool) -> Breach | None:
        if p99_ms is None or p99_ms <= 0:
            return None
        self._newest_p99_ms.append(p99_ms)
        is_above = len(self._newest_p99_ms) == SHORT and min(self._newest_p99_ms) > self._limit_ms
        usual = self._p99.usual(start, requests) if is_above else None
        self._p99.learn(start, math.log(p99_ms), requests, LATER if is_open and self._is_departure else LEARNT)
        unusual_above = P99_UNKNOWN * self._limit_ms
        if usual is not None:  # of the logarithm
            unusual_above = math.exp(unusual_from(usual, math.log(P99_UNUSUAL), LEAST.news))
        if not is_above or min(self._newest_p99_ms) <= unusual_above:
            return None
        reason = message("alert.p99_high", limit_ms=self._limit_ms, minutes=SHORT * 5, value_ms=p99_ms)
        return Breach(Severity.TICKET, SHORT, reason)


def _is_counted(seen: Observation) -> bool:
    bounds = seen.bounds
    return bounds is None or bounds.is_counted


def _logs(values: Floats) -> Floats:
    return np.array(list(map(math.log, values.tolist())))
