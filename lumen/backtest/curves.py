"""Curves of a history as SVG: a figure over a span of time, with bands where something was."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from lumen.model.alert import AlertKind, Observation

WIDTH, HEIGHT = 600, 120
#: So many points are as fine as anybody sees.
COLUMNS = 300
#: From this ratio on, a curve of times is drawn by its logarithm.
WIDE = 8.0


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` of one slice, None where it is not known. `worst`: of several in one column the one that is shown."""

    code: str
    value: Callable[[Observation], float | None]
    form: str
    worst: Callable[[Iterable[float]], float] = max
    is_ratio: bool = False


def _failed(seen: Observation) -> float | None:
    if not seen.requests or seen.errors_5xx is None:
        return None
    return seen.errors_5xx / seen.requests


def _hit_rate(seen: Observation) -> float | None:
    return seen.hits / seen.lookups if seen.hits is not None and seen.lookups else None


FAILED = Figure("backtest.curve_failed", _failed, "{:.2%}")
P95 = Figure("backtest.curve_p95", lambda seen: seen.p95_ms, "{:.0f} ms", is_ratio=True)
HIT_RATE = Figure("backtest.curve_hit_rate", _hit_rate, "{:.1%}", min)
COST = Figure("backtest.curve_cost", lambda seen: None if seen.cost_usd is None else 12 * seen.cost_usd, "${:.3f}")
REQUESTS = Figure("backtest.curve_requests", lambda seen: seen.requests, "{:.0f}")

#: The figure on which an alert of a kind is shown.
FIGURES = {
    AlertKind.AVAILABILITY: FAILED,
    AlertKind.LATENCY: P95,
    AlertKind.CACHE: HIT_RATE,
    AlertKind.COST: COST,
    AlertKind.BUDGET: COST,
    AlertKind.ROI: HIT_RATE,
    AlertKind.NO_DATA: REQUESTS,
}


@dataclass(frozen=True, slots=True)
class Band:
    """From start to end, drawn as `style` (a class of the page)."""

    start: datetime
    end: datetime
    style: str
    title: str


@dataclass(frozen=True, slots=True)
class Curve:
    """`svg` fills its box; what stands at its corners is text of the page, which no box stretches."""

    svg: str
    highest: str
    lowest: str


def curve(
    figure: Figure, seen: Sequence[Observation], since: datetime, until: datetime, bands: Sequence[Band]
) -> Curve:
    """The figure from `since` to `until`; a gap where nothing is known."""
    columns = _columns(figure, seen, since, until)
    known = [value for value in columns if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    scale = _scale(figure, low, high)
    step = WIDTH / len(columns)
    pieces, is_drawing = [], False
    for nth, value in enumerate(columns):
        if value is not None:
            pieces.append(f"{'L' if is_drawing else 'M'}{(nth + 0.5) * step:.0f} {scale(value):.0f}h1")
        is_drawing = value is not None
    drawn = "".join(_band(band, since, until) for band in bands)
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img">{drawn}'
        f'<path d="{"".join(pieces)}"/></svg>'
    )
    return Curve(svg, figure.form.format(high) if known else "–", figure.form.format(low) if known else "–")


def _columns(figure: Figure, seen: Sequence[Observation], since: datetime, until: datetime) -> list[float | None]:
    found: list[list[float]] = [[] for _ in range(min(COLUMNS, max(1, len(seen))))]
    for one in seen:
        value = figure.value(one)
        if value is not None:
            # A slice that begins a column is not to fall into the one before it by a rounding.
            at = int((one.start - since) / (until - since) * len(found) + 1e-6)
            found[min(len(found) - 1, max(0, at))].append(value)
    return [figure.worst(values) if values else None for values in found]


def _scale(figure: Figure, low: float, high: float) -> Callable[[float], float]:
    """From a value to its height on the canvas, which counts from above."""
    if figure.is_ratio and low > 0 and high / low > WIDE:
        span = math.log(high / low)
        return lambda value: HEIGHT - 4 - (HEIGHT - 8) * math.log(value / low) / span
    span = (high - low) or 1.0
    return lambda value: HEIGHT - 4 - (HEIGHT - 8) * (value - low) / span


def _band(band: Band, since: datetime, until: datetime) -> str:
    start, end = ((at - since) / (until - since) * WIDTH for at in (max(band.start, since), min(band.end, until)))
    # Half an hour of a year is still to be seen.
    return (
        f'<rect class="{band.style}" x="{start:.1f}" y="0" width="{max(1.5, end - start):.1f}" height="{HEIGHT}">'
        f"<title>{escape(band.title)}</title></rect>"
    )
