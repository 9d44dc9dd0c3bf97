"""What another TTL would do, by every method, against the truth: `python -m bench.prediction [TRACE …]`.

A TRACE is `FILE[:COLUMN[:STRETCH]]` (bench/access_world.py); without any, the invented kinds of traffic are taken, and
`../shared/data/nasa_19950801.tsv` by URL and by host where it is there. The truth is a dict that is asked access by
access. Errors are in points of the hit rate; a trace's error is the mean over its TTLs. `--days` predicts the next day
of twelve, `--speed` replays ten million accesses, `--server` compares a full cache with a real server.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.access_world import KINDS, Trace, World, read
from bench.lru_server import Served, served
from lumen.model.accesses import ALL_KEYS
from lumen.model.forecast import RELATIVE_TOLERANCE, TOLERANCE, confidence_word
from lumen.model.observed import MOST_KEYS
from lumen.prediction.accesses import Kind
from lumen.prediction.answers import Info, ttls_from_misses
from lumen.prediction.lives import MS_BITS, Requests, elapsed_ms, packed
from lumen.prediction.logs import Faults, Log
from lumen.prediction.memory import Timeline, entry_bytes, kept
from lumen.prediction.misses import Clock, Misses
from lumen.prediction.replay import miss_count, missed, misses_by_day, requests_by_day
from lumen.prediction.sample import uplift
from lumen.prediction.tomorrow import days_of, expected

TTL, SHORTER, LONGER = 300, (60, 120), (420, 600, 900, 1800, 3600)
NASA = Path(__file__).parents[2] / "shared" / "data" / "nasa_19950801.tsv"
INFO_S = 300.0


def requests_of_trace(trace: Trace) -> Requests:
    """A trace for the replay."""
    elements = packed(trace.key, np.rint(trace.at_s * 1000).astype(np.int64))
    elements.sort()
    return Requests(elements)


def replayed_plainly(trace: Trace, ttl_s: float) -> NDArray[np.bool_]:
    """Which accesses miss, by a dict: the truth."""
    until: dict[int, float] = {}
    found = np.zeros(len(trace), np.bool_)
    at_ms = np.rint(trace.at_s * 1000).astype(np.int64)
    for place, (now, key) in enumerate(zip(at_ms.tolist(), trace.key.tolist(), strict=True)):
        if until.get(key, 0) <= now:
            found[place] = True
            until[key] = now + ttl_s * 1000
    return found


def misses_of(requests: Requests, ttl_s: int) -> Misses:
    """The misses of a trace, and the counters each five minutes."""
    at = np.sort(elapsed_ms(requests.elements))
    edges = np.arange(0, at[-1] + 2 * INFO_S * 1000, INFO_S * 1000)
    found = missed(requests, ttl_s * 1000)
    clock = Clock(edges, np.searchsorted(at, edges, side="right").astype(np.float64))
    return Misses(requests.elements[found], clock, ttl_s * 1000, float(requests.count - found.sum()))


def logged(trace: Trace) -> tuple[Log, Info]:
    """What a service at version 1 shows: its misses, and the counters."""
    lost = replayed_plainly(trace, TTL)
    edges = np.arange(0, trace.at_s[-1] + 2 * INFO_S, INFO_S)
    asked, missing = (np.searchsorted(at, edges, side="right") for at in (trace.at_s, trace.at_s[lost]))
    info = Info(edges, (asked - missing).astype(np.float64), missing.astype(np.float64))
    return Log(trace.at_s[lost], trace.key[lost].astype(np.uint64), None, None, Faults()), info


def same_window(trace: Trace) -> tuple[dict[str, list[float]], list[bool]]:
    """Errors of each method's uplift in points, and which truths the intervals from misses hold."""
    truth = {ttl: float(replayed_plainly(trace, ttl).sum()) for ttl in (TTL, *SHORTER, *LONGER)}
    requests, count = requests_of_trace(trace), len(trace)
    real = {ttl: 100 * (truth[TTL] - truth[ttl]) / count for ttl in (*SHORTER, *LONGER)}
    told: dict[str, list[float]] = {}
    for ttl, wanted in real.items():
        way = "up" if ttl > TTL else "down"
        for name, value in _told(requests, ttl, truth[TTL], count).items():
            told.setdefault(f"{name}, {way}", []).append(abs(100 * value - wanted))
    log, info = logged(trace)
    held = []
    for one in ttls_from_misses(log, info, TTL, LONGER):
        if one.uplift is not None and one.hit_rate is not None and one.low is not None and one.high is not None:
            told.setdefault("misses only, up", []).append(abs(100 * one.uplift - real[one.ttl or 0]))
            held.append(one.low <= 1 - truth[one.ttl or 0] / count <= one.high)
    return told, held


def _told(requests: Requests, ttl: int, misses: float, count: int) -> dict[str, float]:
    """Uplifts by every method that needs accesses, and by two that need nothing."""
    old, new = missed(requests, TTL * 1000), missed(requests, ttl * 1000)
    key = requests.elements >> np.uint64(MS_BITS)
    scattered = key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    keys = len(np.unique(key))
    hit = 1 - misses / count
    rate = hit / max(1 - hit, 1e-9) / TTL
    found = {
        "nothing": 0.0,
        "λT/(1+λT)": rate * ttl / (1 + rate * ttl) - hit,
        "replay": (old.sum() - new.sum()) / count,
    }
    for most, name in ((MOST_KEYS, "32,768 keys"), (8192, "8,192 keys"), (keys / 10, "a tenth of the keys")):
        below = int(min(most / keys, 1) * ALL_KEYS)
        chosen = scattered < np.uint64(below)
        found[name] = uplift(count, int(misses), key[chosen], old[chosen], new[chosen], below).value
    return found


@dataclass(frozen=True, slots=True)
class NextDay:
    """A prediction of the next day: its error in points, whether the interval holds it, the word for its confidence,
    and whether it is right within the tolerance."""

    error: float
    is_held: bool
    word: str
    is_right: bool


def next_days(world: World) -> list[NextDay]:
    """Of each day from the fourth on whose kind was seen before, and each TTL."""
    requests = requests_of_trace(world.trace())
    ttls = (*SHORTER, *LONGER)
    counts = misses_by_day(requests, [one * 1000 for one in (TTL, *ttls)], world.days)
    days = days_of(counts, requests_by_day(requests, world.days), ttls, date(2026, 11, 2))
    found = []
    for n in range(4, world.days):
        if not any(day.is_free == days[n].is_free for day in days[:n]):
            continue
        for ttl in ttls:
            told = expected(days[:n], ttl, days[n].on)
            off = abs(told.uplift - days[n].uplifts[ttl])
            allowed = max(TOLERANCE, RELATIVE_TOLERANCE * abs(told.uplift))
            found.append(NextDay(100 * off, off <= told.half, confidence_word(told.confidence), off <= allowed))
    return found


def speed() -> None:
    """Ten million accesses at six TTLs."""
    dice = np.random.default_rng(1)
    key = np.minimum((dice.pareto(0.5, 10_000_000) * 50).astype(np.int64), 3_000_000)
    elements = packed(key, dice.integers(0, 86_400_000, len(key)))
    del key
    began, used = time.perf_counter(), time.process_time()
    elements.sort()
    for ttl in (60, 120, 420, 600, 900, 3600):
        miss_count(Requests(elements), ttl * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"10,000,000 accesses, 6 TTLs: {time.perf_counter() - began:.1f} s"
        f" ({time.process_time() - used:.1f} s of CPU), {peak:.0f} MB at most (bars: 30 s, 1,024 MB)"
    )


def against_server(
    kind: str, share: float, ttl_s: int, faster: float = 20.0, seed: int = 1, policy: str = "allkeys-lru"
) -> tuple[float, Served]:
    """The hit rate that the replay tells of a cache for that share of all bytes, and what a server had.

    It evicts what was used least recently, of a few that it samples. It tells seconds of use apart, so faster is
    coarser; its buffers count too, so values are not too small.
    """
    trace = World(kind, seed, 1_000_000).trace().between(9 * 3600.0, 9.25 * 3600.0)
    trace = replace(trace, size=16 * trace.size)
    at_ms = np.rint(trace.at_s * 1000).astype(np.int64)
    line = Timeline(at_ms, trace.key, np.full(len(trace), Kind.HIT, np.uint8), trace.size.astype(np.float64))
    distinct = float(entry_bytes(line.size)[np.unique(line.key, return_index=True)[1]].sum())
    got = served(trace, ttl_s, share * distinct, faster, policy)
    return 1 - kept(line, got.capacity_bytes, ttl_s * 1000).misses / len(trace), got


def _print_server(kinds: Sequence[str], seeds: int) -> None:
    for kind in kinds:
        for share, ttl_s, policy in ((0.1, 300, "allkeys-lru"), (0.3, 300, "volatile-lru"), (0.3, 1800, "allkeys-lru")):
            for seed in range(1, seeds + 1):
                told, got = against_server(kind, share, ttl_s, seed=seed, policy=policy)
                where = f"{kind:10} {seed} {share:.0%} of all bytes, TTL {ttl_s:5} s, {policy:12} ({got.server})"
                off = f"server {got.hit_rate:.1%} replay {told:.1%} ({100 * (told - got.hit_rate):+.2f})"
                print(f"{where}: {off}, {got.evictions} evictions, at most {got.late_s:.1f} s late", flush=True)


def _traces(asked: argparse.Namespace) -> Iterator[Callable[[], Trace]]:
    for name in asked.traces or ([f"{NASA}:url", f"{NASA}:host"] if NASA.exists() else []):
        yield lambda name=name: read(name)  # type: ignore[misc]
    if not asked.traces:
        for kind in asked.kinds:
            for seed in range(1, asked.seeds + 1):
                world = World(kind, seed, asked.a_day)
                yield world.trace


def _print_same_window(asked: argparse.Namespace) -> None:
    every: dict[str, list[float]] = {}
    covered: list[bool] = []
    for make in _traces(asked):
        trace = make()
        told, held = same_window(trace)
        covered += held
        for name, errors in told.items():
            every.setdefault(name, []).append(float(np.mean(errors)))
        said = "  ".join(f"{name} {np.mean(errors):.2f}" for name, errors in told.items() if "up" in name)
        print(f"{trace.name:28} {len(trace):9,}  {said}", flush=True)
    print("\nsame window: mean over traces (worst trace), points")
    for name, per_trace in every.items():
        print(f"{name:28} {np.mean(per_trace):6.3f} ({max(per_trace):.3f})  median {np.median(per_trace):.3f}")
    if covered:
        print(f"intervals from misses hold {np.mean(covered):.1%} (nominal 90 %)")


def _print_days(asked: argparse.Namespace) -> None:
    every: list[NextDay] = []
    for kind in asked.kinds:
        of_kind = [one for seed in range(asked.seeds) for one in next_days(World(kind, seed + 1, asked.a_day, 12))]
        every += of_kind
        _print_next_days(kind, of_kind)
    _print_next_days("all", every)
    for word in ("high", "medium", "low"):
        right = [one.is_right for one in every if one.word == word]
        if right:
            print(f"called {word:6} {len(right):5}, of which within a point or a fifth {np.mean(right):.1%}")


def _print_next_days(name: str, found: Sequence[NextDay]) -> None:
    error, held = (np.mean([getattr(one, what) for one in found]) for what in ("error", "is_held"))
    print(f"{name:12} next day: MAE {error:.2f} points, interval holds {held:.1%}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="*", metavar="TRACE")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--a-day", type=int, default=60_000, help="accesses a day of an invented trace")
    parser.add_argument("--days", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--server", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.speed:
        speed()
    elif asked.server:
        _print_server(asked.kinds, asked.seeds)
    elif asked.days:
        _print_days(asked)
    else:
        _print_same_window(asked)


if __name__ == "__main__":
    main()
