"""Predictions from a log: of each TTL or size the hit rate with its interval, or the reason for having none.

From accesses the interval is for the traffic to come (`tomorrow`): it grows with the step. From misses it is for what
the requests of the log themselves would have met; how the next day differs from this one comes on top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from math import ceil, hypot, inf, sqrt

import numpy as np

from lumen.model.forecast import Method, confidence_of
from lumen.prediction.accesses import Floats, Integers, Kind, Words
from lumen.prediction.honesty import Trust, checked
from lumen.prediction.lives import LONGEST_MS, Requests, elapsed_ms, packed
from lumen.prediction.logs import Log
from lumen.prediction.memory import Kept, Timeline, kept
from lumen.prediction.misses import LEAST_MISSES, Clock, Imputed, Misses, imputed
from lumen.prediction.replay import DAY_MS, misses_by_day, requests_by_day
from lumen.prediction.tomorrow import Day, Expected, days_of, half_of

#: Half of the 90 % interval of a prediction from misses, by what it rests on: the draws, what another pattern makes of
#: it, the bounds, what is left, and how few misses there are (over their root). Measured over the traces of
#: `make bench NAME=prediction`.
OF_SPREAD, OF_PATTERN, OF_BOUNDS, OF_ALL, OF_FEW = 1.2, 0.4, 0.025, 0.0012, 0.05
#: A replayed cache of a given size against a server that samples what it evicts.
OF_SAMPLING = 0.01
#: By so much (a share) the misses of a log may differ from the server's own count: unnoticed, and at all.
NEARLY_ALL, MOST_OF_THEM = 0.02, 0.2
#: From here on seconds are those of the calendar.
EPOCH_S = 1e8
NEARLY_A_DAY_MS = 3_600_000
MB = 1 << 20

Progress = Callable[[int], None]


class Verdict(StrEnum):
    """Whether there is a number, or why there is none."""

    PREDICTED = "predicted"
    TOO_FEW_MISSES = "too_few_misses"
    NEEDS_ACCESSES = "needs_accesses"
    NO_ACCESSES = "no_accesses"
    NO_SIZES = "no_sizes"
    TOO_FEW_ENTRIES = "too_few_entries"
    REPLAY_DISAGREES = "replay_disagrees"
    MISSES_DISAGREE = "misses_disagree"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Ratios are shares; `uplift` is against the present setting, `confidence` the chance that it is right within a
    point or a fifth of itself. Without a number they are None; `needed`: how many misses are lacking. `ttl` is in
    seconds, None for entries that do not expire; `capacity_mb` is None where memory was not asked about."""

    ttl: int | None
    accesses_used: int
    method: Method
    verdict: Verdict
    hit_rate: float | None = None
    low: float | None = None
    high: float | None = None
    uplift: float | None = None
    confidence: float | None = None
    needed: int | None = None
    capacity_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """The server's counters, at moments in seconds."""

    at_s: Floats
    hits: Floats
    misses: Floats


def requests_in(log: Log) -> Requests:
    """The accesses of a log for the replay."""
    elements = _elements(log.key, log.at_s, float(log.at_s.min()) if len(log) else 0.0)
    if log.hit is None:
        elements.sort()
        return Requests(elements)
    order = np.argsort(elements, kind="stable")
    return Requests(elements[order], None, log.hit[order])


def timeline_in(log: Log) -> Timeline:
    """The same for a replay with memory; a size that a line lacks is the mean of the others."""
    assert log.size is not None
    order = np.argsort(log.at_s, kind="stable")
    _, key = np.unique(log.key, return_inverse=True)
    size = np.where(np.isnan(log.size), np.nanmean(log.size), log.size)
    return Timeline(
        _elapsed(log.at_s, float(log.at_s.min()))[order],
        key[order],
        np.full(len(order), Kind.HIT, np.uint8),
        size[order],
    )


def _elements(key: Words, at_s: Floats, start_s: float) -> Words:
    """A life for each key, not sorted."""
    _, life = np.unique(key, return_inverse=True)
    return packed(life, _elapsed(at_s, start_s))


def _elapsed(at_s: Floats, start_s: float) -> Integers:
    return np.rint((at_s - start_s) * 1000).astype(np.int64)


def ttls_from_accesses(
    log: Log, ttl: int, to: Sequence[int], capacity_bytes: float | None = None, progress: Progress = lambda _: None
) -> Sequence[Prediction]:
    """The hit rate at each TTL; with a capacity, as far as memory lets it come."""
    nothing = [_none(one, len(log), Method.REPLAY, Verdict.NO_ACCESSES) for one in to]
    if not len(log):
        return nothing
    requests = requests_in(log)
    honesty = None if log.hit is None else checked(requests, ttl * 1000)
    if honesty is not None and honesty.trust is Trust.NONE:
        return [replace(one, verdict=Verdict.REPLAY_DISAGREES) for one in nothing]
    misses, days = _by_day(log, requests, (ttl, *to))
    found = misses.tolist()
    if capacity_bytes is not None and log.size is None:
        return [replace(one, verdict=Verdict.NO_SIZES, capacity_mb=capacity_bytes / MB) for one in nothing]
    method, own_half = Method.REPLAY, 0.0 if honesty is None else honesty.widening
    is_told = [True for _ in found]
    if capacity_bytes is not None:
        kept_at = _kept_at(timeline_in(log), [(one, capacity_bytes) for one in (ttl, *to)], progress)
        is_told = [one.is_told() for one in kept_at]
        if any(one.binds for one in kept_at):
            found, method, own_half = [one.misses for one in kept_at], Method.REPLAY_LRU, own_half + OF_SAMPLING
    level = 1 - found[0] / len(log) if log.hit is None else float(np.mean(log.hit))
    told = []
    for one, misses in zip(to, found[1:], strict=True):
        uplift = (found[0] - misses) / len(log)
        half = 0.0 if one == ttl else hypot(half_of(days, uplift, len(log)), own_half)
        told.append(_told(one, len(log), method, level, Expected(uplift, half)))
    told = [replace(one, capacity_mb=capacity_bytes and capacity_bytes / MB) for one in told]
    return _of_enough_entries(told, is_told)


def _by_day(log: Log, requests: Requests, ttls: Sequence[int]) -> tuple[Integers, Sequence[Day]]:
    """Misses of the whole log at each TTL, the present one first, where memory does not bind; and the uplifts of each
    of its whole days."""
    last_ms = int(elapsed_ms(requests.elements).max())
    count = last_ms // DAY_MS + 1
    misses = misses_by_day(requests, [one * 1000 for one in ttls], count)
    whole = count if last_ms >= count * DAY_MS - NEARLY_A_DAY_MS else count - 1
    start_s = float(log.at_s.min())
    first = datetime.fromtimestamp(start_s, UTC).date() if start_s >= EPOCH_S else None
    days = days_of(misses[:, :whole], requests_by_day(requests, whole), ttls[1:], first)
    return misses.sum(axis=1), days


def _kept_at(timeline: Timeline, settings: Sequence[tuple[float, float]], progress: Progress) -> Sequence[Kept]:
    """Replays with memory, of seconds and bytes each."""
    return [kept(timeline, size, ttl * 1000, progress) for ttl, size in settings]


def _of_enough_entries(told: Sequence[Prediction], is_told: Sequence[bool]) -> Sequence[Prediction]:
    """No number where a cache holds too few of them: now (the first of `is_told`), or then."""
    return [
        one
        if is_told[0] and then
        else replace(
            _none(one.ttl, one.accesses_used, one.method, Verdict.TOO_FEW_ENTRIES), capacity_mb=one.capacity_mb
        )
        for one, then in zip(told, is_told[1:], strict=True)
    ]


def sizes_from_accesses(
    log: Log, ttl: int | None, capacity_bytes: float, to: Sequence[float], progress: Progress = lambda _: None
) -> Sequence[Prediction]:
    """The hit rate in a cache of each size, in bytes, at the same TTL."""
    verdict = Verdict.NO_SIZES if len(log) else Verdict.NO_ACCESSES
    nothing = [replace(_none(ttl, len(log), Method.REPLAY_LRU, verdict), capacity_mb=one / MB) for one in to]
    if not len(log) or log.size is None:
        return nothing
    seconds = inf if ttl is None else ttl
    now, *others = _kept_at(timeline_in(log), [(seconds, size) for size in (capacity_bytes, *to)], progress)
    replayed = 1 - now.misses / len(log)
    level = replayed if log.hit is None else float(np.mean(log.hit))
    if abs(level - replayed) > 2 * OF_SAMPLING:
        return [replace(one, verdict=Verdict.REPLAY_DISAGREES) for one in nothing]
    told = []
    for size, one in zip(to, others, strict=True):
        uplift = (now.misses - one.misses) / len(log)
        half = 0.0 if size == capacity_bytes else hypot(half_of([], uplift, len(log)), OF_SAMPLING)
        told.append(
            replace(_told(ttl, len(log), Method.REPLAY_LRU, level, Expected(uplift, half)), capacity_mb=size / MB)
        )
    return _of_enough_entries(told, [one.is_told() for one in (now, *others)])


def ttls_from_misses(
    log: Log, info: Info, ttl: int, to: Sequence[int], seed: int = 1, progress: Progress = lambda _: None
) -> Sequence[Prediction]:
    """The hit rate at longer TTLs from the misses of a log and the server's counters; none at shorter ones. `progress`
    hears 1 when the rates are fitted, and for each TTL."""
    start_s, clock, hits, counted = _counted(log, info)
    end_s = start_s + float(clock.at_ms[-1]) / 1000 if len(clock.at_ms) else -inf
    within = (log.at_s >= start_s) & (log.at_s <= end_s)
    used = int(np.count_nonzero(within))
    longer = sorted({one for one in to if one > ttl})
    verdict = _refused(len(log), used, counted)
    if verdict is None and (float(log.at_s[within].max()) - start_s) * 1000 >= LONGEST_MS - 1:
        verdict = Verdict.MISSES_DISAGREE
    if verdict is None and longer:
        elements = _elements(log.key[within], log.at_s[within], start_s)
        elements.sort()
        seen = Misses(elements, clock, ttl * 1000, hits * min(1.0, used / counted))
        by_ttl = dict(zip(longer, imputed(seen, [one * 1000 for one in longer], seed, progress=progress), strict=True))
    told = []
    for one in to:
        if one < ttl or verdict is not None:
            why = Verdict.NEEDS_ACCESSES if one < ttl else verdict or Verdict.NEEDS_ACCESSES
            needed = ceil(LEAST_MISSES - used) if why is Verdict.TOO_FEW_MISSES else None
            told.append(replace(_none(one, used, Method.MISSES, why), needed=needed))
            continue
        expected = Expected(0.0, 0.0) if one == ttl else _from_imputed(by_ttl[one], used, counted, counted + hits)
        told.append(_told(one, used, Method.MISSES, hits / (counted + hits), expected))
    return told


def _counted(log: Log, info: Info) -> tuple[float, Clock, float, float]:
    """The start of the counters, the clock of the requests, and how many hits and misses they count in all.

    A counter that falls began anew at 0. Where the first moment has counted just the misses of the log until then, the
    counting began with the log.
    """
    order = np.argsort(info.at_s, kind="stable")
    at_s, hits, misses = info.at_s[order], info.hits[order], info.misses[order]
    if len(at_s):
        before = int(np.count_nonzero(log.at_s <= at_s[0]))
        if before and abs(before - misses[0]) <= max(NEARLY_ALL * before, 1):
            at_s = np.append(min(float(log.at_s.min()), at_s[0]), at_s)
            hits, misses = np.append(0.0, hits), np.append(0.0, misses)
    grown_hits, grown_misses = (np.where(np.diff(one) < 0, one[1:], np.diff(one)) for one in (hits, misses))
    if not len(grown_hits):
        return 0.0, Clock(np.empty(0), np.empty(0)), 0.0, 0.0
    requests = np.append(0.0, np.cumsum(grown_hits + grown_misses))
    clock = Clock((at_s - at_s[0]) * 1000.0, requests)
    return float(at_s[0]), clock, float(grown_hits.sum()), float(grown_misses.sum())


def _refused(read: int, used: int, counted: float) -> Verdict | None:
    """The reason why misses give no number, if any. Where enough were read, but few of them in the time of the
    counters, the two are not of the same time."""
    disagree = not counted or abs(used / counted - 1) > MOST_OF_THEM
    if used < LEAST_MISSES and not (disagree and read >= LEAST_MISSES):
        return Verdict.TOO_FEW_MISSES
    return Verdict.MISSES_DISAGREE if disagree else None


def _from_imputed(found: Imputed, used: int, counted: float, requests: float) -> Expected:
    """The uplift of all requests, from the share of the misses that are left at the other TTL."""
    scale = counted / used / requests
    parts = (OF_SPREAD * found.spread, OF_PATTERN * found.of_pattern, OF_BOUNDS * (found.most - found.least))
    half = sqrt(sum((scale * part) ** 2 for part in parts) + OF_ALL**2 + OF_FEW**2 / used)
    lost = abs(used / counted - 1)
    more = lost * counted / requests if lost > NEARLY_ALL else 0.0
    return Expected(scale * (used - found.misses), half + more)


def _told(ttl: int | None, used: int, method: Method, level: float, expected: Expected) -> Prediction:
    hit_rate = min(max(level + expected.uplift, 0.0), 1.0)
    return Prediction(
        ttl,
        used,
        method,
        Verdict.PREDICTED,
        hit_rate,
        max(hit_rate - expected.half, 0.0),
        min(hit_rate + expected.half, 1.0),
        expected.uplift,
        confidence_of(expected.uplift, expected.half),
    )


def _none(ttl: int | None, used: int, method: Method, verdict: Verdict) -> Prediction:
    return Prediction(ttl, used, method, verdict)
