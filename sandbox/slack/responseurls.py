"""response_url: an address to answer at, 5 times within 30 minutes, without a token."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message, MessageLog
from sandbox.slack.posting import Posting
from sandbox.slack.wire import Json, as_flag

USES = 5
LIFETIME_SECONDS = 30 * 60.0
KEPT_SECONDS = 2 * LIFETIME_SECONDS


@dataclass
class _Address:
    """The target of an address: the person, the place, and the message whose button was pressed (if one was)."""

    user_id: str
    channel: str
    thread_ts: str | None
    message_ts: str | None
    issued_at: float
    uses: int = 0


@dataclass
class ResponseUrls:
    monotonic: Callable[[], float]
    posting: Posting
    log: MessageLog
    base_url: Callable[[], str]
    lifetime_seconds: float = LIFETIME_SECONDS
    _addresses: dict[str, _Address] = field(default_factory=dict)

    def issue(self, user_id: str, channel: str, *, thread_ts: str | None = None, message_ts: str | None = None) -> str:
        now = self.monotonic()
        # In the order in which they were given; only the oldest are looked at, for there may be very many.
        while (oldest := next(iter(self._addresses.values()), None)) and now - oldest.issued_at > KEPT_SECONDS:
            del self._addresses[next(iter(self._addresses))]
        key = secrets.token_urlsafe(24)
        self._addresses[key] = _Address(user_id, channel, thread_ts, message_ts, now)
        return f"{self.base_url()}/response/{key}"

    def answer(self, key: str, body: Json) -> None:
        """Do what the app says. Raises 404 used_url or expired_url, 400 for what a message may not be."""
        address = self._addresses.get(key)
        if address is None or self.monotonic() - address.issued_at > self.lifetime_seconds:
            raise SlackError("expired_url", status=404)
        if address.uses >= USES:
            raise SlackError("used_url", status=404)
        address.uses += 1
        try:
            self._carry_out(address, body)
        except SlackError as error:
            raise SlackError(error.code, error.details, status=400) from error

    def _carry_out(self, address: _Address, body: Json) -> None:
        original = self.log.get(address.channel, address.message_ts) if address.message_ts else None
        if as_flag(body.get("delete_original")):
            if original is not None:
                self.log.remove(original)
            return
        draft = self.posting.draft(body)
        if as_flag(body.get("replace_original")) and original is not None:
            self.posting.rewrite(original, draft)
            return
        self.posting.post(
            draft,
            address.channel,
            thread_ts=_text(body.get("thread_ts")) or address.thread_ts,
            ephemeral_to=None if body.get("response_type") == "in_channel" else address.user_id,
        )

    def expire_all(self) -> None:
        """As if half an hour had passed (for tests)."""
        for address in self._addresses.values():
            address.issued_at -= self.lifetime_seconds + 1

    def clear(self) -> None:
        self._addresses.clear()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def answer_of_ack(posting: Posting, payload: Json, user_id: str, channel: str) -> Message | None:
    """A slash command's ack may carry the answer itself; an empty one says nothing."""
    if not payload or not (payload.get("text") or payload.get("blocks") or payload.get("attachments")):
        return None
    ephemeral_to = None if payload.get("response_type") == "in_channel" else user_id
    return posting.post(posting.draft(payload), channel, ephemeral_to=ephemeral_to)
