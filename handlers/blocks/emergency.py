"""What can be done when it burns: each step apart, with its effect and its way back; a flush is confirmed twice."""

from handlers.blocks.card import Button, Card, Confirm, Shown
from lumen.model.answers import StatusReadout
from lumen.model.messages import Message, Param, message
from lumen.model.override import Confirmed
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue
from lumen.wording.restrictions import held_lines

ROLLBACK = "emergency.rollback"
PAUSE = "emergency.pause"
RESUME = "emergency.resume"
SAFE_TTL = "emergency.safe_ttl"
MEMORY = "emergency.memory"
SIZE = "emergency.size"
FLUSH = "emergency.flush"
FLUSH_NOW = "emergency.flush_now"

#: Every button of this page.
ACTIONS = (ROLLBACK, PAUSE, RESUME, SAFE_TTL, MEMORY, SIZE, FLUSH, FLUSH_NOW)


def emergency_card(words: Catalogue, status: StatusReadout, safe_ttl_seconds: int) -> Shown:
    """`/lumen emergency`: what holds it back first, then each step."""
    card, service, paused = Card(words), status.service, status.pause is not None
    card.header(message("emergency.title", service=service.name))
    card.lines(list(held_lines(words, status)))
    stop = message("emergency.about_resume") if paused else message("emergency.about_pause")
    ttl = message("emergency.about_ttl", ttl_seconds=safe_ttl_seconds)
    rest = [message("emergency.about_size"), message("emergency.about_memory"), ttl, message("emergency.about_flush")]
    card.lines([f"• {words.say(one)}" for one in (message("emergency.about_rollback"), stop, *rest)])
    card.buttons(
        [
            _button(ROLLBACK, service, style="primary"),
            _button(RESUME, service) if paused else _button(PAUSE, service, style="danger", confirmed=True),
            _button(SIZE, service),
            _button(MEMORY, service),
            _button(SAFE_TTL, service, ttl_seconds=safe_ttl_seconds),
            _button(FLUSH, service, style="danger"),
        ],
        block_id="emergency",
    )
    return card.shown()


def flush_card(words: Catalogue, service: ServiceId, asked: str, keys: int, *, dry: bool = False) -> Shown:
    """The second confirmation, which says how much it is about; `asked`: which asking it confirms."""
    card = Card(words)
    told = (message("restraint.dry_run"),) if dry else ()
    card.section(message("emergency.flush_count", service=service.name, keys=keys), *told)
    return _flushing(card, service, asked, keys)


def flush_waits_card(words: Catalogue, service: ServiceId, asked: str, confirmed: Confirmed, keys: int) -> Shown:
    """For the channel, where several people must confirm: who has, how many are wanted, and the button."""
    card = Card(words)
    who = " ".join(person.user_id for person in confirmed.people)
    votes, needed = len(confirmed.people), confirmed.needed
    card.section(
        message("emergency.flush_wanted", service=service.name, keys=keys, who_mentions=who, votes=votes, needed=needed)
    )
    return _flushing(card, service, asked, keys)


def _flushing(card: Card, service: ServiceId, asked: str, keys: int) -> Shown:
    button = _button(FLUSH_NOW, service, style="danger", about=asked, confirmed=True, keys=keys)
    card.buttons([button], block_id="flush")
    return card.shown()


def _button(
    action_id: str,
    service: ServiceId,
    style: str | None = None,
    *,
    about: str = "emergency",
    confirmed: bool = False,
    **params: Param,
) -> Button:
    name, label = action_id.partition(".")[2], Message(action_id.replace(".", ".button_"), params)
    dialog = Confirm(
        Message(f"emergency.confirm_{name}_title", params),
        Message(f"emergency.confirm_{name}_text", params),
        label,
        message("views.confirm_no"),
    )
    return Button(action_id, label, f"1 {service.key} {about}", style=style, confirm=dialog if confirmed else None)
