"""Predictions for people: a table, what is odd about a log, and a picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.cli.page import Page
from lumen.model.forecast import confidence_word
from lumen.model.messages import Message, NotPossible, message, with_remedy
from lumen.prediction.answers import Prediction
from lumen.prediction.logs import Log
from lumen.prediction.memory import LEAST_ENTRIES
from lumen.wording.catalogue import Catalogue

#: Steps back in time from here on are no disorder of lines but a clock that was set.
CLOCK_STEP_S = 60.0


def print_predictions(found: Sequence[Prediction], words: Catalogue) -> None:
    """A row a setting; below it why some have no number, and what the figures rest on."""
    page = Page(words)
    by_size = any(one.capacity_mb is not None for one in found) and len({one.capacity_mb for one in found}) > 1
    heads = ("size" if by_size else "ttl", "hit_rate", "interval", "uplift", "confidence")
    table = page.table(*(page.plain(f"predict.column_{name}") for name in heads), justify="right")
    for one in found:
        table.add_row(*_cells(page, one, by_size))
    page.console.print(table)
    for verdict in dict.fromkeys(one.verdict for one in found):
        needed = next(one.needed or 0 for one in found if one.verdict is verdict)
        if words.has(f"predict.{verdict}"):
            page.line(words.plain(message(f"predict.{verdict}", needed=needed, least=LEAST_ENTRIES)))
    for method in dict.fromkeys(one.method for one in found if one.hit_rate is not None):
        page.line(words.plain(message(f"predict.by_{method}", count=found[0].accesses_used)))


def _cells(page: Page, one: Prediction, by_size: bool) -> Iterator[str]:
    if by_size and one.capacity_mb is not None:
        yield page.plain("predict.mb", mb=one.capacity_mb)
    else:
        yield "-" if one.ttl is None else page.plain("predict.seconds", ttl_seconds=one.ttl)
    if one.hit_rate is None or one.low is None or one.high is None or one.uplift is None or one.confidence is None:
        yield from (page.plain("predict.none"), "", "", "")
        return
    yield f"{one.hit_rate:.1%}"
    yield f"{one.low:.1%} – {one.high:.1%}"
    yield page.plain("predict.points", points=100 * one.uplift)
    yield f"{page.plain(f'predict.{confidence_word(one.confidence)}')} ({one.confidence:.2f})"


def oddities(log: Log, name: str, words: Catalogue) -> Iterator[str]:
    """Lines that were left out, by kind and number; lines that came too late; a clock that was set back."""
    for oddity, count in log.faults.counts.items():
        lines = ", ".join(map(str, log.faults.lines[oddity]))
        more = count - len(log.faults.lines[oddity])
        why = Message(f"predict.odd_{oddity}", {})
        yield words.plain(message("predict.odd", name=name, count=count, why=why, lines=lines))
        if more:
            yield words.plain(message("predict.odd_more", count=more))
    if log.late:
        code = "predict.clock_step" if log.step_s >= CLOCK_STEP_S else "predict.unsorted"
        yield words.plain(message(code, name=name, count=log.late, seconds=log.step_s, line=log.step_line))


def save_picture(found: Sequence[Prediction], path: Path) -> None:
    """The hit rate against TTL or size with its interval, as PNG or SVG by the name. Raises NotPossible."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise NotPossible(*with_remedy("predict.no_picture")) from None
    by_size = any(one.capacity_mb is not None for one in found)
    known = [
        (one.capacity_mb if by_size else one.ttl, 100 * one.hit_rate, 100 * one.low, 100 * one.high)
        for one in found
        if one.hit_rate is not None and one.low is not None and one.high is not None
    ]
    at, middle, low, high = zip(*sorted(known), strict=True) if known else ((), (), (), ())
    figure = Figure(figsize=(8, 5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.fill_between(at, low, high, alpha=0.2)
    axes.plot(at, middle, marker="o")
    axes.set_xlabel("MB" if by_size else "s")
    axes.set_ylabel("%")
    axes.grid(alpha=0.25)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise NotPossible(*with_remedy("verify.picture_not_written", path=str(path), error=str(error))) from error
