"""The back-test of one history, and its result as plain JSON values (docs/backtest.md)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge

from lumen.alerts.budget import ProjectSlices
from lumen.backtest.history import Problem, SliceHistory
from lumen.backtest.pipeline import BacktestSettings, Pipeline
from lumen.backtest.score import BacktestScore, KindScore, Label, score
from lumen.backtest.snapshot import ReleasesSeen
from lumen.model.alert import Alert, Observation
from lumen.model.incident import RevisionCount
from lumen.model.messages import Message, NoData
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.rollback import judge_rollback, reasons_for


@dataclass(frozen=True, slots=True)
class PastProposal:
    """A proposal that Lumen would have made. Nothing is applied in a history, so it has no verdict."""

    service: str
    at: datetime
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """Alerts in order of opening; `score` is None without labels. `settings`: what all of it was judged by."""

    settings: BacktestSettings
    alerts: tuple[Alert, ...]
    proposals: tuple[PastProposal, ...]
    score: BacktestScore | None
    problems: tuple[Problem, ...]
    slices: int


def run_backtest(
    history: SliceHistory, settings: BacktestSettings, labels: Sequence[Label] | None = None
) -> BacktestResult:
    """Pure and deterministic. Services have nothing in common but the month's budget."""
    budget = ProjectSlices(tuple(history.services), settings.alerts.budget_usd)
    runs = {service: _ServiceRun(service, settings, budget) for service in history.services}
    for service, seen in _in_order(history.services):
        runs[service].feed(seen)
    alerts = [alert for run in runs.values() for alert in run.alerts.values()]
    proposals = [proposal for run in runs.values() for proposal in run.proposals]
    alerts.sort(key=lambda alert: (alert.opened_at, alert.id))
    proposals.sort(key=lambda proposal: (proposal.at, proposal.service))
    slices = sum(map(len, history.services.values()))
    judged = None if labels is None else score(alerts, labels, _end(history.services))
    return BacktestResult(settings, tuple(alerts), tuple(proposals), judged, history.problems, slices)


def _in_order(services: Mapping[str, Sequence[Observation]]) -> Iterator[tuple[str, Observation]]:
    """The slices of all services in order of time."""
    several = [[(service, seen) for seen in observations] for service, observations in services.items()]
    return merge(*several, key=lambda one: one[1].start)


def _end(services: Mapping[str, Sequence[Observation]]) -> datetime:
    ends = [observations[-1].end for observations in services.values() if observations]
    return max(ends) if ends else datetime.max.replace(tzinfo=UTC)


class _ServiceRun:
    """One service from its first to its last slice."""

    def __init__(self, service: str, settings: BacktestSettings, budget: ProjectSlices) -> None:
        self._name = service
        self._pipeline = Pipeline(service, settings, budget)
        self._releases = ReleasesSeen(1 - settings.alerts.error_free_share)
        #: Pages that a rollback was proposed for.
        self._rolled_back: set[str] = set()
        #: By id, as they stand after the newest slice.
        self.alerts: dict[str, Alert] = {}
        self.proposals: list[PastProposal] = []

    def feed(self, seen: Observation) -> None:
        look = self._pipeline.feed(seen)
        for event in look.events:
            self.alerts[event.alert.id] = event.alert
        turn = look.turn
        if turn is not None and turn.proposed and not isinstance(turn.wanted, NoData):
            self.proposals.append(PastProposal(self._name, turn.at, turn.wanted))
        self._releases.add(_counts(seen))
        rollback = self._rollback(seen.end)
        if rollback is not None:
            self.proposals.append(PastProposal(self._name, seen.end, rollback))

    def _rollback(self, at: datetime) -> Recommendation | None:
        """The rollback that would have been begun, or asked in doubt: once a page, as live."""
        page = self._pipeline.open_page()
        if page is None or page.id in self._rolled_back:
            return None
        facts = self._releases.facts(page, at)
        if facts is None or facts.newest is None or facts.previous is None:
            return None
        advice = judge_rollback(facts, at)
        target = advice.target or advice.asked
        if target is None:
            return None
        self._rolled_back.add(page.id)
        change = Change(Knob.TRAFFIC, facts.newest.name, target, "")
        reasons = (page.reason, *reasons_for(facts.newest, facts.previous, target), *advice.against)
        return Recommendation(change, "ROLLBACK", reasons, Priority.HIGH)


def _counts(seen: Observation) -> tuple[RevisionCount, ...]:
    """A history names one revision a slice; without it, or without requests, nobody can be blamed."""
    if seen.revision is None or seen.requests is None or seen.errors_5xx is None:
        return ()
    return (RevisionCount(seen.start, seen.revision, seen.requests, seen.errors_5xx),)


#: Puts a message into words (the catalogue lives at the edge).
Say = Callable[[Message], str]
Json = Mapping[str, object]


def as_json(result: BacktestResult, say: Say) -> Json:
    """`score` is null without labels."""
    return {
        "slices": result.slices,
        "judged_by": _judged_by(result.settings),
        "alerts": [alert_json(alert, say) for alert in result.alerts],
        "proposals": [_proposal(proposal, say) for proposal in result.proposals],
        "score": None if result.score is None else score_json(result.score),
        "problems": [
            {
                "file": problem.file.value,
                "line": problem.line,
                "kind": problem.oddity.value,
                "message": say(problem.says),
            }
            for problem in result.problems
        ],
    }


def _judged_by(settings: BacktestSettings) -> Json:
    """The objective, and the assumptions for what a history does not tell."""
    return {
        "target": settings.alerts.error_free_share,
        "ttl_seconds": settings.assumed.ttl_seconds,
        "cache_mb": settings.assumed.cache_mb,
        "budget_usd": settings.assumed.budget_usd,
    }


def alert_json(alert: Alert, say: Say) -> Json:
    """One alert as JSON values."""
    return {
        "service": alert.service,
        "kind": alert.kind.value,
        "signal": alert.signal,
        "severity": alert.severity.value,
        "opened": alert.opened_at.isoformat(),
        "closed": None if alert.closed_at is None else alert.closed_at.isoformat(),
        "reason": say(alert.reason),
        "closed_because": None if alert.close_reason is None else say(alert.close_reason),
    }


def _proposal(proposal: PastProposal, say: Say) -> Json:
    change = proposal.recommendation.change
    return {
        "service": proposal.service,
        "at": proposal.at.isoformat(),
        "knob": None if change is None else change.knob.value,
        "old": None if change is None else change.old,
        "new": None if change is None else change.new,
        "strategy": proposal.recommendation.strategy,
        "priority": proposal.recommendation.priority.value,
        "reasons": [say(reason) for reason in proposal.recommendation.reasons],
        "verdict": None,
    }


def score_json(score: BacktestScore) -> Json:
    """The overall score and that of each kind."""
    by_kind = {kind.value: _kind(one) for kind, one in score.by_kind.items()}
    return {**_kind(score.overall), "by_kind": by_kind}


def _kind(score: KindScore) -> Json:
    return {
        "precision": score.precision,
        "recall": score.recall,
        "ttd_p90_minutes": score.ttd_p90_minutes,
        "alerts": score.alerts,
        "true_alerts": score.true_alerts,
        "incidents": score.incidents,
        "detected": score.detected,
    }
