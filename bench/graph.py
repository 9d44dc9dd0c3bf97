"""The feedback graph: how often its intervals hold the truth, and how often it draws what is not there.

`python -m bench.graph --draws 200`. The worlds: bench/graph_world.py. Beside the graph's way: all changes counted alike
whatever their size, the mean by precision alone, and the usual random-effects interval (DerSimonian and Laird).
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import log, sqrt
from multiprocessing import get_context
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import graph_accesses
from bench.graph_world import NOTHING, START, TODAY, WORLDS, World, lived, week
from lumen.effects.graph import Evidence, feedback, level_of, slope_of
from lumen.effects.pooled import Slope, pooled
from lumen.model.feedback import HIT_RATE, By, Edge
from lumen.model.forecast import Z_90
from lumen.model.proposal import Change, Knob, Proposal

ASKED = Change(Knob.TTL, 300, 420, "s")
UNITS = log(420 / 300)
LEVEL = level_of(week(), TODAY, 0.01)


@dataclass(frozen=True, slots=True)
class Counts:
    """Over the draws of a world, shares: the interval holds the truth; that of the next change holds its effect;
    without any effect an edge says that there is one; with it, an edge says so."""

    holds: float
    next_holds: float
    false: float
    found: float


def edge_of(proposals: Sequence[Proposal], asked: Change = ASKED) -> Edge | None:
    """From the TTL to the hit rate, as the product draws it for such a change."""
    found = feedback(Evidence(proposals, NOTHING, LEVEL), {Knob.TTL: asked})
    return next((one for one in found.edges if (one.by, one.target) == (By.VERDICTS, HIT_RATE)), None)


def count(world: World, draws: int, first: int = 0) -> Counts:
    """Draw the world, and again without any effect."""
    holds, next_holds, false, found = [], [], [], []
    without = replace(world, slope=0.0)
    for draw in range(first, first + draws):
        one = lived(world, draw)
        asked, units = one.proposals[-1].draft.change, _units(one.proposals[-1])
        edge, empty = edge_of(one.proposals, asked), edge_of(lived(without, draw).proposals, asked)
        assert edge is not None and empty is not None
        assert edge.next_low is not None and edge.next_high is not None
        holds.append(edge.low <= world.slope * units <= edge.high)
        next_holds.append(edge.next_low <= one.next_slope * units <= edge.next_high)
        false.append(empty.is_clear)
        found.append(edge.is_clear)
    return Counts(*map(_share, (holds, next_holds, false, found)))


def by_precision(slopes: Sequence[Slope]) -> tuple[float, float]:
    """Middle and half, as if every change had the same effect."""
    weights = [1 / one.error**2 for one in slopes]
    mean = sum(weight * one.value for weight, one in zip(weights, slopes, strict=True)) / sum(weights)
    return mean, Z_90 / sqrt(sum(weights))


def usual(slopes: Sequence[Slope]) -> tuple[float, float]:
    """Middle and half, after DerSimonian and Laird (1986)."""
    weights = [1 / one.error**2 for one in slopes]
    mean, _ = by_precision(slopes)
    excess = sum(weight * (one.value - mean) ** 2 for weight, one in zip(weights, slopes, strict=True))
    scale = sum(weights) - sum(weight**2 for weight in weights) / sum(weights)
    between = max(0.0, (excess - len(slopes) + 1) / scale)
    return by_precision([Slope(one.value, sqrt(one.error**2 + between)) for one in slopes])


def others(world: World, draws: int) -> dict[str, float]:
    """The share of draws in which the truth lies in the intervals of other ways."""
    ways: dict[str, Callable[[Sequence[Slope]], tuple[float, float]]] = {
        "by precision": by_precision,
        "DerSimonian-Laird": usual,
    }
    found: dict[str, list[bool]] = {name: [] for name in (*ways, "sizes alike")}
    for draw in range(draws):
        proposals = lived(world, draw).proposals
        slopes = [one for each in proposals if (one := slope_of(each, HIT_RATE, None)) is not None]
        for name, way in ways.items():
            mean, half = way(slopes)
            found[name].append(abs(mean - world.slope) <= half)
        alike = pooled(
            [Slope(one.value * _units(each), one.error) for one, each in zip(slopes, proposals, strict=True)]
        )
        assert alike is not None
        found["sizes alike"].append(alike.low <= world.slope * UNITS <= alike.high)
    return {name: _share(holds) for name, holds in found.items()}


def _units(proposal: Proposal) -> float:
    change = proposal.draft.change
    assert isinstance(change.new, int) and isinstance(change.old, int)
    return log(change.new / change.old)


def refusals() -> dict[str, bool]:
    """Edges that must be drawn, or not, of a history that is long enough or too short."""
    world = replace(WORLDS[0], changes=4)
    proposals = lived(world, 0).proposals
    hasty = lived(replace(world, every_days=1.5), 0).proposals[:3]
    took = max(one.measured.at for one in hasty if one.measured) - START
    found = {f"{count} measured changes": edge_of(proposals[:count]) is not None for count in range(5)}
    found[f"3 measured changes within {took / timedelta(days=1):.0f} days"] = edge_of(hasty) is not None
    for days in (6, 7):
        identities = feedback(Evidence((), NOTHING, level_of(week(days=days), TODAY, 0.01)), {}).edges
        found[f"{days} whole days of lookups: calls and cost"] = bool(identities)
    return found


def count_accesses(task: tuple[int, int]) -> tuple[float, Counts]:
    """The true slope of a service, by its seed, and the same counts over so many histories of it."""
    seed, draws = task
    days = [graph_accesses.day(seed, nth) for nth in range(graph_accesses.DAYS)]
    ignored = [graph_accesses.day(seed, nth, without=True) for nth in range(graph_accesses.DAYS)]
    truth = UNITS * sum(one.slope for one in days) / len(days)
    edges = [edge_of(graph_accesses.drawn(days, seed, draw)) for draw in range(draws)]
    empty = [edge_of(graph_accesses.drawn(ignored, seed, draw)) for draw in range(draws)]
    holds = [edge.low <= truth <= edge.high for edge in edges if edge is not None]
    found = [edge.is_clear for edge in edges if edge is not None]
    false = [edge.is_clear for edge in empty if edge is not None]
    return truth, Counts(_share(holds), math.nan, _share(false), _share(found))


def _print_accesses(draws: int, first: int) -> None:
    seeds = range(7401 + first, 7421 + first)
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(count_accesses, [(seed, draws) for seed in seeds], chunksize=1)
    for seed, (truth, one) in zip(seeds, found, strict=True):
        shares = f"holds {one.holds:.2f}, without effect false {one.false:.2f}, found {one.found:.2f}"
        sys.stdout.write(f"service {seed}: +120 s moves the hit rate by {100 * truth:+.2f} points; {shares}\n")
    holds, false = (sum(getattr(one, name) for _, one in found) / len(found) for name in ("holds", "false"))
    sys.stdout.write(f"all: holds {holds:.3f}, false {false:.3f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accesses", action="store_true", help="services at the level of accesses instead")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the first draw")
    asked = parser.parse_args()
    if asked.accesses:
        _print_accesses(asked.draws, asked.first)
        return
    sys.stdout.write(f"{'world':32} changes  holds  next  without effect: false  found   others hold\n")
    found = []
    for world in WORLDS:
        one = count(world, asked.draws, asked.first)
        found.append(one)
        beside = "  ".join(f"{name} {share:.2f}" for name, share in others(world, asked.draws).items())
        sys.stdout.write(
            f"{world.name:32} {world.changes:7}  {one.holds:.3f}  {one.next_holds:.3f}  {one.false:.3f}"
            f"                   {one.found:.3f}   {beside}\n"
        )
        sys.stdout.flush()
    names = ("holds", "next_holds", "false", "found")
    means = {name: sum(getattr(one, name) for one in found) / len(found) for name in names}
    worst = f"holds {min(one.holds for one in found):.3f} to {max(one.holds for one in found):.3f}, "
    worst += f"false at most {max(one.false for one in found):.3f}"
    sys.stdout.write("all: " + ", ".join(f"{name} {share:.3f}" for name, share in means.items()) + f"; {worst}\n")
    for said, is_drawn in refusals().items():
        sys.stdout.write(f"{said}: {'drawn' if is_drawn else 'not drawn'}\n")


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
