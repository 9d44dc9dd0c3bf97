"""Precision, recall and time to detect of the availability alerts on invented months with known incidents.

`python -m bench.alerts --seeds 30 --days 90` prints the figures of docs/backtest.md. Needs the extra `numerics`.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.alert_world import COUNTED, EVERY_SIZE, SLICE_MINUTES, SMALL, Smallest, WorldIncident, request_world
from lumen.alerts.burn_rate import AvailabilityAlert
from lumen.model.alert import AlertChange, Severity
from lumen.model.witnesses import exactly

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
#: An alert that opens this soon after the end of an incident is still about it.
GRACE_MINUTES = 15.0
#: Requests a second of the thin worlds.
THIN = 0.2


@dataclass(frozen=True, slots=True)
class Case:
    """One run: everything that the world and the delay depend on."""

    seed: int
    days: int
    target: float
    calm: bool = False
    missing: float = 0.0
    delay_minutes: float = 0.0
    smallest: Smallest = COUNTED
    per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one run. Times in minutes."""

    alerts: int
    true_alerts: int
    incidents: int
    detected: int
    extra_messages: int
    pages: int
    times_to_detect: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Told:
    opened: float
    closed: float
    page: bool


def run(case: Case) -> Outcome:
    """Feed the world to the alert, then match alerts and incidents that overlap."""
    world = request_world(
        case.seed,
        case.days,
        case.target,
        calm=case.calm,
        missing=case.missing,
        smallest=case.smallest,
        per_second=case.per_second,
    )
    alert = AvailabilityAlert("bench", case.target)
    told: list[Told] = []
    points = zip(world.requests.tolist(), world.errors.tolist(), world.known.tolist(), strict=True)
    for index, (requests, errors, known) in enumerate(points):
        at = ORIGIN + timedelta(minutes=(index + 1) * SLICE_MINUTES + case.delay_minutes)
        event = alert.step(at, exactly(requests, errors) if known else None)
        if event is not None and event.change is AlertChange.CLOSED and event.alert.closed_at is not None:
            told.append(_told(event.alert.opened_at, event.alert.closed_at, event.alert.severity))
    still = alert.lifecycle.open
    if still is not None:
        told.append(_told(still.opened_at, ORIGIN + timedelta(days=case.days + 1), still.severity))
    return _scored(told, world.incidents)


def _told(opened: datetime, closed: datetime, severity: Severity) -> Told:
    minutes = timedelta(minutes=1)
    return Told((opened - ORIGIN) / minutes, (closed - ORIGIN) / minutes, severity is Severity.PAGE)


def _about(told: Told, incident: WorldIncident) -> bool:
    return told.opened <= incident.end_minute + GRACE_MINUTES and told.closed > incident.start_minute


def _scored(told: list[Told], incidents: tuple[WorldIncident, ...]) -> Outcome:
    detected, extra, times = 0, 0, []
    for incident in incidents:
        about = [one for one in told if _about(one, incident)]
        detected += bool(about)
        extra += max(0, len(about) - 1)
        if about and incident.burn >= 14.4:
            times.append(max(0.0, about[0].opened - incident.start_minute))
    true_alerts = sum(any(_about(one, incident) for incident in incidents) for one in told)
    pages = sum(one.page for one in told)
    return Outcome(len(told), true_alerts, len(incidents), detected, extra, pages, tuple(times))


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; NaN-free: 0 when there is nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def report(name: str, cases: list[Case]) -> str:
    """One line of figures over all seeds."""
    with get_context("spawn").Pool(2) as pool:
        outcomes = pool.map(run, cases)
    alerts, true_alerts = sum(o.alerts for o in outcomes), sum(o.true_alerts for o in outcomes)
    incidents, detected = sum(o.incidents for o in outcomes), sum(o.detected for o in outcomes)
    times = [t for o in outcomes for t in o.times_to_detect]
    months = sum(case.days for case in cases) / 30
    return (
        f"{name:34} alerts {alerts:5}  precision {_ratio(true_alerts, alerts)}  incidents {incidents:5}  "
        f"recall {_ratio(detected, incidents)}  ttd p50/p90 at burn>=14.4 {percentile(times, 0.5):5.1f}/"
        f"{percentile(times, 0.9):5.1f} min  second messages {sum(o.extra_messages for o in outcomes):3}  "
        f"pages without incident per service and month {_false_pages(outcomes, months)}"
    )


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "  -  "


def _false_pages(outcomes: list[Outcome], months: float) -> str:
    calm = [o for o in outcomes if o.incidents == 0]
    return f"{sum(o.pages for o in calm) / months:.3f}" if calm else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--only", default="", help="the rows whose name has this in it")
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    for target in (0.999, 0.995):
        for name, changes in (
            ("incidents", {}),
            ("10 % missing, 3 min late", {"missing": 0.1, "delay_minutes": 3.0}),
            ("from 0.5 % and 5 failures on", {"smallest": SMALL}),
            ("incidents of every size", {"smallest": EVERY_SIZE}),
            ("calm", {"calm": True}),
            ("thin, incidents", {"per_second": THIN}),
            ("thin, bursts alone", {"per_second": THIN, "calm": True}),
        ):
            if asked.only not in name:
                continue
            cases = [Case(seed, asked.days, target, **changes) for seed in seeds]
            sys.stdout.write(report(f"{target:.1%} {name}", cases) + "\n")


if __name__ == "__main__":
    main()
