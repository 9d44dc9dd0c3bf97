"""A closed day that cost far more than its day of the week usually does (methods 4)."""

import math
from collections import deque
from dataclasses import dataclass
from datetime import date
from statistics import median

WEEKS = 8
LEAST_DAYS = 14
SHIFT_OVER = 5
#: After so many days in a row it is no anomaly but the new level.
NEW_LEVEL_DAYS = 4
Z_LIMIT = 3.5
MORE_BY = 0.25
MORE_USD = 10.0
MAD_TO_SD = 1.4826
#: What is usual is itself known from few days only.
UNSURE = 1.6
#: Days are never more alike than this, however quiet the last weeks were.
LEAST_SPREAD = 0.04


@dataclass(frozen=True, slots=True)
class CostAnomaly:
    """`usual_usd`: what this day of the week costs, moved by the recent shift."""

    day: date
    cost_usd: float
    usual_usd: float


class DailyCosts:
    """Fed with closed days in order; a flagged day is not learnt from, unless it turns out to be the new level."""

    def __init__(self) -> None:
        self._days: deque[tuple[date, float]] = deque(maxlen=7 * WEEKS)
        self._flagged: list[tuple[date, float]] = []

    def add(self, day: date, cost_usd: float) -> CostAnomaly | None:
        """Log cost against the median of the same weekday plus the recent shift: MAD z > 3.5, > 25 % and > $10."""
        log_cost = math.log(max(cost_usd, 0.01))
        found = self._judged(day, cost_usd, log_cost)
        if found is None:
            self._days.append((day, log_cost))
            self._flagged.clear()
            return None
        self._flagged.append((day, log_cost))
        if len(self._flagged) >= NEW_LEVEL_DAYS:
            self._days.extend(self._flagged)
            self._flagged.clear()
        return found

    def _judged(self, day: date, cost_usd: float, log_cost: float) -> CostAnomaly | None:
        same = [value for when, value in self._days if when.weekday() == day.weekday()]
        if len(self._days) < LEAST_DAYS or len(same) < 2:
            return None
        residuals = self._residuals()
        shift = median(residuals[-SHIFT_OVER:])
        spread = max(LEAST_SPREAD, UNSURE * MAD_TO_SD * median(map(abs, _without_shifts(residuals))))
        usual = median(same) + shift
        usual_usd = math.exp(usual)
        far = (log_cost - usual) / spread > Z_LIMIT
        if far and cost_usd > (1 + MORE_BY) * usual_usd and cost_usd - usual_usd > MORE_USD:
            return CostAnomaly(day, cost_usd, usual_usd)
        return None

    def _residuals(self) -> list[float]:
        """Each day against the median of its weekday."""
        medians = {
            weekday: median(values)
            for weekday in range(7)
            if (values := [value for when, value in self._days if when.weekday() == weekday])
        }
        return [value - medians[when.weekday()] for when, value in self._days]


def _without_shifts(residuals: list[float]) -> list[float]:
    """Each day against the days around it: growth and changes of level are no scatter."""
    return [
        residual - median(residuals[max(0, index - SHIFT_OVER) : index] + residuals[index + 1 : index + SHIFT_OVER + 1])
        for index, residual in enumerate(residuals)
    ]
