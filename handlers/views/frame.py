"""What every answer that explains a turn has round it: of when it is, what it gives to the gate, what is missing."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.words import iso, no_data
from lumen.model.assessment import Score
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import TurnReadout
from lumen.model.turn import Turn

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def opened(words: Catalogue, title: Message, readout: TurnReadout, turn: Turn) -> Card:
    """A card with its title, and of when it is."""
    card = Card(words)
    card.header(title)
    window, age = turn.snapshot.window, age_of(words, readout)
    when = message("explain.when", start_at=iso(window.start), end_at=iso(window.end), age=age, turn_id=turn.id)
    card.context([words.say(when)])
    if readout.is_stale:
        card.section(message("explain.stale", age=age))
    return card


def closed(card: Card, words: Catalogue, missing: Iterable[NoData], *notes: Message) -> Shown:
    """What is missing with its remedy, then the small print."""
    card.titled(message("views.report_missing"), missing_lines(words, missing))
    card.context([words.say(note) for note in (*notes, message("explain.more"))])
    return card.shown()


def nothing_yet(words: Catalogue, readout: TurnReadout) -> Shown:
    """Before the first turn."""
    card = Card(words)
    card.header(message("views.report_none_title", service=readout.service.name))
    card.section(message("views.report_none_until", next_turn_at=iso(readout.next_turn_at)))
    return card.shown()


def age_of(words: Catalogue, readout: TurnReadout) -> str:
    """How old the turn is, in words."""
    return words.plain(span(readout.age or timedelta(0)))


def span(lasts: timedelta) -> Message:
    """Minutes, then hours, then days."""
    if lasts < HOUR:
        return message("explain.minutes", minutes=lasts // MINUTE)
    if lasts < 2 * DAY:
        return message("explain.hours", hours=lasts // HOUR, minutes=lasts % HOUR // MINUTE)
    return message("explain.days", days=lasts // DAY, hours=lasts % DAY // HOUR)


def gives(turn: Turn, name: str) -> Message:
    """What a part gives to the gate."""
    score = turn.assessment.gate.score
    part = next(part for part in score.parts if part.name == name)
    points = score.contribution(part)
    if points is None:
        return message("explain.gives_none", part=name, most=100 * part.weight)
    return message("explain.gives", part=name, points=points, most=100 * part.weight)


def missing_parts(score: Score) -> Iterator[NoData]:
    """Of the parts that count."""
    return (part.score for part in score.parts if part.weight > 0 and isinstance(part.score, NoData))


def missing_lines(words: Catalogue, missing: Iterable[NoData]) -> Iterator[str]:
    """The reason and the remedy; one dead server takes several figures with it, and is told once."""
    return (f"• {line}" for line in dict.fromkeys(no_data(words, lack) for lack in missing))


def named(words: Catalogue, name: str) -> str:
    """What a part, an objective or a row is called."""
    return words.plain(Message(f"assess.name_{name}", {}))
