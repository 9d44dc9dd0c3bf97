"""The result of a verification as plain JSON values (docs/verify.md), and as a picture without words."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lumen.backtest.report import alert_json, score_json
from lumen.model.messages import Message, NotPossible, with_remedy
from lumen.verification.judge import Adjustment, Outcome, figures_of
from lumen.verification.lumen_in_world import Post
from lumen.verification.summary import in_time, summary_of
from lumen.verification.verify import Verification
from lumen.verification.week import WeekResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Say = Callable[[Message], str]
Json = Mapping[str, object]


def as_json(result: Verification, say: Say) -> Json:
    """`say` puts messages into words."""
    found = summary_of(result)
    without, helped = result.runs
    return {
        "seed": result.seed,
        "hard": result.is_hard,
        "days": result.days,
        "drawn": {
            **asdict(result.profile),
            "incidents": dict(sorted(Counter(one.trouble.value for one in result.incidents).items())),
        },
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
        "told": helped.told,
        "told_for_nothing": helped.told_for_nothing,
        "messages": helped.posts.total(),
        "messages_by_kind": {kind.value: helped.posts[kind] for kind in Post},
        "figures": {
            "before": asdict(result.before),
            "untuned": asdict(result.untuned),
            "without_lumen": asdict(result.without),
            "with_lumen": asdict(result.with_lumen),
        },
    }


def _adjustment(one: Adjustment) -> Json:
    judged = one.judgement
    return {
        "at": one.at.isoformat(),
        "knob": one.change.knob.value,
        "old": one.change.old,
        "new": one.change.new,
        "step_of": one.proposal.draft.step_of or None,
        "outcome": None if judged is None else judged.outcome.value,
        "without_it": None if judged is None else asdict(judged.without_it),
        "with_it": None if judged is None else asdict(judged.with_it),
        "verdict": None if one.verdict is None else one.verdict.value,
        "verdict_at": None if one.verdict_at is None else one.verdict_at.isoformat(),
        "undone_at": None if one.undone_at is None else one.undone_at.isoformat(),
        "undone_in_time": in_time(one) if one.asked_back else None,
        "undone_after_hours": None if one.undone_at is None else (one.undone_at - one.at) / timedelta(hours=1),
    }


def _by_hand(run: WeekResult) -> Json:
    kinds = Counter(one.kind.value for one in run.interventions)
    return {"count": len(run.interventions), "by_kind": dict(sorted(kinds.items()))}


SLICES_AN_HOUR = 12
#: Grey is without Lumen, blue with it; red bands are incidents, lines changes (green: it helped, red: it harmed).
WITHOUT, WITH, INCIDENT, HELPED, OTHER = "#9aa0a6", "#1a73e8", "#d93025", "#188038", "#d93025"
#: Of `Figures`: the unit of the panel, the name, and the factor to that unit.
_MEASURES = (
    ("%", "hit_rate", 100),
    ("ms", "p95_ms", 1),
    ("$ / 30 d", "cost_month_usd", 1),
    ("5xx %", "error_rate", 100),
)


def save_picture(result: Verification, path: Path) -> None:
    """Four panels over the verified days, as PNG or SVG by the name. Raises NotPossible without the drawing library."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise NotPossible(*with_remedy("verify.no_picture")) from None
    figure = Figure(figsize=(11, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True)
    for axes, (unit, name, times) in zip(panels, _MEASURES, strict=True):
        _draw(axes, result, name, times)
        axes.set_ylabel(unit)
    panels[-1].set_xlabel("d")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise NotPossible(*with_remedy("verify.picture_not_written", path=str(path), error=str(error))) from error


def _draw(axes: "Axes", result: Verification, name: str, times: int) -> None:
    for run, colour in zip(result.runs, (WITHOUT, WITH), strict=True):
        hours = [run.slices[i : i + SLICES_AN_HOUR] for i in range(0, len(run.slices), SLICES_AN_HOUR)]
        values = np.array([getattr(figures_of(hour), name) for hour in hours], dtype=np.float64)  # None becomes NaN
        axes.plot((np.arange(len(hours)) + 0.5) / 24, times * values, color=colour, linewidth=1.4)
    for label in result.runs[1].labels:
        axes.axvspan(_day(result, label.start), _day(result, label.end), color=INCIDENT, alpha=0.12, linewidth=0)
    for one in result.adjustments:
        good = one.judgement is not None and one.judgement.outcome == "helped"
        axes.axvline(_day(result, one.at), color=HELPED if good else OTHER, linewidth=1, linestyle="--")
        if one.undone_at is not None:
            axes.axvline(_day(result, one.undone_at), color=OTHER, linewidth=1, linestyle=":")
    axes.grid(alpha=0.25)
    axes.set_xlim(0, result.days)


def _day(result: Verification, at: datetime) -> float:
    return (at - result.started_at) / timedelta(days=1)
