"""What is silenced, by whom, until when."""

from collections.abc import Sequence

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.words import iso
from lumen.model.alert import AlertKind
from lumen.model.calling import Silence
from lumen.model.message import Message, Param, message


def silence_line(silence: Silence) -> Message:
    """One silence in a line."""
    params: dict[str, Param] = {
        "name": silence.name,
        "until_at": iso(silence.until),
        "silenced_at": iso(silence.at),
        "who_mention": silence.by.user_id,
    }
    if silence.why:
        return Message("silence.line_why", {**params, "why": silence.why})
    return Message("silence.line", params)


def list_card(words: Catalogue, silences: Sequence[Silence]) -> Shown:
    """A line each, or how to silence something."""
    card = Card(words)
    card.header(message("silence.title"))
    card.section(*(silence_line(one) for one in silences) if silences else (message("silence.none"),))
    return card.shown()


def made_message(silences: Sequence[Silence]) -> Message:
    """What a silence came to, and how to end it."""
    code = "silence.done_many" if len(silences) == len(AlertKind) else "silence.done"
    return Message(code, {"names": _names(silences), "until_at": iso(silences[0].until)})


def ended_message(silences: Sequence[Silence]) -> Message:
    """What is heard of again."""
    return message("silence.ended", names=_names(silences))


def made(words: Catalogue, silences: Sequence[Silence]) -> Shown:
    """The answer to `/lumen silence cache 2h`."""
    return _said(words, made_message(silences))


def ended(words: Catalogue, silences: Sequence[Silence]) -> Shown:
    """The answer to `/lumen silence end cache`."""
    return _said(words, ended_message(silences))


def _said(words: Catalogue, told: Message) -> Shown:
    card = Card(words)
    card.section(told)
    return card.shown()


def _names(silences: Sequence[Silence]) -> str:
    return ", ".join(one.name for one in silences)
