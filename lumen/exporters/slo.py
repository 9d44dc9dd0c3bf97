"""Service level objectives: good events over valid events, each against its target (docs/scores.md, SLO)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from lumen.gates.unified import slo_verdict
from lumen.model.assessment import Objective, Part, Score, SloAssessment
from lumen.model.history import LEAST_SLICES_SHARE, SLICES_A_DAY, Day, is_good_slice
from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.snapshot import SLICE, CacheStats, LatencyDistribution, Snapshot, Traffic
from lumen.model.witnesses import Bounds, witnesses_differ

#: Fewer events than this carry no verdict (docs/methods.md, Alerts).
LEAST_SAMPLES = 20
#: What is certain and what is possible give the same score when they are this near.
SAME_SCORE = 2.0


@dataclass(frozen=True, slots=True)
class SloTargets:
    """Targets are shares of good events (0-1); thresholds of latency in ms."""

    availability: float = 0.995
    availability_alert: float = 0.99
    p95_share: float = 0.95
    p95_ms: float = 200.0
    p99_share: float = 0.99
    p99_ms: float = 500.0
    p99_alert_ms: float = 1000.0
    error_rate: float = 0.001
    error_rate_alert: float = 0.01
    hit_rate: float = 0.80
    hit_rate_alert: float = 0.70


#: `SLO_PRESET`: the guide's looser targets (latency 90 %, errors 2 %, cache 70 %), with no alert before a miss.
PRESETS = {
    "default": SloTargets(),
    "guide": SloTargets(p95_share=0.90, error_rate=0.02, error_rate_alert=0.02, hit_rate=0.70),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """The comparisons of one objective. `alert` gets the good share; latency asks its percentile instead."""

    name: str
    target: float
    met: Callable[[float], bool]
    alert: Callable[[float], bool]


def assess_slo(snapshot: Snapshot, targets: SloTargets = PRESETS["default"], days: Sequence[Day] = ()) -> SloAssessment:
    """Five objectives and compliance as the mean of those that have data; `days` tell how many slices usually have."""
    objectives: tuple[Objective, ...] = (
        _availability(snapshot.traffic, targets),
        _latency(snapshot.traffic, "latency_p95", targets.p95_share, targets.p95_ms, None),
        _latency(snapshot.traffic, "latency_p99", targets.p99_share, targets.p99_ms, targets.p99_alert_ms),
        _error_rate(snapshot.traffic, targets),
        _hit_rate(snapshot.cache, targets),
    )
    gaps = _gaps(snapshot, days)
    if gaps is not None:
        objectives = tuple(one if one.name == "cache_hit_rate" else _without(one, gaps) for one in objectives)
    parts = (Part(o.name, _measured(o), o.score, 1 / len(objectives)) for o in objectives)
    is_asleep = isinstance(snapshot.traffic, Traffic) and not snapshot.traffic.requests
    nothing = NoData(*with_remedy("assess.nothing_asked" if is_asleep else "assess.slo_nothing"))
    compliance = Score.of(parts, least_coverage=0.0, too_little=nothing)
    return SloAssessment(objectives, compliance, slo_verdict(objectives))


def _gaps(snapshot: Snapshot, days: Sequence[Day]) -> NoData | None:
    """Why a window says nothing of which many slices are missing that usually are there."""
    traffic, wanted = snapshot.traffic, snapshot.window.slices
    whole = [day.known_slices / day.slices for day in days if day.slices == SLICES_A_DAY]
    if isinstance(traffic, NoData) or not whole:
        return None
    seen = len(traffic.slices)
    if seen >= LEAST_SLICES_SHARE * wanted * median(whole):
        return None
    minutes = round(SLICE / timedelta(minutes=1))
    return NoData(
        message("policy.held_gaps", slices=seen, wanted=wanted, minutes=minutes),
        message("assess.witnesses_differ_remedy"),
    )


def _without(objective: Objective, gaps: NoData) -> Objective:
    """No verdict, but what is certain all the same: an alert."""
    return replace(_unknown(objective.name, objective.target, objective.valid, gaps), alert=objective.alert)


def _measured(objective: Objective) -> float | NoData:
    """The share as people speak of it: what is good, but of errors their rate."""
    ratio = objective.good_ratio
    return ratio if isinstance(ratio, NoData) or objective.name != "error_rate" else 1 - ratio


def objective_score(good_ratio: float, target: float) -> float:
    """100 min(1, allowed bad / observed bad); 100 when nothing was bad."""
    observed, allowed = 1 - good_ratio, 1 - target
    return 100.0 if observed <= allowed else 100.0 * allowed / observed


def _judged(rule: _Rule, good_ratio: float, valid: int, shown: Message) -> Objective:
    return Objective(
        name=rule.name,
        target=rule.target,
        good_ratio=good_ratio,
        valid=valid,
        met=rule.met(good_ratio),
        alert=rule.alert(good_ratio),
        score=objective_score(good_ratio, rule.target),
        shown=shown,
    )


def _unknown(name: str, target: float, valid: int, why: NoData) -> Objective:
    return Objective(name, target, why, valid, None, False, why, why.reason)


def _in_doubt(rule: _Rule, valid: int, best_ratio: float, bounds: Bounds) -> Objective:
    """No verdict where the witnesses do not agree; what is certain all the same is an alert."""
    unknown = _unknown(rule.name, rule.target, valid, witnesses_differ(bounds))
    return replace(unknown, alert=rule.alert(best_ratio))


def too_few(valid: int) -> NoData:
    """The NoData that stands instead of a verdict on so few events."""
    return NoData(
        message("assess.too_few_samples", samples=valid, least=LEAST_SAMPLES),
        message("assess.too_few_samples_remedy", least=LEAST_SAMPLES),
    )


def _availability(traffic: Traffic | NoData, targets: SloTargets) -> Objective:
    name, target = "availability", targets.availability
    if isinstance(traffic, NoData):
        return _unknown(name, target, 0, traffic)
    if traffic.requests < LEAST_SAMPLES:
        return _unknown(name, target, 0, too_few(traffic.requests))
    # A slice in which nobody asked for anything shows neither health nor failure.
    asked = [piece.bounds for piece in traffic.slices if piece.total or piece.is_unreachable]
    good = sum(is_good_slice(piece) is True for piece in asked)
    unknown = sum(is_good_slice(piece) is None for piece in asked)
    rule = _Rule(name, target, lambda r: r >= target, lambda r: r < targets.availability_alert)
    ratio, best = good / len(asked), (good + unknown) / len(asked)
    if unknown and (rule.met(ratio) != rule.met(best) or not traffic.bounds.is_counted):
        return _in_doubt(rule, len(asked), best, traffic.bounds)
    shown = message("assess.slo_availability", ratio=ratio, target=target, good=good, slices=len(asked))
    return _judged(rule, ratio, len(asked), shown)


def _latency(
    traffic: Traffic | NoData, name: str, share: float, threshold_ms: float, alert_ms: float | None
) -> Objective:
    if isinstance(traffic, NoData):
        return _unknown(name, share, 0, traffic)
    latency = traffic.latency
    if isinstance(latency, NoData):
        return _unknown(name, share, 0, latency)
    if latency.total < LEAST_SAMPLES:
        return _unknown(name, share, latency.total, too_few(latency.total))
    if not traffic.bounds.is_counted:
        return _unknown(name, share, latency.total, witnesses_differ(traffic.bounds))
    faster = latency.share_below(threshold_ms)
    rule = _Rule(name, share, lambda r: r >= share, lambda _: _slower_than(latency, share, alert_ms))
    shown = message(
        f"assess.slo_{name}",
        value_ms=latency.percentile_ms(share),
        threshold_ms=threshold_ms,
        percentile=share * 100,
        ratio=faster,
    )
    return _judged(rule, faster, latency.total, shown)


def _slower_than(latency: LatencyDistribution, share: float, alert_ms: float | None) -> bool:
    return alert_ms is not None and latency.percentile_ms(share) > alert_ms


def _error_rate(traffic: Traffic | NoData, targets: SloTargets) -> Objective:
    name, target = "error_rate", 1 - targets.error_rate
    if isinstance(traffic, NoData):
        return _unknown(name, target, 0, traffic)
    if traffic.requests < LEAST_SAMPLES:
        return _unknown(name, target, traffic.requests, too_few(traffic.requests))
    bounds = traffic.bounds
    least, rate = bounds.least_share, bounds.most_share
    rule = _Rule(name, target, lambda _: rate < targets.error_rate, lambda _: least > targets.error_rate_alert)
    apart = objective_score(1 - least, target) - objective_score(1 - rate, target)
    if not bounds.is_counted or least < targets.error_rate <= rate or apart > SAME_SCORE:
        return _in_doubt(rule, traffic.requests, 1 - least, bounds)
    figures = {
        "rate": rate,
        "target": targets.error_rate,
        "errors": bounds.most_errors,
        "requests": traffic.requests,
        "rate_4xx": traffic.errors_4xx / traffic.requests,
    }
    shown = message("assess.slo_error_rate", **figures)
    if not bounds.is_judged:
        shown = message("assess.slo_error_rate_at_most", **figures, least=least)
    return _judged(rule, 1 - rate, traffic.requests, shown)


def _hit_rate(cache: CacheStats | NoData, targets: SloTargets) -> Objective:
    name, target = "cache_hit_rate", targets.hit_rate
    if isinstance(cache, NoData):
        return _unknown(name, target, 0, cache)
    if isinstance(cache.lookups, NoData):
        return _unknown(name, target, 0, cache.lookups)
    hits, asked = cache.lookups
    if asked < LEAST_SAMPLES:
        return _unknown(name, target, asked, too_few(asked))
    rate = hits / asked
    rule = _Rule(name, target, lambda r: r > target, lambda r: r < targets.hit_rate_alert)
    shown = message("assess.slo_cache_hit_rate", ratio=rate, target=target, hits=hits, lookups=asked)
    return _judged(rule, rate, asked, shown)
