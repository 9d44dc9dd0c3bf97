"""The cost of days and months of which slices or hours are missing: these cost what is usual then, never nothing.

What is filled in has an interval. A sum is told with it, and an alert goes by its lower end (docs/methods.md, Cost).
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from operator import mul
from statistics import median


@dataclass(frozen=True, slots=True)
class Amount:
    """Money, of which `estimated` slices of five minutes (or hours) are filled in; the truth is from low to high."""

    usd: float
    low_usd: float
    high_usd: float
    estimated: int = 0


def exactly(usd: float) -> Amount:
    """Money of which all is known."""
    return Amount(usd, usd, usd)


def sum_of(amounts: Iterable[Amount]) -> Amount:
    """All together. Their intervals add up: where one estimate is too low, the others may be so for the same reason."""
    each = list(amounts)
    return Amount(
        sum(one.usd for one in each),
        sum(one.low_usd for one in each),
        sum(one.high_usd for one in each),
        sum(one.estimated for one in each),
    )


#: A day is kept by twelfths: finer than a load changes, and few enough to be kept for a hundred days.
PARTS = 12
PART_SLICES = 24
#: A day counts when so much of it is known.
LEAST_KNOWN = 0.85

#: Of a twelfth of a day: how many of its slices are known, and what these cost.
PartCost = tuple[float, float]


def part_of(at: datetime) -> int:
    """The twelfth of its UTC day."""
    return at.hour * PARTS // 24


@dataclass(frozen=True, slots=True)
class DayCost:
    """A UTC day of one service: its cost so far, over `known` slices of five minutes, and that of its twelfths.

    Without all `parts`, which an older Lumen did not keep, it is taken as spread evenly.
    """

    date: date
    known: int
    usd: float
    parts: Mapping[int, PartCost] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether so much of it is known that it counts as a day."""
        return self.known >= LEAST_KNOWN * PARTS * PART_SLICES

    @property
    def has_parts(self) -> bool:
        """Whether all that is known is known by twelfths."""
        return sum(known for known, _ in self.parts.values()) >= self.known

    @property
    def end(self) -> datetime:
        """The midnight after it."""
        return end_of(self.date)

    @property
    def by_part(self) -> Sequence[PartCost]:
        """All twelfths, in order."""
        if not self.has_parts:
            return [(self.known / PARTS, self.usd / PARTS)] * PARTS
        return [self.parts.get(part, (0, 0.0)) for part in range(PARTS)]

    def times(self, scale: float) -> "DayCost":
        """At another price."""
        parts = {part: (known, usd * scale) for part, (known, usd) in self.parts.items()}
        return DayCost(self.date, self.known, self.usd * scale, parts)

    def plus(self, at: datetime, usd: float) -> "DayCost":
        """With one more slice, which begins `at`."""
        part = part_of(at)
        known, before = self.parts.get(part, (0, 0.0))
        return DayCost(self.date, self.known + 1, self.usd + usd, {**self.parts, part: (known + 1, before + usd)})


def end_of(day: date) -> datetime:
    """The midnight after it."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


#: So many days tell what is usual; within a week, the day's own slices beside them.
REMEMBERED_DAYS = 28
WEEK_DAYS = 7
LEAST_OF_WEEKDAY = 2


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a slice of each twelfth cost on one day, on average, and by how much a single one may be below or above.

    The slices of a twelfth are not alike: they differ from its mean by as much as its neighbours do, and cost half of
    it at least.
    """

    weekday: int
    means: Sequence[float]
    below: Sequence[float]
    above: Sequence[float]

    def missing(
        self, known_usd: float | None, counts: Sequence[float], lacking: Sequence[float]
    ) -> tuple[float, float, float]:
        """The cost of `lacking` slices on a day like this one: at least, likely, at most.

        Where `known_usd` is given, in the ratio in which this day's had them to the known ones.
        """
        partly = [lost if known else 0.0 for lost, known in zip(lacking, counts, strict=True)]
        missing, known = _dot(lacking, self.means), _dot(counts, self.means)
        low, high = -_dot(partly, self.below), _dot(partly, self.above)
        found = [
            (missing + off) * (1.0 if known_usd is None or known <= off else known_usd / (known - off))
            for off in (low, 0.0, high)
        ]
        return found[0], found[1], found[2]


def _shape(day: DayCost) -> _Shape:
    means = [usd / known for known, usd in day.by_part]
    apart = [max(abs(mean - other) for other in means[max(0, at - 1) : at + 2]) for at, mean in enumerate(means)]
    below = [min(off, mean / 2) for off, mean in zip(apart, means, strict=True)]
    return _Shape(day.date.weekday(), means, below, apart)


def _dot(these: Sequence[float], those: Sequence[float]) -> float:
    total: float = sum(map(mul, these, those))
    return total


class UsualCosts:
    """When in a day a service costs how much, by the last four weeks. Fed with days that are over, in order."""

    def __init__(self) -> None:
        #: Shapes are worked out when something is missing.
        self._days: deque[_Shape | DayCost] = deque(maxlen=REMEMBERED_DAYS)

    def learn(self, day: DayCost) -> None:
        """A day of which too little is known teaches nothing, nor one that knows nothing of a twelfth."""
        if day.is_whole and day.has_parts and all(known for known, _ in day.by_part):
            self._days.append(day)

    def _shapes(self) -> Sequence[_Shape]:
        found = [_shape(one) if isinstance(one, DayCost) else one for one in self._days]
        self._days.clear()
        self._days.extend(found)
        return found

    def filled(self, day: DayCost, gone_by: int = PARTS * PART_SLICES) -> Amount:
        """The day with what is missing of the first `gone_by` slices.

        Where the day counts, the missing part is in the ratio to the known one in which each earlier day had them: the
        median of these (of the same weekday, where two are known), between the least and the most. Where it does not,
        it costs what these days cost then, and nothing but what is known is certain.
        """
        count = gone_by - day.known
        if count <= 0:
            return exactly(day.usd)
        parts = day.by_part
        gone = [min(PART_SLICES, max(0, gone_by - part * PART_SLICES)) for part in range(PARTS)]
        lacking = [max(0.0, gone[part] - known) for part, (known, _) in enumerate(parts)]
        if not any(lacking):
            return exactly(day.usd)
        counts = day.known >= LEAST_KNOWN * gone_by
        known = [known for known, _ in parts]
        found = [(one.weekday, one.missing(day.usd if counts else None, known, lacking)) for one in self._shapes()]
        own = [count * usd / known for known, usd in parts if known and len(found) < WEEK_DAYS]
        if not found and not own:
            return exactly(day.usd)
        alike = [usd for weekday, (_, usd, _) in found if weekday == day.date.weekday()]
        likely = alike if len(alike) >= LEAST_OF_WEEKDAY else [usd for _, (_, usd, _) in found]
        missing = median(likely) if likely else count * day.usd / day.known
        low = min(missing, *own, *(low for _, (low, _, _) in found)) if counts else 0.0
        high = max(missing, *own, *(high for _, (_, _, high) in found))
        return Amount(day.usd + missing, day.usd + low, day.usd + high, count)


def whole_days(days: Iterable[DayCost]) -> Sequence[tuple[date, float]]:
    """The days that count, with what is missing of them filled in; `days` ascending, all of them over."""
    usual, found = UsualCosts(), []
    for day in days:
        if day.is_whole:
            found.append((day.date, usual.filled(day).usd))
        usual.learn(day)
    return found


HOURS_A_DAY = 24


def filled_hours(costs: Sequence[float | None], requests: Sequence[int | None]) -> Amount:
    """The sum of hours, oldest first and a day apart by 24, with what is missing among them.

    Where the requests of an hour are known, it costs what as many cost at this hour of other days, else what this hour
    cost then; where none is known, what any hour did. Raises ValueError where not one is known.
    """
    known = [index for index, usd in enumerate(costs) if usd is not None]
    if not known:
        raise ValueError("no hour of which the cost is known")
    filled = [
        exactly(usd) if usd is not None else _hour(index, known, costs, requests) for index, usd in enumerate(costs)
    ]
    return sum_of(filled)


def _hour(index: int, known: Sequence[int], costs: Sequence[float | None], requests: Sequence[int | None]) -> Amount:
    alike = [hour for hour in known if (hour - index) % HOURS_A_DAY == 0] or known
    asked = requests[index] if index < len(requests) else None
    each = [costs[hour] or 0.0 for hour in alike]
    if asked is not None:
        priced = [(costs[hour] or 0.0) / count for hour in alike if hour < len(requests) and (count := requests[hour])]
        each = [usd * asked for usd in priced] or each
    return Amount(median(each), min(each), max(each), 1)
