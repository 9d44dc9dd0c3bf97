"""Two witnesses of every request: what is counted by response class, and what is timed by response class.

Cloud Monitoring delivers each label value of each metric by itself, so one of them can be late, gone or wrong while the
others go on. What one witness tells and the other does not is neither good nor bad but unknown, so that counts become
bounds. A class that both had within the last hour and neither has now is unknown too: until it comes, until its
requests are seen to have gone elsewhere, or until an hour has gone by.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lumen.model.messages import NoData, message

SERVER_ERRORS = "5xx"
#: Counts that are this near to each other are the same, where a count and no share of errors is wanted.
SAME = 0.02
#: Shares of errors this near to each other are the same: a fifth of what 99.9 % allows, or a twentieth of themselves.
SAME_SHARE = 0.0002
NEAR = 0.05
#: A class that brought fewer than this by now may have been silent by chance.
MISSED = 3.0
#: So many standard deviations of the total must a class have been for its absence to be seen in the total; a revision
#: takes all of its classes with it, so less is enough.
SEEN_IN_TOTAL = 6.0
SEEN_OF_REVISION = 3.0
#: The total may fall by so much of what fell silent and still have kept it.
KEPT = 1 / 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between how many requests there were, and how many of them failed (5xx)."""

    least_requests: int
    most_requests: int
    least_errors: int
    most_errors: int

    @property
    def least_share(self) -> float:
        """Of failed requests, 0-1: what is certain."""
        return self.least_errors / self.most_requests if self.most_requests else 0.0

    @property
    def most_share(self) -> float:
        """Of failed requests, 0-1: what cannot be excluded."""
        fewest = self.least_requests + self.most_errors - self.least_errors
        return self.most_errors / fewest if self.most_errors else 0.0

    @property
    def is_counted(self) -> bool:
        """Whether it is known how many requests went well."""
        most, least = self.most_requests - self.most_errors, self.least_requests - self.least_errors
        return most - least <= SAME * most

    @property
    def is_judged(self) -> bool:
        """Whether it is known which share of them failed."""
        return self.most_share - self.least_share <= max(SAME_SHARE, NEAR * self.least_share)

    @property
    def is_near(self) -> bool:
        """Whether both tell the same failures of nearly the same requests."""
        return self.is_counted and self.least_errors == self.most_errors

    @property
    def is_exact(self) -> bool:
        return self.least_requests == self.most_requests and self.least_errors == self.most_errors

    @property
    def is_lost(self) -> bool:
        """Whether all requests failed, for certain."""
        return self.least_errors == self.most_requests > 0


def exactly(requests: int, errors: int) -> Bounds:
    """The bounds where nothing is in doubt."""
    failed = min(errors, requests)
    return Bounds(requests, requests, failed, failed)


def bounds_of(several: Iterable[Bounds]) -> Bounds:
    """Of all of them together."""
    least = most = least_errors = most_errors = 0
    for one in several:
        least, most = least + one.least_requests, most + one.most_requests
        least_errors, most_errors = least_errors + one.least_errors, most_errors + one.most_errors
    return Bounds(least, most, least_errors, most_errors)


def witnesses_differ(bounds: Bounds) -> NoData:
    """The NoData that stands instead of a verdict on what request counts and latency counts do not agree about."""
    return NoData(
        message(
            "assess.witnesses_differ",
            least=bounds.least_requests,
            most=bounds.most_requests,
            least_share=bounds.least_share,
            most_share=bounds.most_share,
        ),
        message("assess.witnesses_differ_remedy"),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """Requests of one period by response class ("2xx"); a class without a point is left out.

    `timed` None: nobody asked the second witness; empty: it told nothing.
    """

    counted: dict[str, int] = field(default_factory=dict)
    timed: dict[str, int] | None = None

    def heard(self, kind: str) -> int:
        """The most that either told of a class."""
        return max(self.counted.get(kind, 0), (self.timed or {}).get(kind, 0))

    @property
    def kinds(self) -> set[str]:
        return {*self.counted, *(self.timed or {})}

    @property
    def by_class(self) -> int:
        """Requests of which either told the class."""
        heard = dict(self.timed or {})
        for kind, count in self.counted.items():
            heard[kind] = max(count, heard.get(kind, 0))
        return sum(heard.values()) - heard.get("", 0)

    @property
    def total(self) -> int:
        """Either may tell of some requests, or of all, without their class."""
        if not self.timed:
            return sum(self.counted.values())
        return max(self.by_class, sum(self.counted.values()), sum(self.timed.values()))

    def bounds(self) -> Bounds:
        """What both tell is certain; a class that the second one never had a point of is as the first counts it.

        Requests of which nobody tells the class may have failed.
        """
        counted, timed = self.counted, self.timed
        requests, errors, unclassed = sum(counted.values()), counted.get(SERVER_ERRORS, 0), counted.get("", 0)
        if timed is None or (timed == counted and not unclassed):
            return Bounds(requests, requests, errors, errors + unclassed)
        if set(timed) == {""}:
            known = _against_total(requests, errors, timed[""])
            return replace(known, most_errors=known.most_errors + unclassed)
        certain = min(errors, timed.get(SERVER_ERRORS, errors))
        least, by_class, total = certain, self.by_class, self.total
        for kind, count in counted.items():
            if kind != SERVER_ERRORS:
                least += min(count, timed.get(kind, 0))
        return Bounds(least, total, certain, self.heard(SERVER_ERRORS) + total - by_class)


#: By revision and number of the period.
Heard = Mapping[str, Mapping[int, Told]]


def witnessed(heard: Heard, an_hour: int) -> dict[str, dict[int, Bounds]]:
    """Bounds of each revision in each period. `an_hour`: so many periods.

    A period in which no revision told anything has none: everything silent is no data. A revision that is missed has
    bounds also where it told nothing.
    """
    totals: dict[int, int] = {}
    for told in heard.values():
        for index, one in told.items():
            totals[index] = totals.get(index, 0) + one.total
    found: dict[str, dict[int, Bounds]] = {}
    for revision, told in heard.items():
        found[revision] = {index: one.bounds() for index, one in told.items()}
        for kind, missed in _missed(told, totals, an_hour).items():
            for index in totals:
                if index > missed.after:
                    known = found[revision].get(index) or exactly(0, 0)
                    found[revision][index] = _with(known, missed.at(index), failed=kind == SERVER_ERRORS)
    return found


@dataclass(frozen=True, slots=True)
class _Missed:
    """Nothing came after the period `after`; about `expected` a period should have."""

    after: int
    expected: float

    def at(self, index: int) -> int:
        """Whole requests, which add up to what is expected."""
        gone_by = index - self.after
        return round(self.expected * gone_by) - round(self.expected * (gone_by - 1))


def _missed(told: Mapping[int, Told], totals: Mapping[int, int], an_hour: int) -> Mapping[str, _Missed]:
    """The classes of one revision that are silent for no reason that can be seen."""
    quarter = max(1, an_hour // 4)
    last = max(told)
    if last < max(totals) and _went_elsewhere(last, _recent(told, last, quarter, None), totals, quarter, revision=True):
        return {}
    found: dict[str, _Missed] = {}
    for kind in {kind for one in told.values() for kind in one.kinds if kind}:
        after = max(index for index, one in told.items() if kind in one.kinds)
        silent = max(totals) - after
        expected = _recent(told, after, quarter, kind)
        if not 0 < silent <= an_hour or expected * silent < MISSED:
            continue
        if not _went_elsewhere(after, expected, totals, quarter, revision=False):
            found[kind] = _Missed(after, expected)
    return found


def _recent(told: Mapping[int, Told], until: int, quarter: int, kind: str | None) -> float:
    """A period's mean over the quarter of an hour up to `until`, of one class or of all."""
    periods = min(quarter, until - min(told) + 1)
    before = (told[index] for index in range(until - periods + 1, until + 1) if index in told)
    return sum(one.total if kind is None else one.heard(kind) for one in before) / periods


def _went_elsewhere(after: int, expected: float, totals: Mapping[int, int], quarter: int, *, revision: bool) -> bool:
    """Whether others answered what a class or a revision answered before, beyond chance."""
    periods = min(max(totals) - after, quarter)
    before = [totals[index] for index in range(after - periods + 1, after + 1) if index in totals]
    since = [totals[index] for index in range(after + 1, after + periods + 1) if index in totals]
    if not before or not since:
        return False
    usual, now = sum(before) / len(before), sum(since) / len(since)
    enough = SEEN_OF_REVISION if revision else SEEN_IN_TOTAL
    return expected * periods >= enough * math.sqrt(usual * periods) and now >= usual - KEPT * expected


def _with(known: Bounds, more: int, *, failed: bool) -> Bounds:
    return Bounds(
        known.least_requests,
        known.most_requests + more,
        known.least_errors,
        known.most_errors + (more if failed else 0),
    )


def _against_total(requests: int, errors: int, timed: int) -> Bounds:
    """Where the second witness has no classes: what it has more may be anything, what it has less may be failures."""
    certain = max(0, errors - max(0, requests - timed))
    least = max(min(requests, timed), certain)
    return Bounds(least, max(requests, timed), certain, errors + max(0, timed - requests))
