"""What every answer that explains a turn has round it: of when it is, what it gives to the gate, what is missing."""

from collections.abc import Iterable
from datetime import timedelta

from handlers.blocks.card import Card, Shown
from lumen.model.answers import TurnReadout
from lumen.model.messages import Message, NoData, message
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.scores import missing_lines, span


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


def closed(card: Card, words: Catalogue, found: Iterable[object], *notes: Message) -> Shown:
    """What is missing of `found` with its remedy, then the small print."""
    missing = (one for one in found if isinstance(one, NoData))
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
