"""The result of a verification as plain JSON values; the shape is documented in docs/verify.md."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from lumen.backtest.report import alert_json, score_json
from lumen.model.message import Message
from lumen.verification.adjustment import Adjustment
from lumen.verification.figures import Figures
from lumen.verification.judge import Outcome
from lumen.verification.summary import in_time, summary_of
from lumen.verification.verify import Verification
from lumen.verification.week import WeekResult

Say = Callable[[Message], str]
Json = Mapping[str, object]


def as_json(result: Verification, say: Say) -> Json:
    """`say` puts messages into words."""
    found = summary_of(result)
    without, helped = result.runs
    return {
        "seed": result.seed,
        "days": result.days,
        "started": result.started_at.isoformat(),
        "alerts": {**score_json(result.alerts), "list": [alert_json(alert, say) for alert in helped.alerts]},
        "adjustments": {
            "count": sum(found.outcomes.values()),
            "helped_share": found.helped,
            "helped": found.outcomes[Outcome.HELPED],
            "no_difference": found.outcomes[Outcome.NO_DIFFERENCE],
            "harmed": found.outcomes[Outcome.HARMED],
            "harmed_undone": found.harmed_undone,
            "to_undo": found.to_undo,
            "undone_in_time": found.undone_in_time,
            "list": [_adjustment(one) for one in result.adjustments],
        },
        "interventions": {
            "without_lumen": _by_hand(without),
            "with_lumen": _by_hand(helped),
            "down_share": found.interventions_down,
        },
        "rollbacks": {"done": helped.rollbacks, "wrong": helped.wrong_rollbacks},
        "clicks": helped.clicks,
        "messages": helped.messages,
        "figures": {
            "before": _figures(result.before),
            "without_lumen": _figures(result.without),
            "with_lumen": _figures(result.with_lumen),
        },
    }


def _adjustment(one: Adjustment) -> Json:
    judged = one.judgement
    return {
        "at": one.at.isoformat(),
        "knob": one.change.knob.value,
        "old": one.change.old,
        "new": one.change.new,
        "strategy": one.strategy,
        "outcome": None if judged is None else judged.outcome.value,
        "without_it": None if judged is None else _figures(judged.without_it),
        "with_it": None if judged is None else _figures(judged.with_it),
        "verdict": None if one.verdict is None else one.verdict.value,
        "verdict_at": None if one.verdict_at is None else one.verdict_at.isoformat(),
        "undone_at": None if one.undone_at is None else one.undone_at.isoformat(),
        "undone_in_time": in_time(one) if one.asked_back else None,
        "undone_after_hours": None if one.undone_at is None else (one.undone_at - one.at) / timedelta(hours=1),
    }


def _by_hand(run: WeekResult) -> Json:
    kinds = Counter(one.kind.value for one in run.interventions)
    return {"count": len(run.interventions), "by_kind": dict(sorted(kinds.items()))}


def _figures(one: Figures) -> Json:
    return {
        "hit_rate": one.hit_rate,
        "p95_ms": one.p95_ms,
        "cost_month_usd": one.cost_month_usd,
        "error_rate": one.error_rate,
        "evictions_per_hour": one.evictions_per_hour,
    }
