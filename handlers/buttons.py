"""Clicks on a proposal: rights, one atomic transition, *then* the ack, then everything else. No click is silent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from handlers.blocks import answers as show
from handlers.blocks.proposal import CHOICES, SNOOZE, UNDO
from handlers.clicks import Answer, Click, addressee, answer_to, read_click, reply_to
from handlers.home import Screens
from handlers.people import Languages
from handlers.permissions import Refusal, Rights
from handlers.replies import Answers, Background
from handlers.use_cases import Announcer, Approvals, Executor
from lumen.model.messages import LumenError, NotPossible, OutcomeUnknown, StoreUnavailable, message
from lumen.model.proposal import Choice, Decided, Proposal
from lumen.ports.store import Audit, PendingReplies

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]

#: Slack wants the ack within 3 s. Later than this the person is told that it is not known yet.
ACK_WITHIN_SECONDS = 2.2
#: How long a decision whose answer was lost is asked after; response_url lives as long.
SETTLE_FOR_SECONDS = 1700.0
SETTLE_FIRST_SECONDS = 0.25
SETTLE_LONGEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The transition was sent and no answer came."""


class Buttons:
    """Approve, Reject, Snooze, Undo. `executor` is told of every approval; it looks for itself what there is to do."""

    def __init__(
        self,
        approvals: Approvals,
        executor: Executor,
        rights: Rights,
        audit: Audit,
        answers: Answers,
        languages: Languages,
        background: Background,
        announcer: Announcer,
        screens: Screens,
        owed: PendingReplies,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._support = support
        self._owed = owed
        self._approvals = approvals
        self._executor = executor
        self._rights = rights
        self._audit = audit
        self._answers = answers
        self._languages = languages
        self._background = background
        self._announcer = announcer
        self._screens = screens

    async def on_decide(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for what decides. The transition is durable before the ack; the answer comes after."""
        click = read_click(body)
        if click is None:
            await ack()
            self._background.start(self._tell_unknown_button(body))
            return
        deciding = self._background.start(self._decide(click))
        await asyncio.wait({deciding}, timeout=ACK_WITHIN_SECONDS)
        outcome = deciding.result() if deciding.done() else None
        await ack()
        self._background.start(self._go_on(click, deciding, outcome))

    async def on_unknown(self, ack: Ack, body: Body) -> None:
        """Any other button: an old message, another version."""
        await ack()
        self._background.start(self._tell_unknown_button(body))

    async def _decide(self, click: Click) -> Answer | _Unknown:
        """Never raises, so that a click is always acked and answered."""
        try:
            refusal = await self._rights.check(click.person, click.app_id)
            if refusal is not None:
                return await self._refuse(click, refusal)
            if click.action_id == SNOOZE:
                put_off = await self._approvals.snooze(
                    click.service, click.proposal_id, click.person, click.click_id, reply_to(click)
                )
                return self._decided(click, put_off)
            proposal_id = await self._meant(click)
            decided = await self._approvals.decide(
                click.service, proposal_id, CHOICES[click.action_id], click.person, click.click_id, reply_to(click)
            )
            return self._decided(click, decided)
        except OutcomeUnknown:
            return _Unknown()
        except LumenError as error:
            ask = () if isinstance(error, NotPossible) else show.whom_to_ask(self._support)
            return Answer((message("slack.click_nothing"), error.reason, error.remedy, *ask))
        except Exception as error:
            _log.exception("click_failed", click=click.click_id)
            return Answer((message("slack.bug", kind=type(error).__name__), *show.whom_to_ask(self._support)))

    async def _meant(self, click: Click) -> str:
        """The proposal that this click decides on; for an undo a new one, which it brings into being."""
        if click.action_id != UNDO:
            return click.proposal_id
        return (await self._propose_undo(click)).id

    async def _propose_undo(self, click: Click) -> Proposal:
        made = await self._approvals.propose_undo(
            click.service, click.proposal_id, click.person, f"undo:{click.click_id}"
        )
        self._announcer.kick()
        return made

    async def _refuse(self, click: Click, refusal: Refusal) -> Answer:
        """Audited, and said. Proposing an undo is anybody's right, as with `/lumen undo`."""
        self._background.start(self._audit_refusal(click, refusal.reason.code))
        if click.action_id != UNDO:
            return Answer((refusal.reason, refusal.remedy))
        await self._propose_undo(click)
        return Answer((message("slack.click_undo_proposed"), refusal.reason))

    def _decided(self, click: Click, decided: Decided) -> Answer:
        self._announcer.kick()
        if CHOICES.get(click.action_id) is Choice.APPROVE:
            self._executor.kick(click.service)
        return replace(answer_to(click, decided), owed=True)

    async def _go_on(
        self, click: Click, deciding: "asyncio.Task[Answer | _Unknown]", outcome: Answer | _Unknown | None
    ) -> None:
        if isinstance(outcome, Answer):
            await self._tell(click, outcome)
            return
        await self._tell(click, Answer((message("slack.click_outcome_unknown"),)))
        late = await deciding
        await self._tell(click, late if isinstance(late, Answer) else await self._settled(click))

    async def _settled(self, click: Click) -> Answer:
        """Ask by the click's id until the store tells what became of it."""
        wait_seconds, waited = SETTLE_FIRST_SECONDS, 0.0
        while waited < SETTLE_FOR_SECONDS:
            await asyncio.sleep(wait_seconds)
            waited += wait_seconds
            wait_seconds = min(SETTLE_LONGEST_SECONDS, 2 * wait_seconds)
            try:
                decided = await self._approvals.settle(click.service, click.click_id)
            except (StoreUnavailable, OutcomeUnknown):
                continue
            if decided is None:
                return Answer((message("slack.click_settled_lost"),))
            return self._decided(click, decided)
        return Answer((message("slack.click_still_unknown"),))

    async def _tell(self, click: Click, answer: Answer) -> None:
        words = await self._languages.of(click.person.user_id)
        delivered = await self._answers.tell(click.to, show.said(words, *answer.said(words)))
        if answer.owed and delivered:
            await self._no_longer_owed(click)
        if not click.to.channel:  # clicked in App Home, which nobody else brings up to date
            await self._screens.show_home(click.person.user_id)

    async def _no_longer_owed(self, click: Click) -> None:
        try:
            await self._owed.given(click.service, click.click_id)
        except LumenError as error:
            _log.info("answer_may_come_twice", click=click.click_id, code=error.reason.code)

    async def _tell_unknown_button(self, body: Body) -> None:
        to = addressee(body)
        words = await self._languages.of(to.user_id)
        await self._answers.tell(to, show.said(words, message("slack.unknown_action")))

    async def _audit_refusal(self, click: Click, code: str) -> None:
        detail = f"{click.action_id} {click.proposal_id}: {code}"
        await self._audit.add(click.service, "refused", click.person.user_id, detail)
