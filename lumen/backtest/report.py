"""The result of a back-test as plain JSON values (docs/backtest.md)."""

from collections.abc import Callable, Mapping

from lumen.backtest.pipeline import BacktestSettings
from lumen.backtest.run import BacktestResult, PastProposal
from lumen.backtest.score import BacktestScore, KindScore
from lumen.model.alert import Alert
from lumen.model.messages import Message

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
                "file": problem.name or problem.file.value,
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
