"""A week as a picture: curves, digits and units, and no word (docs/adr/0010-pictures.md).

Runs in the numerics worker; the drawing library is imported there and nowhere else.

What the picture of a week means, and all that it shows, in words (docs/adr/0010-pictures.md).
"""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lumen.model.week import HOURS_A_WEEK, Curve, Mark, Week

if TYPE_CHECKING:
    from matplotlib.axes import Axes
from lumen.model.messages import Message, message
from lumen.wording.catalogue import Catalogue

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CURVE, INK, GRID = "#1264a3", "#454245", "#dddddd"
#: A change by what became of it (handlers/blocks/week_picture.py says what each means).
STYLES = {"kept": ("#0b7a53", "-"), "taken_back": ("#c01343", ":"), "open": ("#8d8d8d", "--")}
#: By the name of a curve: its unit, and how many of those one of the model's is.
#: A panel is at least as high as this share of its largest value.
LEAST_SPAN = 0.2
UNITS = {"gate": ("/ 100", 1.0), "hit_rate": ("%", 100.0), "p95_ms": ("ms", 1.0), "cost_usd_per_day": ("$ / d", 1.0)}


def week_png(week: Week) -> bytes:
    """A panel a curve of which anything is known, one above the other. Raises ImportError without the library."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.8, 0.4 + 1.1 * len(week.drawn)), dpi=200, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(week.drawn), 1, sharex=True, squeeze=False)[:, 0]
    for axes, curve in zip(panels, week.drawn, strict=True):
        _draw(axes, curve)
        _mark(axes, week.start, week.changes)
    panels[-1].set_xlim(0, HOURS_A_WEEK)
    days = list(_midnights(week))
    panels[-1].set_xticks([hour for hour, _ in days], [day for _, day in days])
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _draw(axes: "Axes", curve: Curve) -> None:
    """Gaps stay gaps: a point between two of them is a dot. A band where something is missing, up to what could be."""
    unit, scale = UNITS[curve.name]
    exact = [None if value is None else value * scale for value in curve.values]
    for hour, most in curve.most:
        certain, exact[hour] = exact[hour], None
        if certain is not None:
            axes.fill_between([hour, hour + 1], certain, most * scale, color=CURVE, alpha=0.25, linewidth=0)
    nan = float("nan")
    axes.plot([hour + 0.5 for hour in range(HOURS_A_WEEK)], [nan if y is None else y for y in exact], color=CURVE)
    dots = list(_alone(exact))
    axes.plot([hour + 0.5 for hour, _ in dots], [y for _, y in dots], ".", color=CURVE)
    axes.set_ylim(*_range([value * scale for value in (*curve.known, *(most for _, most in curve.most))]))
    axes.set_ylabel(unit, color=INK)
    axes.tick_params(colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    for side in axes.spines.values():
        side.set_color(GRID)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest with a margin; what hardly moves stays flat, so that noise looks like noise."""
    low, high = min(values), max(values)
    span = max(1.1 * (high - low), LEAST_SPAN * abs(high), 1e-6)
    middle = (low + high) / 2
    return middle - span / 2, middle + span / 2


def _alone(values: Sequence[float | None]) -> Iterator[tuple[int, float]]:
    """Known values with nothing known beside them."""
    padded = [None, *values, None]
    for hour, value in enumerate(values):
        if value is not None and padded[hour] is None and padded[hour + 2] is None:
            yield hour, value


def _mark(axes: "Axes", start: datetime, changes: Sequence[Mark]) -> None:
    for mark in changes:
        colour, line = STYLES[mark.outcome]
        axes.axvline((mark.at - start) / HOUR, color=colour, linestyle=line, linewidth=1.2)


def _midnights(week: Week) -> Iterator[tuple[float, str]]:
    """Each day of the readers' zone that begins in the week: after how many hours, and its month and day."""
    midnight = week.start.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(HOURS_A_WEEK // 24 + 1):
        midnight += DAY  # by the calendar: a day of summer time may have 23 or 25 hours
        after = (midnight.astimezone(UTC) - week.start) / HOUR
        if after <= HOURS_A_WEEK:
            yield after, midnight.strftime("%m-%d")


def picture_title(words: Catalogue, week: Week) -> list[Message]:
    """What the panels are from top to bottom, and what lines, gaps and bands mean, where there are any."""
    panels = ", ".join(words.plain(Message(f"picture.name_{curve.name}", {})) for curve in week.drawn)
    title = [message("picture.title", until=_time(week), panels=panels)]
    if week.changes:
        kinds = dict.fromkeys(mark.outcome for mark in week.changes)
        colours = ", ".join(words.plain(Message(f"picture.{kind}", {})) for kind in kinds)
        title.append(message("picture.changes", colours=colours))
    if any(curve.most for curve in week.curves):
        title.append(message("picture.band"))
    if any(None in curve.values for curve in week.drawn):
        title.append(message("picture.gaps"))
    return title


def picture_words(words: Catalogue, week: Week) -> list[Message]:
    """The alt text: each curve's lowest, highest and newest value, how much of it is known, and each change."""
    return [message("picture.alt", until=_time(week)), *map(_curve, week.curves), *_changes(words, week)]


def _time(week: Week) -> str:
    return f"{week.end:%Y-%m-%d %H:%M %Z}"


def _curve(curve: Curve) -> Message:
    known = curve.known
    if not known:
        return Message(f"picture.{curve.name}_none", {})
    figures = {"low": min(known), "high": max(known), "last": known[-1], "known": len(known)}
    return Message(f"picture.{curve.name}", {**figures, "hours": len(curve.values)})


def _changes(words: Catalogue, week: Week) -> Iterator[Message]:
    for mark in week.changes:
        at = mark.at.astimezone(week.start.tzinfo)
        change, state = mark.change, words.plain(Message(f"word.state_{mark.state}", {}))
        knob, old, new, unit = change.knob.value, change.old, change.new, change.unit
        yield message("picture.change", when=f"{at:%m-%d %H:%M}", knob=knob, old=old, new=new, unit=unit, state=state)
