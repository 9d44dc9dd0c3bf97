"""What can be done when it burns: each step apart, with its effect and its way back; a flush is confirmed twice."""

from handlers.blocks.card import Button, Card, Confirm, Shown
from lumen.model.messages import Message, Param, message
from lumen.model.override import Confirmed
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue

PAUSE = "emergency.pause"
RESUME = "emergency.resume"
SAFE_TTL = "emergency.safe_ttl"
MEMORY = "emergency.memory"
SIZE = "emergency.size"
FLUSH = "emergency.flush"
FLUSH_NOW = "emergency.flush_now"

#: Every button of this page.
ACTIONS = (PAUSE, RESUME, SAFE_TTL, MEMORY, SIZE, FLUSH, FLUSH_NOW)


def emergency_card(words: Catalogue, service: ServiceId, safe_ttl_seconds: int, *, paused: bool) -> Shown:
    """`/lumen emergency`."""
    card = Card(words)
    card.header(message("emergency.title", service=service.name))
    stop = message("emergency.about_resume") if paused else message("emergency.about_pause")
    ttl = message("emergency.about_ttl", ttl_seconds=safe_ttl_seconds)
    rest = [message("emergency.about_rollback"), message("emergency.about_size"), message("emergency.about_memory")]
    card.lines([f"• {words.say(one)}" for one in (stop, *rest, ttl, message("emergency.about_flush"))])
    card.buttons(
        [
            _button(RESUME, service) if paused else _button(PAUSE, service, style="danger", confirmed=True),
            _button(SIZE, service),
            _button(MEMORY, service),
            _button(SAFE_TTL, service, ttl_seconds=safe_ttl_seconds),
            _button(FLUSH, service, style="danger"),
        ],
        block_id="emergency",
    )
    return card.shown()


def flush_card(words: Catalogue, service: ServiceId, keys: int) -> Shown:
    """The second confirmation, which says how much it is about."""
    card = Card(words)
    card.section(message("emergency.flush_count", service=service.name, keys=keys))
    return _flushing(card, service, keys)


def flush_waits_card(words: Catalogue, service: ServiceId, confirmed: Confirmed, keys: int) -> Shown:
    """For the channel, where several people must confirm: who has, how many are wanted, and the button."""
    card = Card(words)
    who = " ".join(person.user_id for person in confirmed.people)
    votes, needed = len(confirmed.people), confirmed.needed
    card.section(
        message("emergency.flush_wanted", service=service.name, keys=keys, who_mentions=who, votes=votes, needed=needed)
    )
    return _flushing(card, service, keys)


def _flushing(card: Card, service: ServiceId, keys: int) -> Shown:
    card.buttons([_button(FLUSH_NOW, service, style="danger", confirmed=True, keys=keys)], block_id="flush")
    return card.shown()


def _button(
    action_id: str, service: ServiceId, style: str | None = None, *, confirmed: bool = False, **params: Param
) -> Button:
    name, label = action_id.partition(".")[2], Message(action_id.replace(".", ".button_"), params)
    dialog = Confirm(
        Message(f"emergency.confirm_{name}_title", params),
        Message(f"emergency.confirm_{name}_text", params),
        label,
        message("views.confirm_no"),
    )
    return Button(action_id, label, f"1 {service.key} emergency", style=style, confirm=dialog if confirmed else None)
