"""The maturity score: nine weighted parts between published anchors (docs/scores.md, Maturity)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from lumen.exporters.deployments import HOUR, deployments, failed, hours_known, incidents, rolled_back
from lumen.exporters.score_moves import Anchors, between
from lumen.exporters.slo import LEAST_SAMPLES
from lumen.gates.unified import score_verdict
from lumen.model.assessment import ROUNDING, MaturityAssessment, Part, Score, SloAssessment
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.snapshot import HourlyHistory, Snapshot

#: Below this share of the weight the score is inconclusive.
LEAST_COVERAGE = 0.75
#: The history must know this share of its hours before silence counts as "no incident".
LEAST_HOURS_KNOWN = 0.80
FREQUENCY_OVER = timedelta(days=28)

#: Weight, and (value, score) between which is linear. Units: ratios 0-1, hours, deployments a week, ms, USD.
ANCHORS: dict[str, tuple[float, Anchors]] = {
    "change_failure_rate": (0.15, ((0.0, 100.0), (0.05, 90.0), (0.15, 70.0), (0.30, 40.0), (0.60, 0.0))),
    "recovery_hours": (0.15, ((0.0, 100.0), (1.0, 90.0), (4.0, 70.0), (24.0, 40.0), (168.0, 0.0))),
    "deployments_per_week": (0.10, ((0.0, 0.0), (0.25, 40.0), (1.0, 70.0), (7.0, 100.0))),
    "availability_budget": (0.15, ((-1.0, 0.0), (0.0, 50.0), (0.5, 80.0), (1.0, 100.0))),
    "error_rate": (0.10, ((0.0, 100.0), (0.001, 80.0), (0.01, 40.0), (0.05, 0.0))),
    "latency_p95_ms": (0.10, ((100.0, 100.0), (200.0, 80.0), (500.0, 40.0), (1000.0, 0.0))),
    "cache_hit_rate": (0.10, ((0.30, 0.0), (0.60, 40.0), (0.80, 80.0), (0.95, 100.0))),
    "cost_per_request_usd": (0.10, ((0.0005, 100.0), (0.002, 80.0), (0.005, 40.0), (0.01, 0.0))),
    "data_quality": (0.05, ((0.5, 0.0), (1.0, 100.0))),
}


def assess_maturity(snapshot: Snapshot, slo: SloAssessment) -> MaturityAssessment:
    """Missing parts give no points and the coverage says so; below 75 % of the weight there is no score."""
    parts = tuple(_part(name, read(snapshot, slo)) for name, read in _READERS.items())
    too_little = NoData(*with_remedy("assess.maturity_inconclusive"))
    score = Score.of(parts, least_coverage=LEAST_COVERAGE, too_little=too_little)
    level = None if isinstance(score.value, NoData) else level_of(score.value)
    return MaturityAssessment(score, level, score_verdict(score))


def level_of(score: float) -> int:
    """One level per 20 points begun: 0-19 is 1, 82 is 5, and so is 100."""
    return min(5, int((score + ROUNDING) // 20) + 1)


def _part(name: str, value: float | NoData) -> Part:
    weight, anchors = ANCHORS[name]
    if isinstance(value, NoData):
        return Part(name, value, value, 0.0 if value.known_absent else weight)
    return Part(name, value, between(anchors, value), weight)


def _no(code: str) -> NoData:
    return NoData(message(f"assess.{code}"), message(f"assess.{code}_remedy"))


def _known_history(snapshot: Snapshot) -> HourlyHistory | NoData:
    history = snapshot.history
    if isinstance(history, NoData):
        return history
    return history if hours_known(history) >= LEAST_HOURS_KNOWN else _no("history_too_short")


def _change_failure_rate(snapshot: Snapshot, _: SloAssessment) -> float | NoData:
    history, deployment = _known_history(snapshot), snapshot.deployment
    if isinstance(deployment, NoData):
        return deployment
    if isinstance(history, NoData):
        return history
    seen_until = history.start + len(history.requests) * HOUR
    changes = [at for at in deployments(deployment) if history.start <= at < seen_until]
    if not changes:
        return replace(_no("no_deployments"), known_absent=True)
    found, back = incidents(history), rolled_back(deployment)
    return sum(at in back or failed(at, found) for at in changes) / len(changes)


def _recovery_hours(snapshot: Snapshot, _: SloAssessment) -> float | NoData:
    history = _known_history(snapshot)
    if isinstance(history, NoData):
        return history
    found = incidents(history)
    # Every hour was watched and none was bad: there was nothing to recover from.
    return sum(incident.hours for incident in found) / len(found) if found else 0.0


def _deployments_per_week(snapshot: Snapshot, _: SloAssessment) -> float | NoData:
    if isinstance(snapshot.deployment, NoData):
        return snapshot.deployment
    since = snapshot.taken_at - FREQUENCY_OVER
    recent = sum(at >= since for at in deployments(snapshot.deployment))
    return recent / (FREQUENCY_OVER / timedelta(weeks=1))


def _availability_budget(_: Snapshot, slo: SloAssessment) -> float | NoData:
    """The share of the error budget that is left: 1 untouched, 0 spent, negative overspent.

    Of up to 30 days; before a whole day is known, of the look-back.
    """
    budget = next((b for b in slo.budgets if b.name == "availability"), None)
    if budget is not None and not isinstance(budget.remaining_of_known, NoData):
        return budget.remaining_of_known
    availability = next(o for o in slo.objectives if o.name == "availability")
    if isinstance(availability.good_ratio, NoData):
        return availability.good_ratio
    allowed = 1 - availability.target
    return 1 - (1 - availability.good_ratio) / allowed if allowed > 0 else float(availability.good_ratio == 1) * 2 - 1


def _error_rate(_: Snapshot, slo: SloAssessment) -> float | NoData:
    good = next(o for o in slo.objectives if o.name == "error_rate").good_ratio
    return good if isinstance(good, NoData) else 1 - good


def _latency_p95_ms(snapshot: Snapshot, slo: SloAssessment) -> float | NoData:
    good = next(o for o in slo.objectives if o.name == "latency_p95").good_ratio
    if isinstance(good, NoData):
        return good
    traffic = snapshot.traffic
    if isinstance(traffic, NoData) or isinstance(traffic.latency, NoData):
        raise AssertionError("a judged objective has its data")
    return traffic.latency.percentile_ms(0.95)


def _cache_hit_rate(_: Snapshot, slo: SloAssessment) -> float | NoData:
    return next(o for o in slo.objectives if o.name == "cache_hit_rate").good_ratio


def _cost_per_request_usd(snapshot: Snapshot, _: SloAssessment) -> float | NoData:
    """USD over the last 24 hours, where both are known."""
    history = snapshot.history
    if isinstance(history, NoData):
        return history
    pairs = zip(history.cost_usd[-24:], history.requests[-24:], strict=False)
    known = [(cost, requests) for cost, requests in pairs if cost is not None and requests is not None]
    requests = sum(count for _, count in known)
    if requests < LEAST_SAMPLES:
        return _no("history_too_short")
    return sum(cost for cost, _ in known) / requests


def _data_quality(snapshot: Snapshot, _: SloAssessment) -> float | NoData:
    """The share (0-1) of the measurements that came."""
    wanted = (
        snapshot.traffic, snapshot.cache, snapshot.ttl, snapshot.deployment, snapshot.spend, snapshot.history,
    )  # fmt: skip
    return sum(not isinstance(part, NoData) for part in wanted) / len(wanted)


_READERS: dict[str, Callable[[Snapshot, SloAssessment], float | NoData]] = {
    "change_failure_rate": _change_failure_rate,
    "recovery_hours": _recovery_hours,
    "deployments_per_week": _deployments_per_week,
    "availability_budget": _availability_budget,
    "error_rate": _error_rate,
    "latency_p95_ms": _latency_p95_ms,
    "cache_hit_rate": _cache_hit_rate,
    "cost_per_request_usd": _cost_per_request_usd,
    "data_quality": _data_quality,
}
