"""Answers that a process still owes when it dies, or when Slack takes none: given here, so that no click stays silent.

Whom an answer is owed to is stored by the step that decides (lumen/ports/store.py). Whoever decided gives it at once;
what is still owed after a while is given here, by whichever replica looks first. Told twice is no harm, never is.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from handlers.blocks import answers as show
from handlers.clicks import Click, answer_to, click_of_reply
from handlers.people import Languages
from handlers.replies import Answers
from handlers.use_cases import Approvals
from lumen.model.messages import LumenError, NotPossible
from lumen.model.service import ServiceId
from lumen.ports.store import Leases, PendingReplies, PendingReply

_log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 10.0
#: On the wall: whoever decided has told the person by then, or is gone.
GIVEN_WITHIN = timedelta(seconds=45)
#: On the wall. Nobody waits for an answer that is older; the card has told long ago.
WORTH_GIVING = timedelta(hours=1)
LEASE_NAME = "owed"
LEASE = timedelta(seconds=30)


class PendingRepliesWorker:
    """Serves all of `services`; `run` ends only when it is cancelled."""

    def __init__(
        self,
        services: Sequence[ServiceId],
        owed: PendingReplies,
        leases: Leases,
        approvals: Approvals,
        answers: Answers,
        languages: Languages,
        given_within: timedelta = GIVEN_WITHIN,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._services = services
        self._owed = owed
        self._leases = leases
        self._approvals = approvals
        self._answers = answers
        self._languages = languages
        self._given_within = given_within
        self._look_every_seconds = look_every_seconds

    async def run(self) -> None:
        """Look every few seconds. What fails is looked at again."""
        while True:
            for service in self._services:
                try:
                    await self.settle(service, self._given_within)
                except LumenError as error:
                    _log.info("owed_answers_wait", service=service.key, code=error.reason.code)
                except Exception:
                    _log.exception("owed_answers_failed", service=service.key)
            await asyncio.sleep(self._look_every_seconds)

    async def settle(self, service: ServiceId, age: timedelta) -> None:
        """Give what is owed for so long. Raises LumenError."""
        if not await self._owed.older_than(service, age):
            return
        lease = await self._leases.acquire(service, LEASE_NAME, LEASE)
        if lease is None:
            return
        for each in await self._owed.older_than(service, age):
            await self._leases.renew(service, lease, LEASE)
            await self._give(service, each)
        await self._leases.release(service, lease)

    async def _give(self, service: ServiceId, owed: PendingReply) -> None:
        click = click_of_reply(owed.to)
        if click is None or owed.age >= WORTH_GIVING or await self._is_told(service, click):
            await self._owed.given(service, owed.click_id)

    async def _is_told(self, service: ServiceId, click: Click) -> bool:
        try:
            decided = await self._approvals.settle(service, click.click_id)
        except NotPossible:
            return True  # the proposal is so old that nobody remembers it
        if decided is None:
            return True
        words = await self._languages.of(click.person.user_id)
        told = await self._answers.tell(click.to, show.said(words, *answer_to(click, decided).said(words)))
        if told:
            _log.info("owed_answer_given", click=click.click_id)
        return told
