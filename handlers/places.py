"""The places of messages are state: where each stands, where it is wanted, and what Slack has against a channel."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from handlers.blocks.card import Json, Shown
from handlers.clicks import card_of
from handlers.poster import Poster, tag_of
from handlers.web_api import TOKEN_DEAD, SlackRefused, guarded
from lumen.model.messages import Message, message
from lumen.model.service import ServiceId
from lumen.ports.store import Dirty, Outbox, Surface

_log = structlog.get_logger(__name__)

#: So often it is looked whether the messages that people need still stand.
LOOK_EVERY_SECONDS = 300.0
#: Slack's words about a channel, each with a sentence of its own (slack.place_…).
PLACE_REFUSED = frozenset({"is_archived", "channel_not_found", "not_in_channel", "missing_scope", "restricted_action"})


class Renderer(Protocol):
    """A Protocol, so that tests of the worker may render texts of their own (handlers.render is the real one)."""

    async def render(self, surface: Surface) -> Shown | None:
        """None: there is nothing to show any more. Raises LumenError when the store does not tell."""

    async def needed(self, service: ServiceId) -> Sequence[Surface]:
        """Those that people act on now. Raises LumenError when the store does not tell."""

    async def retired(self, surface: Surface, text: str, blocks: Sequence[Json]) -> Shown | None:
        """What is left of a message of `surface` when that is another one now; None for its own.

        Raises LumenError when the store does not tell."""

    def replaced(self, shown: Shown, old_link: str | None) -> Shown:
        """`shown`, which says that it stands for an earlier message."""

    def moved(self, new_link: str | None) -> Shown:
        """The rest of a message that goes on in another channel."""


@dataclass(slots=True)
class Places:
    """What is open must stand in its service's channel: moved there when it stands elsewhere, posted anew when it was
    deleted."""

    outbox: Outbox
    poster: Poster
    renderer: Renderer
    channel_of: Callable[[ServiceId], str]
    _looked_at: dict[ServiceId, float] = field(default_factory=dict)
    #: When the store was last away, and when cards from before a loss were looked for in a channel.
    _away_at: float = float("-inf")
    _swept_at: dict[str, float] = field(default_factory=dict)

    async def look(self, service: ServiceId) -> None:
        """From time to time, and first of all at the start. Never raises."""
        now = time.monotonic()
        if now - self._looked_at.get(service, float("-inf")) < LOOK_EVERY_SECONDS:
            return
        self._looked_at[service] = now
        with guarded("places_not_looked_at", service=service.key):
            for surface in await self.renderer.needed(service):
                await self._look_at(surface)
        with guarded("earlier_cards_stay", service=service.key):
            await self._sweep(self.channel_of(service))

    def is_unseen(self, service: ServiceId) -> bool:
        """Whether it was not looked at since the start, or since the store was away."""
        return service not in self._looked_at

    def look_again(self, service: ServiceId) -> None:
        """Soon: the store was away, and may have been lost or restored."""
        self._looked_at.pop(service, None)
        self._away_at = time.monotonic()

    async def _sweep(self, channel: str) -> None:
        """Retire cards from before the store was lost or restored, among the newest messages; of all that stand there.

        Once a channel, whichever of its services is first: Slack is asked no more often for many of them.
        """
        now = time.monotonic()
        if self._swept_at.get(channel, float("-inf")) > self._away_at:
            return
        self._swept_at[channel] = now
        try:
            found = [(card, one) async for one in self.poster.posted(channel) if (card := card_of(one)) is not None]
            for surface, posted in found:
                is_here = self.channel_of(surface.service) == channel
                if is_here and not await self.retire(surface, channel, posted):
                    await self._renew(surface)
        except BaseException:
            self._swept_at.pop(channel, None)
            raise

    async def _renew(self, surface: Surface) -> None:
        """The message of an incident may have buttons of a proposal that is another one now."""
        if surface.kind == "alert":
            await self.outbox.mark(surface)

    async def retire(self, surface: Surface, channel: str, posted: Mapping[str, Any]) -> bool:
        """Whether it was a card of another proposal or of an incident that nobody knows of: then its buttons are gone,
        and it says what it is."""
        shown = await self.renderer.retired(surface, str(posted.get("text", "")), posted.get("blocks") or ())
        if shown is not None:
            await self.poster.update(channel, str(posted["ts"]), shown, "")
            _log.info("earlier_card_retired", surface=tag_of(surface), ts=posted["ts"])
        return shown is not None

    async def _look_at(self, surface: Surface) -> None:
        channel, ts = await self.outbox.where(surface) or ("", "")
        if ts and channel != self.channel_of(surface.service):
            await self.outbox.mark(surface)
        elif ts and not await self.poster.stands(channel, ts):
            await self.forget(surface)

    async def forget(self, surface: Surface) -> None:
        """Its message is gone: it is behind, and has no place any more."""
        await self.outbox.mark(surface)
        await self.outbox.shown(Dirty(surface, 0, "", ""), "", "")

    async def above(self, surface: Surface | None) -> str:
        """The ts of the message in whose thread another belongs. Raises SlackRefused until that one stands here."""
        if surface is None:
            return ""
        wanted = self.channel_of(surface.service)
        channel, ts = await self.outbox.where(surface) or ("", "")
        if ts and channel != wanted:
            await self.outbox.mark(surface)
        if not ts or channel != wanted:
            raise SlackRefused("the message above it is not posted yet")
        return ts


def place_trouble(error: str, channel: str) -> tuple[Message, Message]:
    """What Slack has against messages in the channel, and what mends it."""
    if error in TOKEN_DEAD:
        return message("start.bot_token_refused", error=error), message("start.bot_token_remedy")
    code = f"slack.place_{error}" if error in PLACE_REFUSED else "slack.place_refused"
    return Message(code, {"channel": channel, "error": error}), Message(f"{code}_remedy", {"channel": channel})
