"""Messages that Pub/Sub gave up after many attempts: each is named in Slack once, and in the audit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lumen.model.audit import AuditEvent
from lumen.model.messages import Message, Param, message
from lumen.model.service import ServiceId
from lumen.model.shard import shard_from
from lumen.ports.shards import DeadLetter, DeadLetters
from lumen.ports.store import Audit, Inbox, Outbox, Surface, Taken
from lumen.use_cases.triggers import HELD, REMEMBERED

DEAD_LETTER_KIND = "dead_letter"
#: In one message of Slack's; what comes beside it is counted.
MOST_NAMED = 10
MOST_AT_ONCE = 100
#: Of what a message says.
LONGEST_QUOTE = 80


@dataclass(frozen=True, slots=True)
class TakingDeadLetters:
    """`home`: the service beside which they are remembered, and in whose channel they are named."""

    letters: DeadLetters
    inbox: Inbox
    audit: Audit
    outbox: Outbox
    home: ServiceId

    async def take(self) -> int:
        """Name those that wait, together; how many. Raises SourceUnavailable, StoreUnavailable, OutcomeUnknown."""
        found = await self.letters.pull(MOST_AT_ONCE)
        new = [one for one in found if await self.inbox.take(self.home, _inbox(one), HELD) is Taken.OK]
        if new:
            await self._name(new)
            for one in new:
                await self.inbox.done(self.home, _inbox(one), REMEMBERED)
        if found:
            await self.letters.acknowledge([one.ack_id for one in found])
        return len(new)

    async def _name(self, letters: Sequence[DeadLetter]) -> None:
        """The audit first: the outbox shows what stands there."""
        key, rest = letters[0].id, len(letters) - MOST_NAMED
        notes = [named(one) for one in letters[:MOST_NAMED]]
        notes += [message("trigger.more_dead_letters", count=rest)] if rest > 0 else []
        data = json.dumps([note.as_data() for note in notes])
        await self.audit.add(self.home, AuditEvent.DEAD_LETTER, "lumen", key, data=data)
        await self.outbox.mark(Surface(self.home, DEAD_LETTER_KIND, key), once=True)


def named(letter: DeadLetter) -> Message:
    """One sentence: which it is, why it was given up, and where to look."""
    known: dict[str, Param] = {"letter": letter.id, "attempts": letter.attempts}
    try:
        shard = shard_from(letter.data)
    except ValueError as error:
        said = " ".join(letter.data.decode("utf-8", "replace").split())[:LONGEST_QUOTE]
        return Message("trigger.dead_unreadable", {**known, "detail": str(error)[:LONGEST_QUOTE], "said": said})
    slot = shard.slot or letter.published_at
    at = slot.isoformat() if slot else ""
    return Message(f"trigger.dead_{shard.schedule}", {**known, "slot_at": at, "index": shard.index + 1, "of": shard.of})


def _inbox(letter: DeadLetter) -> str:
    return f"dead/{letter.id}"
