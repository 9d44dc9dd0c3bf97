"""The feedback graph of services at the level of accesses: every change is measured by the arm that it spared.

A world is one service (its keys and how unequal they are, by seed) whose TTL was changed from 300 s to other ones on
days that are not alike, some with a crawler, a hot set, other people or a release after the change. What a change did
is counted on the traffic that came, with the old TTL and with the new one; the truth is the mean of these slopes.
`python -m bench.graph --accesses`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import log

import numpy as np

from bench.access_world import World, when, zipf
from bench.effect_world import (
    CHANGED_MS,
    HOUR_MS,
    KINDS,
    OLD_TTL,
    STRAY,
    Place,
    Traffic,
    replayed,
    served,
)
from bench.effects import PERMILLE, Seen, Table, drawn_arms, tabled
from bench.graph_world import NOTHING, SERVICE, START
from lumen.effects.arms import measured
from lumen.effects.hold_back import ALPHA_BY_LOOK
from lumen.effects.verdict import HIT_RATE_POINTS
from lumen.model.hold_back import EffectByReplay
from lumen.model.proposal import (
    Change,
    Draft,
    Knob,
    Measured,
    MeasuredEffect,
    Origin,
    Priority,
    Proposal,
    State,
    Verdict,
)

#: Of each service; what a history is drawn from, and how many changes it has.
DAYS, CHANGES = 10, 5
TTLS = (180, 240, 360, 420, 480, 600)
HAPPENS = ("steady", "steady", "crawler", "hot set", "mix", "weekend", "deployment", "flush")
LOOK, A_DAY = 24, 50_000


@dataclass(frozen=True, slots=True)
class Day:
    """One change: to which TTL, its look, and the true slope."""

    new_ttl: int
    table: Table
    seen: Seen
    slope: float


def day(seed: int, number: int, *, without: bool = False) -> Day:
    """The nth change of a service. `without`: the service ignores it."""
    dice = np.random.default_rng([seed, 7, number])
    new_ttl = int(dice.choice(TTLS))
    traffic = _traffic(seed, str(dice.choice(HAPPENS)), number)
    old, at_old, at_new = served(traffic, OLD_TTL), replayed(traffic, OLD_TTL), replayed(traffic, new_ttl)
    new = old if without else served(traffic, new_ttl)
    seen = Seen(traffic, 1.0, old, new, at_old, at_new, new_ttl)
    table = tabled(seen, LOOK)
    return Day(new_ttl, table, seen, table.truth / log(new_ttl / OLD_TTL))


def _traffic(seed: int, kind: str, number: int) -> Traffic:
    """Of the same service on another day: its keys keep their popularity."""
    service, dice = np.random.default_rng([seed, 6]), np.random.default_rng([seed, 9, number])
    keys, exponent, swing = int(A_DAY * service.uniform(0.05, 0.4)), service.uniform(0.7, 1.1), service.uniform(0.4, 1)
    end_ms, of_kind = CHANGED_MS + LOOK * HOUR_MS, KINDS[kind]
    place = Place(keys, exponent, CHANGED_MS + int(dice.uniform(1, 20) * HOUR_MS), end_ms)
    at = when(World(kind, seed, int(A_DAY * dice.uniform(0.67, 1)), 2), dice, swing) * 1000
    at, key = of_kind.adds(dice, place, at, zipf(dice, len(at), keys, exponent))
    order = np.lexsort((at, key))
    order = order[at[order] < end_ms]
    at_ms, key = at[order].astype(np.int64), key[order]
    flushed = at_ms // int(of_kind.flush_hours * HOUR_MS) if of_kind.flush_hours else np.zeros(len(key), np.int64)
    return Traffic(key, at_ms, dice.random(len(key)) < STRAY, flushed, np.ones(len(key), np.bool_))


def drawn(days: Sequence[Day], seed: int, draw: int) -> list[Proposal]:
    """A history: some of the changes, each with its arms drawn."""
    dice = np.random.default_rng([seed, 8, draw])
    chosen = dice.choice(len(days), CHANGES, replace=False)
    found = [_measured(days[nth], seed * 1000 + draw, number) for number, nth in enumerate(chosen)]
    return [one for one in found if one is not None]


def _measured(one: Day, draw: int, number: int) -> Proposal | None:
    keys = one.table.drawn(drawn_arms(one.seen, draw, number))
    effect = measured(keys, PERMILLE, ALPHA_BY_LOOK[LOOK])
    if not isinstance(effect, EffectByReplay):
        return None
    at, change = START + timedelta(days=4 * number), Change(Knob.TTL, OLD_TTL, one.new_ttl, "s")
    told = (MeasuredEffect(HIT_RATE_POINTS, effect.effect, effect.low, effect.high),)
    draft = Draft(SERVICE, change, "1", Origin.POLICY, None, (), NOTHING, Priority.MEDIUM, None, f"r{number}")
    kept = Measured(LOOK, at + timedelta(hours=LOOK), Verdict.KEPT, NOTHING.reason, told, controlled=True)
    done = Proposal(f"P{number}", draft, State.KEPT, at, at, None, None, None, at, 1)
    return replace(done, measured=kept)
