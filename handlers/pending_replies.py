"""Pending replies: what a process had to tell when it died, or when Slack took nothing, so that no click stays silent.

The step that decides stores a pending reply (lumen/ports/store.py). The process that decided gives it at once; what is
left after a while is given here, by whichever replica looks first. Told twice is no harm, never is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from handlers.blocks.proposal import UNDO
from handlers.clicks import Answer, Click, answer_to, click_of_reply, send_answer
from handlers.replies import Responder
from handlers.web_api import guarded
from lumen.model.messages import Message, NotPossible, message
from lumen.model.service import ServiceId
from lumen.ports.store import Leases, PendingReplies, PendingReply
from lumen.use_cases.active import Active
from lumen.use_cases.approvals import Approvals

_log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 10.0
#: On the wall: the process that decided has told the person by then, or is gone.
GIVEN_WITHIN = timedelta(seconds=45)
#: On the wall. Nobody waits for an answer that is older; the card has told long ago.
WORTH_GIVING = timedelta(hours=1)
LEASE_NAME = "owed"
LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class PendingRepliesWorker:
    """Serves all that `active` tells of; `run` ends only when it is cancelled."""

    active: Active
    pending: PendingReplies
    leases: Leases
    approvals: Approvals
    responder: Responder

    async def run(self) -> None:
        """Look every few seconds. What fails is looked at again."""
        while True:
            with guarded("pending_replies_wait"):
                for service in await self.active.now():
                    with guarded("pending_replies_wait", service=service.key):
                        await self.settle(service, GIVEN_WITHIN)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def settle(self, service: ServiceId, age: timedelta) -> None:
        """Give what has been pending for so long. Raises LumenError."""
        if not await self.pending.older_than(service, age):
            return
        lease = await self.leases.acquire(service, LEASE_NAME, LEASE)
        if lease is None:
            return
        for each in await self.pending.older_than(service, age):
            await self.leases.renew(service, lease, LEASE)
            await self._give(service, each)
        await self.leases.release(service, lease)

    async def _give(self, service: ServiceId, reply: PendingReply) -> None:
        click = click_of_reply(reply.to)
        if click is None or reply.age >= WORTH_GIVING or await self._is_told(service, click, reply.says):
            await self.pending.given(service, reply.click_id)

    async def _is_told(self, service: ServiceId, click: Click, says: Sequence[Message]) -> bool:
        try:
            answer = Answer(says) if says else await self._became(service, click)
        except NotPossible:
            return True  # the proposal is so old that nobody remembers it
        told = await send_answer(self.responder, click, answer)
        if told:
            _log.info("pending_reply_given", click=click.click_id)
        return told

    async def _became(self, service: ServiceId, click: Click) -> Answer:
        """What became of a click; one that never reached the store never will. An undo is a proposal, which has no
        memory by its click."""
        if click.action_id == UNDO:
            return Answer((message("slack.click_still_unknown"),))
        decided = await self.approvals.settle(service, click.click_id)
        return Answer((message("slack.click_settled_lost"),)) if decided is None else answer_to(click, decided)
