"""The metrics published of a service every five minutes (docs/metrics.md): real values only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.exporters.slo import LEAST_SAMPLES
from lumen.gates.unified import is_certain
from lumen.model.alert import Observation
from lumen.model.assessment import Assessment, CacheAssessment, CacheHealth, HealthLevel, RhythmState, Score
from lumen.model.history import is_good_slice
from lumen.model.messages import NoData
from lumen.model.metrics import ACTIONS, HEARTBEAT, Published
from lumen.model.proposal import CHANGED_NOTHING, IN_FORCE, Proposal, State
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats, TtlSetting
from lumen.model.turn import Turn
from lumen.model.witnesses import bounds_of

#: A turn is made every hour: the figures of an older one are no picture of now.
TURN_GOOD_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a service at one instant.

    `slices`: the last hour's. `cache`: its last quarter of an hour. `turn`: the newest one, for what only turns judge.
    `proposals`: the newest ones, at most MOST_PROPOSALS.
    """

    service: ServiceId
    at: datetime
    slices: Sequence[Observation]
    cache: CacheStats | NoData
    ttl: TtlSetting | NoData
    turn: Turn | None
    proposals: Sequence[Proposal] = ()


#: So far back actions are counted, among so many proposals.
ACTIONS_OF, MOST_PROPOSALS = timedelta(days=7), 200
#: What became of a proposal that is not open any more, in the words of the metric.
OUTCOMES: Mapping[State, str] = {
    **dict.fromkeys(IN_FORCE - {State.HARMFUL}, "applied"),
    State.HARMFUL: "harmful",
    State.UNDONE: "undone",
    State.FAILED: "failed",
    State.REJECTED: "rejected",
    **dict.fromkeys(CHANGED_NOTHING - {State.REJECTED}, "lapsed"),
}
#: States as numbers, the worse the lower; a state that is not known has no point.
HEALTH = {HealthLevel.CRITICAL: 0, HealthLevel.WARNING: 1, HealthLevel.GOOD: 2, HealthLevel.EXCELLENT: 3}
CACHE_HEALTH = {
    CacheHealth.FAILED: 0,
    CacheHealth.POOR: 1,
    CacheHealth.DEGRADED: 2,
    CacheHealth.GOOD: 3,
    CacheHealth.OPTIMAL: 4,
}
RHYTHM = {RhythmState.CHAOTIC: 0, RhythmState.DISSONANT: 1, RhythmState.RESONANT: 2}


def published(known: Known) -> tuple[Published, ...]:
    """The heartbeat, and every figure that has a value."""
    figures = {
        HEARTBEAT: 1.0,
        "slo_availability": _availability(known.slices),
        "cost_per_request": _cost_per_request(known.slices),
        "cache_ttl_seconds": None if isinstance(known.ttl, NoData) else float(known.ttl.value_seconds),
        **dict(_of_cache(known.cache)),
        **dict(_of_turn(known.turn, known.at)),
    }
    told = [Published(known.service, name, value) for name, value in figures.items() if value is not None]
    return (*told, *_actions(known))


def _actions(known: Known) -> Iterator[Published]:
    """By knob and outcome; 0 where it was longer ago. None at all where there may be more than were read."""
    since = known.at - ACTIONS_OF
    if len(known.proposals) >= MOST_PROPOSALS and known.proposals[-1].created_at > since:
        return
    counts: dict[tuple[str, str], int] = {}
    for one in known.proposals:
        ended = one.finished_at or one.decided_at
        if one.state in OUTCOMES and ended is not None:
            key = (one.draft.change.knob.value, OUTCOMES[one.state])
            counts[key] = counts.get(key, 0) + (ended >= since)
    for (knob, outcome), count in counts.items():
        yield Published(known.service, ACTIONS, float(count), {"knob": knob, "outcome": outcome})


def _availability(slices: Sequence[Observation]) -> float | None:
    """Per cent of the slices with requests that were good."""
    asked = [bounds for one in slices if (one.requests or one.is_unreachable) and (bounds := one.bounds) is not None]
    good = [is_good_slice(bounds) for bounds in asked]
    if None in good or bounds_of(asked).least_requests < LEAST_SAMPLES:
        return None
    return 100 * sum(map(bool, good)) / len(asked)


def _cost_per_request(slices: Sequence[Observation]) -> float | None:
    """USD, over the slices that know both."""
    known = [(one.cost_usd, one.requests) for one in slices if one.cost_usd is not None and one.requests is not None]
    requests = sum(count for _, count in known)
    return sum(cost for cost, _ in known) / requests if requests >= LEAST_SAMPLES else None


def _of_cache(cache: CacheStats | NoData) -> Iterator[tuple[str, float | None]]:
    if isinstance(cache, NoData):
        return
    enough = not isinstance(cache.lookups, NoData) and cache.lookups[1] >= LEAST_SAMPLES
    yield "cache_hit_rate", 100 * cache.hit_rate if enough and cache.hit_rate is not None else None
    yield "cache_memory_ratio", _known(cache.memory_ratio)


def _of_turn(turn: Turn | None, at: datetime) -> Iterator[tuple[str, float | None]]:
    if turn is None or at - turn.started_at > TURN_GOOD_FOR:
        return
    yield from _judged(turn.assessment)
    wanted = turn.ttl
    if isinstance(wanted, NoData):
        return
    if wanted.change is not None:
        yield "cache_ttl_recommended_seconds", float(wanted.change.new)
    elif not isinstance(turn.snapshot.ttl, NoData):
        yield "cache_ttl_recommended_seconds", float(turn.snapshot.ttl.value_seconds)


def _judged(found: Assessment) -> Iterator[tuple[str, float | None]]:
    yield "maturity_score", _whole(found.maturity.score)
    yield "unified_gate_score", _whole(found.gate.score)
    yield "slo_compliance", _whole(found.slo.compliance)
    yield "roi_percentage", _known(found.roi.roi, 100)
    yield "system_health", HEALTH.get(found.gate.health) if is_certain(found) else None
    yield "cache_health", _cache_health(found.cache)
    yield "cost_rhythm", RHYTHM.get(found.rhythm.state)
    yield "cost_coherence", found.rhythm.coherence
    yield "cost_phase", found.rhythm.phase
    yield "cost_entropy", found.rhythm.entropy
    for budget in found.slo.budgets:
        yield f"error_budget_{budget.name}", _known(budget.remaining, 100)


def _whole(score: Score) -> float | None:
    """A score of which a part is missing is no lower one: it has no point."""
    return _known(score.value) if score.is_whole else None


def _cache_health(found: CacheAssessment) -> int | None:
    """A row that is missing keeps it from OPTIMAL, which is no drop; what is bad stays bad."""
    if found.health is CacheHealth.GOOD and any(isinstance(row.value, NoData) for row in found.findings):
        return None
    return CACHE_HEALTH.get(found.health)


def _known(value: float | NoData, times: float = 1) -> float | None:
    return None if isinstance(value, NoData) else times * value
