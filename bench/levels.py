"""Precision, recall and time to detect of the latency and hit-rate alerts.

`python -m bench.levels --seeds 12 --days 60`; needs the extra `numerics`. Its world stands in `bench/level_world.py`.
`--first` names the first seed.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from bench.alert_world import SLICE_MINUTES, WorldIncident
from bench.level_world import level_world
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.backtest.score import KindScore, Label, score
from lumen.model.alert import Alert, AlertKind, Observation

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: Name, mean rate of requests a second, share of points missing.
WORLDS = (
    ("traffic as in alert_world", None, 0.0),
    ("10 % of points missing", None, 0.1),
    ("1 request/s", 1.0, 0.0),
    ("0.3 requests/s", 0.3, 0.0),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One run. `per_second`: the mean rate of requests, None as in alert_world; `missing`: the share of lost points."""

    seed: int
    days: int
    per_second: float | None
    missing: float = 0.0


def run(case: Case) -> tuple[KindScore, KindScore]:
    """(latency, cache) of one run through the whole watch."""
    days = case.days
    world = level_world(case.seed, days, case.per_second)
    lost = np.random.default_rng([case.seed, 78]).random(len(world.requests)) < case.missing
    watch = ServiceWatch("bench", AlertTargets(budget_usd=0.0))
    alerts: dict[str, Alert] = {}
    points = zip(
        world.requests.tolist(), world.hits.tolist(), world.p95_ms.tolist(), world.p99_ms.tolist(), strict=True
    )
    for index, (requests, hits, p95, p99) in enumerate(points):
        start = ORIGIN + index * SLICE_MINUTES * MINUTE
        if lost[index]:
            continue
        seen = Observation(start, requests, 0, 0, None, p95, p99, hits, requests - hits)
        alerts |= {event.alert.id: event.alert for event in watch.feed(seen)}
    labels = [_label(one, AlertKind.LATENCY) for one in world.latency_incidents]
    labels += [_label(one, AlertKind.CACHE) for one in world.cache_incidents]
    found = score(tuple(alerts.values()), labels, ORIGIN + timedelta(days=days)).by_kind
    return found[AlertKind.LATENCY], found[AlertKind.CACHE]


def _label(one: WorldIncident, kind: AlertKind) -> Label:
    return Label("bench", ORIGIN + one.start_minute * MINUTE, ORIGIN + one.end_minute * MINUTE, kind)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=int, default=60)
    asked = parser.parse_args()
    for name, traffic, missing in WORLDS:
        cases = [Case(asked.first + seed, asked.days, traffic, missing) for seed in range(asked.seeds)]
        with get_context("spawn").Pool(2) as pool:
            found = pool.map(run, cases)
        sys.stdout.write(f"{name}\n")
        _print("latency", [one for one, _ in found])
        _print("hit rate", [one for _, one in found])


def _print(name: str, scores: list[KindScore]) -> None:
    alerts, true = sum(s.alerts for s in scores), sum(s.true_alerts for s in scores)
    incidents, detected = sum(s.incidents for s in scores), sum(s.detected for s in scores)
    worst = sorted(s.ttd_p90_minutes or 0.0 for s in scores)
    sys.stdout.write(
        f"{name:8} alerts {alerts}  precision {true / alerts:.3f}  incidents {incidents}  "
        f"recall {detected / incidents:.3f}  ttd p90, median over seeds {worst[len(worst) // 2]:.0f} min\n"
    )


if __name__ == "__main__":
    main()
