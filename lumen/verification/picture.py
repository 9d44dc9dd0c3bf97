"""The week as a picture: curves, digits and units, and no word (docs/adr/0010-pictures.md)."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.verification.arrivals import SLICE_SECONDS
from lumen.verification.profile import SECONDS_A_MONTH
from lumen.verification.verify import Verification
from lumen.verification.world import WorldSlice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLICES_AN_HOUR = 12
#: Grey is without Lumen, blue with it; red bands are incidents, lines changes (green: it helped, red: it harmed).
WITHOUT, WITH, INCIDENT, HELPED, OTHER = "#9aa0a6", "#1a73e8", "#d93025", "#188038", "#d93025"

Measure = Callable[[Sequence[WorldSlice]], float]


def save_picture(result: Verification, path: Path) -> None:
    """Four panels over the verified days, as PNG or SVG by the name. Raises NotPossible without the drawing library."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise NotPossible(message("verify.no_picture"), message("verify.no_picture_remedy")) from None
    figure = Figure(figsize=(11, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True)
    for axes, (unit, measure) in zip(panels, _MEASURES, strict=True):
        _draw(axes, result, measure)
        axes.set_ylabel(unit)
    panels[-1].set_xlabel("d")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise NotPossible(
            message("verify.picture_not_written", path=str(path), error=str(error)),
            message("verify.picture_not_written_remedy"),
        ) from error


def _draw(axes: "Axes", result: Verification, measure: Measure) -> None:
    for run, colour in zip(result.runs, (WITHOUT, WITH), strict=True):
        hours = [run.slices[i : i + SLICES_AN_HOUR] for i in range(0, len(run.slices), SLICES_AN_HOUR)]
        values: NDArray[np.float64] = np.array([measure(hour) for hour in hours])
        axes.plot((np.arange(len(hours)) + 0.5) / 24, values, color=colour, linewidth=1.4)
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


def _hit_rate(hour: Sequence[WorldSlice]) -> float:
    lookups = sum(one.lookups for one in hour)
    return 100 * sum(one.hits for one in hour) / lookups if lookups else float("nan")


def _p95(hour: Sequence[WorldSlice]) -> float:
    seen = np.concatenate([one.latencies_ms for one in hour])
    return float(np.percentile(seen, 95)) if seen.size else float("nan")


def _cost(hour: Sequence[WorldSlice]) -> float:
    return sum(one.cost_usd for one in hour) * SECONDS_A_MONTH / (len(hour) * SLICE_SECONDS)


def _errors(hour: Sequence[WorldSlice]) -> float:
    requests = sum(one.requests for one in hour)
    return 100 * sum(one.errors_5xx for one in hour) / requests if requests else float("nan")


_MEASURES: tuple[tuple[str, Measure], ...] = (("%", _hit_rate), ("ms", _p95), ("$ / 30 d", _cost), ("5xx %", _errors))
