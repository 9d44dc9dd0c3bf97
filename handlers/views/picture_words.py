"""What the picture of a week means, and all that it shows, in words (docs/adr/0010-pictures.md)."""

from collections.abc import Iterator

from handlers.catalogue import Catalogue
from lumen.model.message import Message, message
from lumen.model.week import Curve, Week


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
