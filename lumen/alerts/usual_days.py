"""The usual cost of a day, from the sums of the days before: its weekday, its level, and what a month charges once.

Shared by the anomaly of a day (`spending.py`) and the forecast of the month's end (`budget.py`).
"""

import calendar
import math
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import fmean, median

#: A day, and its cost in USD or in logarithms, as the function says.
DaySum = tuple[date, float]

DAY = timedelta(days=1)
#: A weekday is compared with the days around it: it differs by as much in any season.
AROUND = timedelta(days=10)
#: What comes once a month may be a day early or late.
NEAR = DAY
MONTHS = 3
LEAST_MONTHS = 2
#: Logarithms need a floor.
LEAST_USD = 0.01


def weekday_factors(days: Sequence[DaySum]) -> Sequence[float]:
    """By weekday: the median of how far it lies from the median of the days within ten days of it, in logarithms."""
    apart: list[list[float]] = [[] for _ in range(7)]
    first = last = 0
    for at, value in days:
        while days[first][0] < at - AROUND:
            first += 1
        while last < len(days) and days[last][0] <= at + AROUND:
            last += 1
        apart[at.weekday()].append(value - median(near for _, near in days[first:last]))
    return [median(each) if each else 0.0 for each in apart]


def charge_months(days: Sequence[DaySum], day: date, least: float) -> int:
    """In how many of the three months before at least so much came within a day of this day of the month."""
    on = [_months_before(day, back) for back in range(1, MONTHS + 1)]
    return sum(any(value >= least and abs(at - each) <= NEAR for at, value in days) for each in on)


def _months_before(day: date, back: int) -> date:
    """The same day of an earlier month (a later one, where `back` is negative); the last one of each is the last."""
    year, month = divmod(_months(day) - back, 12)
    length = calendar.monthrange(year, month + 1)[1]
    is_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month + 1, length if is_last else min(day.day, length))


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1


#: Of the forecast. A shorter level takes a dear last week for a trend.
LEVEL_DAYS = 15
TAIL_DAYS = 28
FACTORS_FROM_DAYS = 21
FACTORS_OF_DAYS = 56
#: One day counts for three usual ones at most, and all of them together move the level by no more than this.
MOST_OF_A_DAY = 3.0
TAIL_LEAST, TAIL_MOST = 0.8, 1.5
#: A charge of the month is half again as dear as the days around it.
CHARGE_FROM = 1.5


def rest_of_month(days: Sequence[DaySum], coming: Sequence[date]) -> float:
    """What the days of a month that are `coming` will cost, by the days before them in USD, ascending; a week at least.

    The median of 15 days without their weekdays, times what the dear days among the last 28 add, at the factor of each
    weekday to come; and what came on that day of the month in two of the last three.
    """
    recent = days[-FACTORS_OF_DAYS:]
    logs = [(at, math.log(max(usd, LEAST_USD))) for at, usd in recent]
    factors = weekday_factors(logs) if len(recent) >= FACTORS_FROM_DAYS else [0.0] * 7
    plain = [usd / math.exp(factors[at.weekday()]) for at, usd in recent]
    level = median(plain[-LEVEL_DAYS:]) * _tail(plain[-TAIL_DAYS:])
    usual = sum(level * math.exp(factors[day.weekday()]) for day in coming)
    return usual + _charges(days, factors, coming)


def left_of_month(since: date) -> Sequence[date]:
    """The days of its month from `since` on."""
    last = calendar.monthrange(since.year, since.month)[1]
    return [since.replace(day=day) for day in range(since.day, last + 1)]


def _tail(plain: Sequence[float]) -> float:
    """The mean over the median, without the dearest and the cheapest day."""
    middle = median(plain)
    if middle <= 0:
        return 1.0
    counted = sorted(min(usd, MOST_OF_A_DAY * middle) for usd in plain)[1:-1]
    return min(TAIL_MOST, max(TAIL_LEAST, fmean(counted) / middle))


def _charges(days: Sequence[DaySum], factors: Sequence[float], coming: Sequence[date]) -> float:
    """The charges of the month that are still to come: none that came a day or two before."""
    above = _standing_out(days, factors)
    total, paid = 0.0, [at for at, _ in above]
    for day in coming:
        if any(abs(at - day) <= 2 * NEAR for at in paid):
            continue
        known = [usd for back in range(1, MONTHS + 1) if (usd := _charged(above, day, back))]
        if len(known) >= LEAST_MONTHS:
            total += median(known)
            paid.append(day)
    return total


def _charged(above: Sequence[DaySum], day: date, back: int) -> float:
    """What came in that month at this day of it, or a day beside; 0 where nothing did."""
    of = [(at, usd) for at, usd in above if _months(at) == _months(day) - back]
    return max((usd for at, usd in of if abs(_months_before(at, -back) - day) <= NEAR), default=0.0)


def _standing_out(days: Sequence[DaySum], factors: Sequence[float]) -> Sequence[DaySum]:
    """The days that were half again as dear as those around them, with what they cost more."""
    plain = [usd / math.exp(factors[at.weekday()]) for at, usd in days]
    found = []
    for index, (at, usd) in enumerate(days):
        around = median(plain[max(0, index - AROUND.days) : index + AROUND.days + 1])
        usual = around * math.exp(factors[at.weekday()])
        if usd > CHARGE_FROM * usual:
            found.append((at, usd - usual))
    return found
