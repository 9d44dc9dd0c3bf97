"""Invented traffic at the level of accesses, by kind and seed; and traces read from files."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Dice = np.random.Generator

DAY_S = 86_400.0
#: Every world begins on a Monday; weekends are days 5, 6, 12, 13.
WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True)
class Trace:
    """Accesses in order of time: seconds, the number of the key, bytes of its answer."""

    name: str
    at_s: Floats
    key: Integers
    size: Integers

    def __len__(self) -> int:
        return len(self.at_s)

    def between(self, start_s: float, end_s: float) -> "Trace":
        """The part of it, with times from its own start on."""
        first, last = np.searchsorted(self.at_s, [start_s, end_s])
        return replace(self, at_s=self.at_s[first:last] - start_s, key=self.key[first:last], size=self.size[first:last])


@dataclass(frozen=True, slots=True)
class World:
    """A service: how many accesses a day, over how many keys, how unequal (Zipf's exponent), how long, which seed."""

    kind: str
    seed: int
    a_day: int = 100_000
    days: int = 1

    def trace(self) -> Trace:
        """What came, the same for the same world."""
        dice = np.random.default_rng([self.seed, *self.kind.encode()])
        at, key = KINDS[self.kind](self, dice)
        inside = (at >= 0) & (at < self.days * DAY_S)
        inside[inside] &= unlike(at[inside], self.days, dice)
        order = np.argsort(at[inside], kind="stable")
        at, key = at[inside][order], key[inside][order]
        size_of = np.random.default_rng(self.seed).lognormal(7.5, 1.2, 1 << 16).astype(np.int64) + 1
        return Trace(f"{self.kind}-{self.seed}", at, key, size_of[key * 40503 % len(size_of)])


def when(world: World, dice: Dice, swing: float, weekend: float = 1.0) -> Floats:
    """Times of accesses under a daily wave of that amplitude (in log), with another level at weekends."""
    hours = np.arange(world.days * 24 + 1)
    rate = np.exp(swing * np.cos(2 * np.pi * (hours - 15) / 24) + dice.normal(0, 0.05, len(hours)))
    rate *= np.where(np.isin(hours // 24 % 7, WEEKEND), weekend, 1.0)
    total = np.concatenate([[0], np.cumsum(rate[:-1])])
    level = rate[:-1].sum() if weekend == 1.0 else world.days * 24 * float(np.mean(rate[:24]))
    count = dice.poisson(world.a_day * world.days * rate[:-1].sum() / level)
    return np.sort(np.interp(dice.random(count) * total[-1], total, hours * 3600.0))


def unlike(at: Floats, days: int, dice: Dice) -> NDArray[np.bool_]:
    """Which accesses come on days of which none is like the other: each is up to a third less busy than it could be."""
    if days == 1:
        return np.ones(len(at), np.bool_)
    kept: NDArray[np.bool_] = dice.random(len(at)) < dice.uniform(0.67, 1, days)[(at // DAY_S).astype(np.int64)]
    return kept


def zipf(dice: Dice, count: int, keys: int, exponent: float) -> Integers:
    """Numbers of keys from 0, the smaller the more popular."""
    weight = np.cumsum(np.arange(1, keys + 1) ** -exponent)
    ranks: Integers = np.searchsorted(weight, dice.random(count) * weight[-1]).astype(np.int64)
    return ranks


def shape(world: World, dice: Dice) -> tuple[int, float]:
    """How many keys there are, and how unequal they are."""
    return int(world.a_day * dice.uniform(0.05, 0.4)), dice.uniform(0.7, 1.1)


def steady(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """The same all day."""
    at = when(world, dice, 0)
    return at, zipf(dice, len(at), *shape(world, dice))


def diurnal(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Days and nights."""
    at = when(world, dice, dice.uniform(0.6, 1.3))
    return at, zipf(dice, len(at), *shape(world, dice))


def weekend(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Less at weekends, and other things are asked for."""
    at = when(world, dice, 0.8, dice.uniform(0.3, 0.6))
    keys, exponent = shape(world, dice)
    key, free = zipf(dice, len(at), keys, exponent), np.isin(at // DAY_S % 7, WEEKEND)
    return at, np.where(free, zipf(dice, len(at), keys, exponent - 0.15) + keys // 2, key)


def deployment(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """A release that renames every key, every third day or so."""
    at = when(world, dice, 0.8)
    keys, exponent = shape(world, dice)
    releases = np.sort(dice.uniform(0, world.days * DAY_S, 1 + world.days // 3))
    return at, zipf(dice, len(at), keys, exponent) + keys * np.searchsorted(releases, at)


def crawler(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Twelve in a hundred more, each of a key that nobody else asks for, for some hours of each day."""
    at = when(world, dice, 0.8)
    keys, exponent = shape(world, dice)
    key = zipf(dice, len(at), keys, exponent)
    begins = dice.uniform(0, 14) * 3600
    robot = (at % DAY_S > begins) & (at % DAY_S < begins + 6 * 3600)
    more = at[robot][dice.random(robot.sum()) < 0.4] + 0.5
    return np.append(at, more), np.append(key, keys + np.arange(len(more)))


def mix(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Two populations, of which one takes over within twelve hours and gives way again."""
    at = when(world, dice, 0.5)
    keys, exponent = shape(world, dice)
    share = 0.5 + 0.4 * np.sin(2 * np.pi * (at / DAY_S + dice.random()))
    other = dice.random(len(at)) < share
    few, many = zipf(dice, len(at), max(keys // 20, 10), exponent), zipf(dice, len(at), keys, 0.6)
    return at, np.where(other, many + keys, few)


def drift(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """What is popular moves on all the time."""
    at = when(world, dice, 0.6)
    keys, exponent = shape(world, dice)
    rank, moved = zipf(dice, len(at), keys, exponent), at / DAY_S * keys * dice.uniform(0.05, 0.3)
    return at, (rank + moved).astype(np.int64)


def churn(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Keys that are born, are asked for some minutes or hours, and never again."""
    born = np.sort(dice.uniform(-DAY_S / 4, world.days * DAY_S, int(world.a_day * world.days / 10)))
    times = dice.geometric(1 / 10, len(born))
    lasts = dice.lognormal(np.log(1800), 1, len(born))
    key = np.repeat(np.arange(len(born)), times)
    return born[key] + dice.exponential(lasts[key]), key


def sessions(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """People who come, ask for a few things again and again within minutes, and come back later in the day."""
    people = max(int(world.a_day / 80), 20)
    visits = int(world.a_day * world.days / 10)
    begins = when(replace(world, a_day=max(visits // world.days, 1)), dice, 0.9)
    who = zipf(dice, len(begins), people, 0.6)
    times = dice.geometric(1 / 10, len(begins))
    visit = np.repeat(np.arange(len(begins)), times)
    at = begins[visit] + dice.exponential(240, len(visit))
    return at, who[visit] * 5 + dice.integers(0, 5, len(visit))


def polling(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Machines that ask at fixed periods of 20 s to an hour, some of them in step with one another."""
    periods = dice.choice([20, 30, 60, 120, 240, 300, 310, 600, 900, 3600], 4000) * dice.uniform(0.98, 1.02, 4000)
    many = np.searchsorted(np.cumsum(DAY_S / periods), world.a_day) + 1
    periods = periods[:many]
    counts = (world.days * DAY_S / periods).astype(np.int64)
    who = np.repeat(np.arange(many), counts)
    turn = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    phase = dice.random(many) * periods
    at = phase[who] + turn * periods[who] + dice.normal(0, 1, len(who))
    return at, who // dice.integers(1, 4)


def flash(world: World, dice: Dice) -> tuple[Floats, Integers]:
    """Now and then a handful of new keys that everybody wants for an hour."""
    at = when(world, dice, 0.6)
    keys, exponent = shape(world, dice)
    key = zipf(dice, len(at), keys, exponent)
    for number, begins in enumerate(dice.uniform(0, world.days * DAY_S, 2 * world.days)):
        hot = (at > begins) & (at < begins + 3600) & (dice.random(len(at)) < 0.5)
        key[hot] = keys + 10 * number + dice.integers(0, 10, hot.sum())
    return at, key


KINDS: Mapping[str, Callable[[World, Dice], tuple[Floats, Integers]]] = {
    one.__name__: one
    for one in (steady, diurnal, weekend, deployment, crawler, mix, drift, churn, sessions, polling, flash)
}


def read(name: str) -> Trace:
    """A trace from a file: `FILE[:COLUMN[:STRETCH]]`; time is multiplied by STRETCH.

    Knows comma- and tab-separated tables with a header (a column of time, one of the key, one of bytes or size) and
    JSON lines with `timestamp` in ms and `hash_ids`.
    """
    path, column, stretch = (*name.split(":"), "", "")[:3]
    reader = _json_lines if path.endswith(".jsonl") else _table
    rows = [(at, key, size) for at, key, size in reader(Path(path), column) if at is not None]
    at_s = np.array([at for at, _, _ in rows])
    numbers: dict[str, int] = {}
    key = np.array([numbers.setdefault(key, len(numbers)) for _, key, _ in rows])
    order = np.argsort(at_s, kind="stable")
    at_s = (at_s - at_s.min()) * float(stretch or 1)
    size = np.array([size for _, _, size in rows])
    return Trace(f"{Path(path).stem}{column and ':' + column}", at_s[order], key[order], size[order])


def _table(path: Path, column: str) -> Iterator[tuple[float, str, int]]:
    with path.open(encoding="latin-1", newline="") as lines:
        head = next(lines)
        table = csv.reader(lines, delimiter="\t" if "\t" in head else ",", quoting=csv.QUOTE_NONE)
        names = head.strip().split("\t" if "\t" in head else ",")
        time = next(place for place, name in enumerate(names) if name in ("time_s", "time", "timestamp"))
        key = names.index(column) if column else next(n for n, one in enumerate(names) if one in ("key", "url", "lbn"))
        size = next((place for place, name in enumerate(names) if name in ("bytes", "size")), None)
        for row in table:
            if len(row) > max(time, key):
                told = row[size] if size is not None and len(row) > size else ""
                yield float(row[time]), row[key], int(told) if told.isdigit() else 0


def _json_lines(path: Path, _column: str) -> Iterator[tuple[float, str, int]]:
    with path.open() as lines:
        for line in islice(lines, None):
            row = json.loads(line)
            for block in row["hash_ids"]:
                yield row["timestamp"] / 1000, str(block), 512
