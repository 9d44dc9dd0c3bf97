"""Effects of changes of the TTL, as the arm that was spared tells them: false verdicts, power, coverage, by world.

`python -m bench.effects [--draws N] [--kinds …] [--first SEED]`. Each world (bench/effect_world.py) is a few histories
of traffic, and of each the arms are drawn many times. Three changes of each: to the same TTL, to one of +1 point that
the service ignores, and to one of +1 point. Then, at 7 days, whether an effect of +3 points is said to fade.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.effect_world import (
    CHANGED_MS,
    HOUR_MS,
    KINDS,
    OLD_TTL,
    START,
    Flags,
    Floats,
    Integers,
    Service,
    Traffic,
    in_memory,
    pieces_of,
    replayed,
    reported_share,
    served,
    served_in_memory,
    ttl_for,
)
from lumen.effects.arms import Keys, measured
from lumen.effects.hold_back import (
    ALPHA_BY_LOOK,
    LASTING_HOURS,
    MOST_EVICTED,
    effect_by_replay,
    lasts,
    of_shared_memory,
)
from lumen.model.accesses import ALL_KEYS, is_held
from lumen.model.hold_back import EffectByReplay, HoldBack, Lasting
from lumen.model.messages import NoData

#: Of 1,000 keys; the level and the look at which coverage is counted; the look that only sees harm.
PERMILLE, COVERED, COVERED_AT, HARM_ALONE = 100, 0.05, 24, 6
#: Draws of each history where each of them is a cache of its own to be played, and at most how many lookups a day.
FEW, PLAYED_MOST = 4, 100_000
#: Such a part of the draws is enough for a change that is ignored.
OF_IGNORED = 3
SAME, IGNORED, LONGER = "same TTL", "ignored", "+1 point"


@dataclass(frozen=True, slots=True)
class Task:
    """A history and how often its arms are drawn."""

    service: Service
    draws: int


@dataclass(frozen=True, slots=True)
class Look:
    """`clear`: better or worse, by the look's own alpha. `off`: the error, in points, and `covers`: whether the 95 %
    interval holds the truth; None where there is no figure."""

    hours: int
    clear: int = 0
    off: float | None = None
    covers: bool | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The findings of the looks at one change, with the arms drawn once."""

    kind: str
    a_day: int
    change: str
    looks: tuple[Look, ...]

    @property
    def is_clear(self) -> bool:
        return any(look.clear for look in self.looks)


@dataclass(frozen=True, slots=True)
class Seen:
    """A history as one TTL and the other make it: which lookups miss, really and replayed. `share`: of the keys that
    are reported.

    `mixed`: of each draw what really misses, where memory is shared so that the arms feel each other.
    """

    traffic: Traffic
    share: float
    old: Flags
    new: Flags
    at_old: Flags
    at_new: Flags
    new_ttl: int
    evicts: bool = False
    mixed: Sequence[Flags] = ()


def run(task: Task) -> list[Said]:
    """All looks at all three changes of a history, for each draw of the arms."""
    seen = history(task.service)
    arms = [drawn_arms(seen, task.service.seed, draw) for draw in range(task.draws)]
    changes = {
        SAME: replace(seen, new=seen.old, at_new=seen.at_old, new_ttl=OLD_TTL),
        IGNORED: replace(seen, new=seen.old),
        LONGER: seen,
    }
    if seen.traffic.room:
        mixed = [served_in_memory(seen.traffic, seen.new_ttl, one.held[seen.traffic.key])[0] for one in arms[:FEW]]
        changes[LONGER] = replace(seen, mixed=mixed)
    return [
        Said(task.service.kind, task.service.a_day, name, looks)
        for name, one in changes.items()
        for some in [arms[:: OF_IGNORED if name == IGNORED else 1]]
        for looks in zip(*(_look(one, hours, some) for hours in ALPHA_BY_LOOK), strict=True)
    ]


def history(service: Service) -> Seen:
    """The lookups, what misses with the old TTL for all and with the new one for all, and what the replay says."""
    traffic = service.traffic()
    if room := KINDS[service.kind].room:
        traffic = in_memory(traffic, room)
    longer = ttl_for(traffic, 1.0)
    evicts = False
    if traffic.room:
        everybody = np.ones(len(traffic), np.bool_)
        (old, few), (new, many) = (served_in_memory(traffic, longer, held) for held in (everybody, ~everybody))
        evicts = max(few, many) > MOST_EVICTED * int(new.sum())
    else:
        old, new = served(traffic, OLD_TTL), served(traffic, longer)
    at_old, at_new = replayed(traffic, OLD_TTL), replayed(traffic, longer)
    return Seen(traffic, reported_share(traffic), old, new, at_old, at_new, longer, evicts)


@dataclass(frozen=True, slots=True)
class Secret:
    """The arm of each key by its hash: whether it is held back, as `is_held` has it, and whether reported."""

    held: Flags
    reported: Flags


def drawn_arms(seen: Seen, seed: int, draw: int) -> Secret:
    """Another secret of the service for each draw."""
    dice, keys = np.random.default_rng([seed, 2, draw]), int(seen.traffic.key.max()) + 1
    held = dice.integers(0, 1 << 16, keys) * 1000 >> 16 < PERMILLE
    return Secret(held, dice.random(keys) < seen.share)


@dataclass(frozen=True, slots=True)
class Table:
    """A look: the truth, which lookups count, their keys, and what is known of each key without an arm."""

    truth: float
    within: Flags
    key: Integers
    number: Integers
    old: Floats
    keys: Keys

    def drawn(self, secret: Secret, mixed: Flags | None = None) -> Keys:
        """The keys as Lumen knows them with these arms."""
        of, held = secret.reported[self.key], secret.held[self.key]
        real = np.where(held, self.old, self.keys.seen)
        if mixed is not None:
            real = np.bincount(self.number, mixed[self.within]).astype(np.float64)
        lookups, at_old, at_new = self.keys.lookups[of], self.keys.at_old[of], self.keys.at_new[of]
        scale = float(real.sum() / self.keys.lookups.sum() / (real[of].sum() / lookups.sum()))
        return Keys(lookups, real[of], at_old, at_new, held[of], scale=scale, below=self.keys.below)


def tabled(seen: Seen, hours: int) -> Table:
    """The look after so many hours."""
    traffic, at_ms = seen.traffic, seen.traffic.at_ms
    window = (at_ms >= CHANGED_MS + 1000 * max(OLD_TTL, seen.new_ttl)) & (at_ms < CHANGED_MS + hours * HOUR_MS)
    truth = float(seen.old[window].sum() - seen.new[window].sum()) / int(window.sum())
    within = window & traffic.reported
    key, number = np.unique(traffic.key[within], return_inverse=True)
    lookups, old, new, at_old, at_new = (
        np.bincount(number, flags[within]).astype(np.float64)
        for flags in (within, seen.old, seen.new, seen.at_old, seen.at_new)
    )
    below = int(seen.share * ALL_KEYS)
    return Table(truth, within, key, number, old, Keys(lookups, new, at_old, at_new, new > 0, below=below))


def _look(seen: Seen, hours: int, arms: Sequence[Secret]) -> Iterator[Look]:
    """The finding of a look, for each draw of the arms."""
    table = tabled(seen, hours)
    mixed: Sequence[Flags | None] = seen.mixed or [None] * len(arms)
    for secret, miss in zip(arms, mixed, strict=False):
        yield judged(hours, table.truth, table.drawn(secret, miss), evicts=seen.evicts)


def judged(hours: int, truth: float, keys: Keys, *, evicts: bool) -> Look:
    """A look at one draw of the arms; the one after 6 h is for harm alone."""
    found = _measured(keys, ALPHA_BY_LOOK[hours], evicts=evicts)
    if isinstance(found, NoData):
        return Look(hours)
    clear = -1 if found.high < 0 else int(found.low > 0 and hours > HARM_ALONE)
    if hours != COVERED_AT:
        return Look(hours, clear)
    whole = _measured(keys, COVERED, evicts=evicts)
    assert isinstance(whole, EffectByReplay)
    return Look(hours, clear, 100 * (found.effect - truth), whole.low <= truth <= whole.high)


def _measured(keys: Keys, alpha: float, *, evicts: bool) -> EffectByReplay | NoData:
    found = measured(keys, PERMILLE, alpha)
    return of_shared_memory(found) if evicts and isinstance(found, EffectByReplay) else found


def through_lumen(service: Service) -> float:
    """By how many points the whole way, from kept days to the interval, differs from the short cut that is taken here
    for many draws: at 24 h, its effect and both ends."""
    seen, dice = history(service), np.random.default_rng([service.seed, 3])
    traffic, below = seen.traffic, int(seen.share * ALL_KEYS)
    hashes = dice.integers(0, 1 << 48, int(traffic.key.max()) + 1, dtype=np.uint64)
    held = np.array([is_held(hashed, service.seed, PERMILLE) for hashed in hashes.tolist()])
    secret = Secret(held, hashes >> np.uint64(16) < below)
    miss = np.where(held[traffic.key], seen.old, seen.new)
    changed = START + timedelta(milliseconds=CHANGED_MS)
    change = HoldBack(OLD_TTL, seen.new_ttl, PERMILLE, changed, changed + timedelta(hours=72))
    end = changed + timedelta(hours=COVERED_AT)
    pieces = pieces_of(traffic, miss, hashes, held[traffic.key], below)[: (end.date() - START.date()).days + 1]
    short = measured(tabled(seen, COVERED_AT).drawn(secret), PERMILLE, COVERED)
    whole = effect_by_replay(pieces, change, end, COVERED, 0.0)
    assert isinstance(whole, EffectByReplay) and isinstance(short, EffectByReplay), (whole, short)
    ends = ((whole.effect, short.effect), (whole.low, short.low), (whole.high, short.high))
    return 100 * max(abs(one - other) for one, other in ends)


def week(service: Service) -> tuple[str, float, float, bool, float]:
    """At 7 days: the kind, the effects of the first and the last day, whether it fades, by how much the last is off."""
    traffic = service.traffic()
    longer = ttl_for(traffic, 3.0)
    old, new = served(traffic, OLD_TTL), served(traffic, longer)
    hashes = np.random.default_rng([service.seed, 3]).integers(0, 1 << 48, int(traffic.key.max()) + 1, dtype=np.uint64)
    changed = START + timedelta(milliseconds=CHANGED_MS)
    change = HoldBack(OLD_TTL, longer, PERMILLE, changed, changed + timedelta(hours=72))
    end = changed + timedelta(hours=LASTING_HOURS)
    nobody = np.zeros(len(traffic), np.bool_)
    by_day = {piece.day: piece for piece in pieces_of(traffic, new, hashes, nobody)}
    found = lasts([by_day[day] for day in change.days_to_last(end) if day in by_day], change, end)
    assert isinstance(found, Lasting), found
    last = (traffic.at_ms >= service.end_ms - 24 * HOUR_MS) & (traffic.at_ms < service.end_ms)
    truth = float(old[last].sum() - new[last].sum()) / int(last.sum())
    return service.kind, 100 * found.at_first, 100 * found.effect, found.is_fading, 100 * (found.effect - truth)


def _print_worlds(said: Sequence[Said]) -> None:
    """A line a world and volume, and one for all."""
    for a_day in sorted({one.a_day for one in said}):
        print(f"\n{a_day:,} lookups a day")
        for kind in dict.fromkeys(one.kind for one in said if one.a_day == a_day):
            _print_world(kind, [one for one in said if one.a_day == a_day and one.kind == kind])
        _print_world("all", [one for one in said if one.a_day == a_day])


def _print_world(name: str, said: Sequence[Said]) -> None:
    """False verdicts of both changes without an effect, what is found of the other at 24 h, and how well."""
    by_change = {change: [one for one in said if one.change == change] for change in (SAME, IGNORED, LONGER)}
    false = [
        f"{np.mean([one.is_clear for one in by_change[change]]):.3f} (n {len(by_change[change])})"
        for change in (SAME, IGNORED)
    ]
    at_24 = [look for one in by_change[LONGER] for look in one.looks if look.hours == COVERED_AT]
    found, wrong = (np.mean([look.clear == way for look in at_24]) for way in (1, -1))
    known = [look.off for look in at_24 if look.off is not None]
    covers = {
        change: np.mean([look.covers for one in by_change[change] for look in one.looks if look.covers is not None])
        for change in (SAME, LONGER)
        if known
    }
    told = f"bias {np.mean(known):+.3f} sd {np.std(known):.3f}" if known else "no figure"
    print(
        f"{name:11} false at any look: same TTL {false[0]}, ignored {false[1]};"
        f" +1 at 24 h: found {found:.3f}, the wrong way {wrong:.3f} (n {len(at_24)}), {told};"
        f" 95 % covers {', '.join(f'{one:.3f} ({change})' for change, one in covers.items())}",
        flush=True,
    )


def _tasks(asked: argparse.Namespace) -> Iterator[Task]:
    for a_day in asked.a_day:
        histories = max(asked.histories * 100_000 // a_day, 1)
        for kind in asked.kinds:
            if not KINDS[kind].room or a_day <= PLAYED_MOST:
                for number in range(histories):
                    yield Task(Service(kind, asked.first + number, a_day), -(-asked.draws // histories))


def _print_weeks(pool: Pool, asked: argparse.Namespace) -> None:
    kinds = [kind for kind in asked.kinds if not KINDS[kind].room]
    services = [Service(kind, asked.first + n, hours=LASTING_HOURS) for kind in kinds for n in range(asked.histories)]
    found = pool.map(week, services, chunksize=1)
    for kind in kinds:
        of = [one for one in found if one[0] == kind]
        first, last, off = (np.mean([one[place] for one in of]) for place in (1, 2, 4))
        fades = f"said to fade {np.mean([one[3] for one in of]):.2f} (n {len(of)})"
        print(f"{kind:11} first day {first:+.2f}  day 7 {last:+.2f} (off {off:+.2f})  {fades}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=300, help="of the arms, in each world and at each volume")
    parser.add_argument("--histories", type=int, default=15, help="of the traffic, in each world of 0.1 M a day")
    parser.add_argument("--a-day", type=int, nargs="+", default=[100_000, 500_000], help="lookups")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--only", choices=("looks", "week"), help="one of the two parts")
    asked = parser.parse_args(arguments)
    with get_context("spawn").Pool(2) as pool:
        if asked.only != "week":
            off = pool.map(through_lumen, [Service(kind, asked.first) for kind in asked.kinds if not KINDS[kind].room])
            print(f"the whole way, from kept days, differs by at most {max(off, default=0.0):.3f} points")
            _print_worlds([one for some in pool.imap(run, _tasks(asked)) for one in some])
            print()
        if asked.only != "looks":
            _print_weeks(pool, asked)


if __name__ == "__main__":
    main()
