"""Cache alerts: the hit rate against what is usual at this hour, and below a fixed limit (Cache_HitRate_Low)."""

from collections import deque
from datetime import datetime

import numpy as np

from lumen.alerts.evidence import Breach
from lumen.alerts.level import LEAST_SAMPLES, NEW_NORMAL_AFTER, Departure, Least, LevelWatch, unusual_from
from lumen.alerts.lifecycle import Lifecycle
from lumen.alerts.stretch import Mask, Stretch, first_of
from lumen.alerts.usual import LASTING, LONG, SHORT, SINGLE, Ahead, Floats, Usual
from lumen.model.alert import AlertEvent, AlertKind, Observation, Severity
from lumen.model.messages import message

LEAST = Least(
    away={SHORT: 0.07, LONG: 0.05, LASTING: 0.05},
    beyond={SHORT: 0.04, LONG: 0.03, LASTING: 0.03},
    news=0.03,
    spreads=4.0,
)
#: Cache_HitRate_Low: below the limit for ten minutes.
LOW_SLICES = 2
#: It alerts only where that is unusual by this much and more than the prediction usually misses by, below what repeats,
#: and only of a hit rate that usually is above the limit: what is always so, the SLO gate says hourly, and that it
#: drops further, the departure does.
UNUSUAL_BY = 0.05
#: Until something is known to be usual, only a hit rate that the gate calls critical is told.
CRITICAL_RATE = 0.30


class HitRateAlert:
    """`limit` (0-1) is that of Cache_HitRate_Low."""

    def __init__(self, service: str, limit: float) -> None:
        self._limit = limit
        self._watch = LevelWatch(-1.0, LEAST)
        self._newest: deque[float] = deque(maxlen=LOW_SLICES)
        #: Whether what is open left the usual; a rate that is only low is still learnt from.
        self._is_departure = False
        self.lifecycle = Lifecycle(service, AlertKind.CACHE)

    def step(self, start: datetime, end: datetime, hits: int, lookups: int) -> AlertEvent | None:
        """After a slice that has data; thin slices are passed over."""
        if lookups < LEAST_SAMPLES:
            return None
        rate = hits / lookups
        is_open = self.lifecycle.open is not None
        self._newest.append(rate)
        departure = self._watch.feed(start, rate, lookups, is_open=is_open and self._is_departure)
        finding = self._dropped(departure) or self._low(self._watch.usual)
        if is_open and self.lifecycle.open_for(end) >= NEW_NORMAL_AFTER and self._watch.usual is not None:
            self._watch.accept()
            return self.lifecycle.close(end, message("alert.new_normal", hours=24))
        event = self.lifecycle.step(end, finding)
        self._is_departure = self.lifecycle.open is not None and (self._is_departure or departure is not None)
        return event

    def judge(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice."""
        if seen.hits is None or seen.lookups is None:
            return None
        return self.step(seen.start, end, seen.hits, seen.lookups)

    def pass_calm(self, stretch: Stretch, since: int, until: int) -> int:
        """Learn slices that tell nothing; how many from `since` on."""
        if not self._watch.is_settled:
            return 0
        rows = since + np.flatnonzero(stretch.lookups[since:until] >= LEAST_SAMPLES)
        if not len(rows):
            return until - since
        lookups = stretch.lookups[rows]
        rates = stretch.hits[rows] / lookups
        trial = self._watch.trial(stretch.slices[rows[0]].start, rows - rows[0], rates, lookups)
        highest = np.maximum(np.concatenate((list(self._newest)[-1:] or [1.0], rates))[:-1], rates)
        calm = min(trial.calm, first_of((highest < self._limit) & self._may_be_low(highest, trial.ahead)))
        self._watch.keep(trial, calm)
        self._newest.extend(rates[:calm].tolist())
        if calm:
            self.lifecycle.step(stretch.slices[rows[calm - 1]].end, None)
            self._is_departure = False
        return (until if calm == len(rows) else int(rows[calm])) - since

    def _may_be_low(self, highest: Floats, ahead: Ahead) -> Mask:
        """Where `_low` may tell it, if its predictions have not strayed."""
        usual = -ahead.usual
        below = -np.maximum(ahead.usual + UNUSUAL_BY, ahead.expected[SINGLE] + LEAST.news)
        return np.where(np.isnan(usual), highest < CRITICAL_RATE, (usual >= self._limit) & (highest < below))

    def _dropped(self, departure: Departure | None) -> Breach | None:
        if departure is None:
            return None
        reason = message(
            "alert.hit_rate_dropped", hit_rate=departure.value, usual=departure.usual, minutes=departure.slices * 5
        )
        return Breach(Severity.TICKET, departure.slices, reason)

    def _low(self, usual: Usual | None) -> Breach | None:
        if len(self._newest) < LOW_SLICES or max(self._newest) >= self._limit:
            return None
        if usual is None:
            unusual_below = CRITICAL_RATE
        elif -usual.value < self._limit:
            return None
        else:
            unusual_below = -unusual_from(usual, UNUSUAL_BY, LEAST.news)
        if max(self._newest) >= min(self._limit, unusual_below):
            return None
        reason = message("alert.hit_rate_low", limit=self._limit, minutes=LOW_SLICES * 5, hit_rate=self._newest[-1])
        return Breach(Severity.TICKET, LOW_SLICES, reason)
