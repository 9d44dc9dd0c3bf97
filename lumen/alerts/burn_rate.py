"""Availability alerts by the burn rate of the error budget, and the level of traffic below which they say little.

Both windows of a pair must burn by its factor, so that an alert starts soon and ends soon; and the count of the long
one must be too high for a service within its budget (Poisson, one in ten thousand), so that thin traffic raises no
false alarm. Shorter pairs with higher factors than the classic 1 h x 14.4 see a strong incident within a quarter of
an hour; weaker ones go down to burn 1.7 over half a day. One slice alone may be a blip that is over before anybody
looks: it is told at once only where it took two per cent of a month's budget, as the classic pair asks for. A closed
alert's errors are dropped from the longer windows. Tables and measurements: docs/methods.md, Alerts.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from lumen.alerts.evidence import Breach, RecentCounts, at_least, at_most
from lumen.alerts.lifecycle import CLEAR_SLICES, Lifecycle
from lumen.alerts.stretch import UNKNOWN, Floats, Ints, Mask, Stretch, first_of
from lumen.model.alert import AlertChange, AlertEvent, AlertKind, Observation, Severity
from lumen.model.history import SLICES_A_DAY
from lumen.model.messages import Message, message
from lumen.model.snapshot import SLICE_SECONDS
from lumen.model.witnesses import Bounds, exactly

MINUTES_PER_SLICE = 5
THREE_DAYS = 864
#: A service within its budget shows a count like this once in so many looks.
CHANCE = 1e-4
#: Two per cent of a month's budget, in burn x minutes: told even if it was a blip.
LARGE_BURN_MINUTES = 864.0
#: Less is told when it shows without the slice, and a small incident without the two, that may be a blip.
BLIP_SLICES = 1
SMALL_BLIP_SLICES = 2
SMALL_BURN = 2.0
SMALL_WINDOWS = (3, 4, 6, 12, 24)
SMALL_LEAST_BAD = 4
#: What a small incident shows besides would be seen so often within the budget.
SMALL_REST_CHANCE = 0.03
#: Below so many requests a slice (0.33/s) a burst of minutes may be all that a window shows, whatever budget it took:
#: without it, what is left must be rarer than this within the budget.
THIN_REQUESTS = 100
BURST_SLICES = 2
BURST_REST_CHANCE = 0.12
#: Closing: ten minutes below this burn are clear, however full of errors the longer windows still are; ...
CLEAR_BURN = 2.0
CLEAR_WINDOW = 2
#: ... and what is seen must not be what a burn of this factor, or such a part of the share that was told to fail, would
#: show, ...
STILL_BURNING = 2.5
STILL_SHARE = 0.5
STILL_CHANCE = 0.1
QUIET_WINDOWS = (6, 9, 12, 18, 24, 36, 48, 72)
#: ... or six hours must have passed without a condition.
LONGEST_DOUBT = 72


@dataclass(frozen=True, slots=True)
class BurnPair:
    """Window lengths in slices; both must burn `factor` times the budget on at least so many bad events."""

    long: int
    short: int
    factor: float
    least_bad: int
    least_bad_short: int
    severity: Severity


PAIRS = (
    BurnPair(3, 1, 12.0, 4, 1, Severity.PAGE),
    BurnPair(6, 2, 7.0, 4, 1, Severity.PAGE),
    BurnPair(12, 3, 4.5, 4, 2, Severity.PAGE),
    BurnPair(36, 6, 2.5, 6, 2, Severity.PAGE),
    BurnPair(72, 12, 2.0, 8, 2, Severity.PAGE),
    BurnPair(144, 24, 1.7, 10, 2, Severity.PAGE),
    BurnPair(288, 24, 3.0, 10, 2, Severity.TICKET),
    BurnPair(THREE_DAYS, 72, 1.0, 20, 5, Severity.TICKET),
)


class BurnWatch:
    """Fed with the bounds of each slice; `target` is the share of good events that is promised (0-1).

    That it burns is judged on what is certain, that it does no more on what cannot be excluded.
    """

    def __init__(self, target: float) -> None:
        self._allowed = 1 - target
        self._counts = RecentCounts(THREE_DAYS)
        self._possible = RecentCounts(THREE_DAYS)
        self._newest: deque[tuple[int, int]] = deque(maxlen=THREE_DAYS)
        self._in_doubt: deque[bool] = deque(maxlen=CLEAR_WINDOW)
        self._told_share = 0.0

    def feed(self, seen: Bounds, fallen: int = 0, risen: int = 0) -> Breach | None:
        """The worst condition that holds after this slice; a slice without data is all 0.

        `fallen`, `risen`: so many requests fewer or more than is usual. Nobody knows what became of those that are
        missed; those that are too many do not show that fewer of them fail.
        """
        bad, valid = seen.least_errors, seen.most_requests + fallen
        self._counts.add(bad, valid)
        self._possible.add(seen.most_errors + fallen, max(0, seen.least_requests - risen) + fallen)
        self._in_doubt.append(not seen.is_exact)
        self._newest.append((bad, valid))
        if bad == 0 and self._counts.last(THREE_DAYS)[0] == 0:
            return None
        return self._burning() or self._small()

    def calm(self, bad: Ints, valid: Ints) -> int:
        """How many of the next slices come before the first with which it may burn, however certain that is."""
        after_days, _ = self._counts.ahead(bad, valid, THREE_DAYS)
        may = np.zeros(len(bad), dtype=np.bool_)
        if (after_days > 0).any():
            for pair in PAIRS:
                long, short = (
                    self._burns(bad, valid, pair.factor, *of)
                    for of in ((pair.long, pair.least_bad), (pair.short, pair.least_bad_short))
                )
                may |= long & short
            newest = (bad > 0) & (bad >= SMALL_BURN * self._allowed * valid)
            for slices in SMALL_WINDOWS if newest.any() else ():
                may |= newest & self._burns(bad, valid, SMALL_BURN, slices, SMALL_LEAST_BAD)
        return first_of(may)

    def _burns(self, bad: Ints, valid: Ints, factor: float, slices: int, least: int) -> Mask:
        """With which of the next slices so many of the newest burn that much."""
        found, of = self._counts.ahead(bad, valid, slices)
        return np.asarray((found >= least) & (found >= factor * self._allowed * of))

    def pass_over(self, bad: Ints, valid: Ints, possible: tuple[Ints, Ints]) -> None:
        """Learn slices of which nothing is in doubt, one after the other; as `feed`, where nothing burns."""
        self._counts.extend(bad, valid)
        self._possible.extend(*possible)
        self._newest.extend(zip(bad.tolist(), valid.tolist(), strict=True))
        self._in_doubt.extend([False] * len(bad))

    def is_clear(self) -> bool:
        """Whether the newest ten minutes are fine."""
        return self._is_fine(*self._possible.last(CLEAR_WINDOW))

    def is_open_to_doubt(self) -> bool:
        """Whether they are by what is certain, and need not be by what cannot be excluded."""
        return self._is_fine(*self._counts.last(CLEAR_WINDOW)) and not self.is_clear()

    def _is_fine(self, bad: int, valid: int) -> bool:
        return bad == 0 or bad < CLEAR_BURN * self._allowed * valid

    def is_quiet(self, clear_slices: int) -> bool:
        """Whether the slices since the last condition say that it is over, and not merely that traffic is thin."""
        if clear_slices >= LONGEST_DOUBT:
            return not any(self._in_doubt) or self.is_clear()
        share = max(STILL_BURNING * self._allowed, STILL_SHARE * self._told_share)
        for slices in QUIET_WINDOWS:
            if slices > clear_slices:
                return False
            bad, valid = self._possible.last(slices)
            if at_most(bad, share * valid) < STILL_CHANCE:
                return True
        return False

    def forgive(self, slices: int) -> None:
        """Its alert is closed: the errors of the newest `slices` have been told and count no more."""
        self._counts.forgive(slices)
        self._possible.forgive(slices)
        for index in range(max(0, len(self._newest) - slices), len(self._newest)):
            self._newest[index] = (0, self._newest[index][1])

    def _burning(self) -> Breach | None:
        for pair in PAIRS:
            bad, valid = self._counts.last(pair.long)
            if bad < pair.least_bad or bad < pair.factor * self._allowed * valid:
                continue
            short_bad, short_valid = self._counts.last(pair.short)
            if short_bad < pair.least_bad_short or short_bad < pair.factor * self._allowed * short_valid:
                continue
            if self._is_certain(bad, valid) and self._is_no_blip(pair):
                return self._breach(pair.severity, pair.long, bad, valid)
        return None

    def _is_certain(self, bad: int, valid: int, chance: float = CHANCE) -> bool:
        return at_least(bad, self._allowed * valid) <= chance

    def _is_no_blip(self, pair: BurnPair) -> bool:
        """Whether it took much of the budget, or shows in more than one slice."""
        window = self._window(pair.long)
        bad, valid = _total(window)
        if valid < THIN_REQUESTS * sum(1 for _, requests in window if requests):
            return self._outlasts_burst(window)
        known_minutes = MINUTES_PER_SLICE * sum(1 for _, requests in window if requests)
        if bad * known_minutes >= LARGE_BURN_MINUTES * self._allowed * valid:
            return True
        bad, valid = _total(_without_worst(window, BLIP_SLICES))
        return bad > 0 and bad >= min(pair.factor, SMALL_BURN) * self._allowed * valid

    def _outlasts_burst(self, window: list[tuple[int, int]]) -> bool:
        """Whether it shows without the two slices, one after the other, in which a burst may have been."""
        at = max(range(len(window)), key=lambda index: _total(window[index : index + BURST_SLICES]))
        bad, valid = _total(window[:at] + window[at + BURST_SLICES :])
        return self._is_certain(bad, valid, BURST_REST_CHANCE)

    def _small(self) -> Breach | None:
        """A weak burn that lasts: certain, and to be seen even without its worst slices."""
        newest_bad, newest_valid = self._newest[-1]
        if newest_bad == 0 or newest_bad < SMALL_BURN * self._allowed * newest_valid:
            return None
        for slices in SMALL_WINDOWS:
            bad, valid = self._counts.last(slices)
            enough = bad >= SMALL_LEAST_BAD and bad >= SMALL_BURN * self._allowed * valid
            if enough and self._is_certain(bad, valid) and self._lasts(slices):
                return self._breach(Severity.TICKET, slices, bad, valid)
        return None

    def _lasts(self, slices: int) -> bool:
        bad, valid = _total(_without_worst(self._window(slices), SMALL_BLIP_SLICES))
        burns = bad > 0 and bad >= SMALL_BURN * self._allowed * valid
        return burns and self._is_certain(bad, valid, SMALL_REST_CHANCE)

    def _window(self, slices: int) -> list[tuple[int, int]]:
        return list(self._newest)[-slices:]

    def _breach(self, severity: Severity, slices: int, bad: int, valid: int) -> Breach:
        minutes = slices * MINUTES_PER_SLICE
        burn = bad / (self._allowed * valid)
        self._told_share = bad / valid
        reason = message("alert.burn", burn=burn, minutes=minutes, bad=bad, valid=valid, share=bad / valid)
        return Breach(severity, slices, reason)


def _total(window: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(bad for bad, _ in window), sum(valid for _, valid in window)


def _without_worst(window: list[tuple[int, int]], slices: int) -> list[tuple[int, int]]:
    return sorted(window)[:-slices]


class AvailabilityAlert:
    """`target` is the promised share of requests that do not fail (0.999 for an error rate below 0.1 %)."""

    def __init__(self, service: str, target: float) -> None:
        self._watch = BurnWatch(target)
        self._usual = UsualRequests()
        self.lifecycle = Lifecycle(service, AlertKind.AVAILABILITY)

    def judge(self, seen: Observation, end: datetime) -> AlertEvent | None:
        """After each slice; a service that is asleep shows neither that it fails nor that it does no more."""
        bounds = seen.bounds if seen.requests or seen.doubt else None
        return self.step(end, bounds, is_unreachable=seen.is_unreachable)

    def pass_calm(self, stretch: Stretch, since: int, until: int) -> int:
        """Learn slices that tell nothing; how many from `since` on."""
        until = since + first_of(stretch.is_doubted[since:until])
        requests, errors = stretch.requests[since:until], stretch.errors_5xx[since:until]
        known = (requests > 0) & (errors != UNKNOWN)
        seen = np.where(known, requests, 0)
        fallen, risen = self._usual.ahead(seen, known)
        failed, valid = np.where(known, np.minimum(errors, seen), 0), seen + fallen
        calm = self._watch.calm(failed, valid)
        possible = failed + fallen, np.maximum(0, seen - risen) + fallen
        self._watch.pass_over(failed[:calm], valid[:calm], (possible[0][:calm], possible[1][:calm]))
        self._usual.extend(seen[:calm], known[:calm])
        judged = np.flatnonzero(known[:calm])
        if len(judged):
            self.lifecycle.step(stretch.slices[since + int(judged[-1])].end, None)
        return calm

    def step(self, at: datetime, seen: Bounds | None, *, is_unreachable: bool = False) -> AlertEvent | None:
        """After the slice that ends `at`; a slice without data neither opens nor closes anything.

        `is_unreachable`: what is missed of the usual requests did not get through either.
        """
        fallen, risen = self._usual.feed(None if seen is None else seen.most_requests)
        if seen is None:
            self._watch.feed(exactly(0, 0))
            return None
        if is_unreachable:
            lost = seen.most_requests + fallen
            seen, fallen = exactly(lost, lost), 0
        finding = self._watch.feed(seen, fallen, risen)
        if self.lifecycle.open is not None and self._watch.is_clear():
            finding = None
        if finding is not None and is_unreachable:
            told = Message("alert.unreachable", {**finding.reason.params, "told": finding.reason})
            finding = replace(finding, reason=told)
        event = self.lifecycle.step(at, finding, self._watch.is_quiet)
        if self._watch.is_open_to_doubt():
            self.lifecycle.cannot_tell()
        if event is not None and event.change is AlertChange.CLOSED:
            # On close, the told errors leave the numerators of all longer windows (docs/methods.md, Alerts).
            self._watch.forgive(self.lifecycle.open_slices + CLEAR_SLICES)
        return event


LEAST_PER_SECOND = 0.1
#: Half or twice what came at this time yesterday and a week ago are beyond what is usual ...
UNUSUAL = 2.0
#: ... by so many standard deviations of a count.
UNUSUAL_SPREADS = 3.0


class UsualRequests:
    """Requests of a week, to tell how many more or fewer come than usually do at this time."""

    def __init__(self) -> None:
        self._requests: deque[int | None] = deque(maxlen=7 * SLICES_A_DAY + 1)

    def feed(self, requests: int | None) -> tuple[int, int]:
        """How many of this slice are missed, and how many are too many; 0 where nobody knows what is usual."""
        seen = self._requests
        usual = [
            around for ago in (SLICES_A_DAY, 7 * SLICES_A_DAY) if (around := self._around(len(seen) - ago)) is not None
        ]
        seen.append(requests)
        if requests is None or not usual:
            return 0, 0
        least, most = min(usual) / UNUSUAL, max(usual) * UNUSUAL
        fallen = math.ceil(least - UNUSUAL_SPREADS * math.sqrt(least) - requests)
        risen = math.ceil(requests - most - UNUSUAL_SPREADS * math.sqrt(most))
        return max(0, fallen), max(0, risen)

    def ahead(self, requests: Ints, known: Mask) -> tuple[Ints, Ints]:
        """`feed` of the next slices, none of which is fed."""
        before = np.array([UNKNOWN if one is None else one for one in self._requests], dtype=np.int64)
        every = np.concatenate((before, np.where(known, requests, UNKNOWN), [UNKNOWN, UNKNOWN]))
        is_known, end = every != UNKNOWN, len(before) + np.arange(len(requests))
        least, most = np.full((2, len(requests)), np.nan)
        for ago in (SLICES_A_DAY, 7 * SLICES_A_DAY):
            middle = np.maximum(1, end - ago)
            here = [middle - 1, middle, middle + 1]
            count = sum(is_known[at].astype(np.int64) for at in here)
            total = sum(np.where(is_known[at], every[at], 0) for at in here)
            around = np.where((end - ago >= 1) & (count > 0), total / np.maximum(1, count), np.nan)
            least, most = np.fmin(least, around), np.fmax(most, around)
        least, most = least / UNUSUAL, most * UNUSUAL
        fallen = np.ceil(least - UNUSUAL_SPREADS * np.sqrt(least) - requests)
        risen = np.ceil(requests - most - UNUSUAL_SPREADS * np.sqrt(most))
        return _whole(fallen, known), _whole(risen, known)

    def extend(self, requests: Ints, known: Mask) -> None:
        """Learn the next slices."""
        each = zip(requests.tolist(), known.tolist(), strict=True)
        self._requests.extend(count if is_known else None for count, is_known in each)

    def _around(self, index: int) -> float | None:
        """Mean of a slice and its neighbours."""
        if index < 1:
            return None
        known = [one for one in (self._requests[at] for at in range(index - 1, index + 2)) if one is not None]
        return sum(known) / len(known) if known else None


def _whole(found: Floats, known: Mask) -> Ints:
    """None where nobody knows what is usual, or how many came."""
    return np.where(known & (found > 0), np.nan_to_num(found), 0).astype(np.int64)


#: "About": a service that hovers at the limit is not said to be low half of the day.
SLACK = 0.8


class TrafficLevel:
    """Requests of the last day's known slices."""

    def __init__(self) -> None:
        self._requests: deque[int] = deque(maxlen=SLICES_A_DAY)

    def add(self, requests: int | None) -> None:
        if requests is not None:
            self._requests.append(requests)

    def extend(self, requests: Ints) -> None:
        """The next slices, but for those without requests."""
        self._requests.extend(requests[requests > 0].tolist())

    @property
    def per_second(self) -> float | None:
        """Mean rate, or None before anything is known."""
        if not self._requests:
            return None
        return sum(self._requests) / (len(self._requests) * SLICE_SECONDS)

    def low(self) -> Message | None:
        """The reason why availability is not judged on percentages now; None when there is enough traffic."""
        rate = self.per_second
        if rate is None or rate >= SLACK * LEAST_PER_SECOND:
            return None
        hours = round(len(self._requests) * SLICE_SECONDS / 3600)
        return message("alert.low_traffic", rate=rate, hours=hours, least=LEAST_PER_SECOND)
