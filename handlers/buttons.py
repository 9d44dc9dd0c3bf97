"""Clicks on a proposal: permission, one atomic transition, *then* the ack, then everything else. No click is silent."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from handlers.blocks import answers as show
from handlers.blocks.proposal import CHOICES, IN_STEPS, SNOOZE, UNDO
from handlers.clicks import Answer, Click, answer_to, answer_unknown, read_click, reply_to, send_answer
from handlers.home import Screens
from handlers.people import Ack, Body
from handlers.permissions import Permissions
from handlers.replies import Responder
from handlers.web_api import guarded
from lumen.model.messages import LumenError, NotPermitted, NotPossible, OutcomeUnknown, StoreUnavailable, message
from lumen.model.proposal import Choice, Decided
from lumen.ports.store import Outbox, PendingReplies, Surface
from lumen.use_cases.approvals import UNAUDITED, Approvals

_log = structlog.get_logger(__name__)
#: Slack wants the ack within 3 s. Later than this the person is told that it is not known yet.
ACK_WITHIN_SECONDS = 2.2
#: How long the ack waits for an answer that no decision stores to be kept.
OWE_WITHIN_SECONDS = 0.5
#: How long a decision whose answer was lost is asked after; response_url lives as long.
SETTLE_FOR_SECONDS = 1700.0
SETTLE_FIRST_SECONDS = 0.25
SETTLE_LONGEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The transition was sent and no answer came."""


@dataclass(frozen=True, slots=True)
class Buttons:
    """Approve, Reject, Snooze, Undo. `kick_execution` is called after every approval."""

    approvals: Approvals
    kick_execution: Callable[[], None]
    permissions: Permissions
    responder: Responder
    screens: Screens
    pending: PendingReplies
    outbox: Outbox

    async def on_decide(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for what decides. The transition is durable before the ack; the answer comes after."""
        click = read_click(body)
        if click is None:
            await self.on_unknown(ack, body)
            return
        background = self.responder.background
        first = background.start(self.responder.deliveries.is_first(click.service, click.click_id))
        deciding = background.start(self._decide(click))
        await asyncio.wait({deciding}, timeout=ACK_WITHIN_SECONDS)
        outcome = deciding.result() if deciding.done() else None
        outcome = await self._kept(click, first, outcome)
        await ack()
        background.start(self._go_on(click, first, deciding, outcome))

    async def _kept(
        self, click: Click, first: "asyncio.Task[bool]", outcome: Answer | _Unknown | None
    ) -> Answer | _Unknown | None:
        """The outcome, with an answer that is owed until it is given, by whichever process; before Slack hears that the
        click has arrived. What no decision has stored is stored here: what it says, or that it is not known yet."""
        if isinstance(outcome, Answer) and outcome.is_pending:
            return outcome
        says = outcome.sentences if isinstance(outcome, Answer) else ()
        try:
            async with asyncio.timeout(OWE_WITHIN_SECONDS):
                if await asyncio.shield(first):
                    await self.pending.owe(click.service, click.click_id, reply_to(click), says)
        except (TimeoutError, LumenError) as error:
            # The store is away: whoever lives says so at once, and nobody else could know.
            _log.warning("reply_not_kept", click=click.click_id, kind=type(error).__name__)
            return outcome
        return replace(outcome, is_pending=True) if isinstance(outcome, Answer) else outcome

    async def on_unknown(self, ack: Ack, body: Body) -> None:
        """Any other button: an old message, another version."""
        await ack()
        answer_unknown(self.responder, body)

    async def _decide(self, click: Click) -> Answer | _Unknown:
        """Never raises, so that a click is always acked and answered."""
        try:
            return await self._decided_by(click)
        except OutcomeUnknown:
            return _Unknown()
        except NotPermitted as refused:
            if click.action_id == UNDO:
                unaudited = (refused.remedy,) if refused.remedy.code == UNAUDITED else ()
                return Answer((message("slack.click_undo_proposed"), refused.reason, *unaudited))
            return Answer((refused.reason, refused.remedy))
        except LumenError as error:
            ask = () if isinstance(error, NotPossible) else show.whom_to_ask(self.responder.support)
            return Answer((message("slack.click_nothing"), error.reason, error.remedy, *ask))
        except Exception as error:
            _log.exception("click_failed", click=click.click_id)
            ask = show.whom_to_ask(self.responder.support)
            return Answer((message("slack.bug", kind=type(error).__name__), *ask))

    async def _decided_by(self, click: Click) -> Answer:
        """An undo is a new proposal, which anybody may make, as with `/lumen undo`; only deciding takes permission."""
        service, proposal_id, mark = click.service, click.proposal_id, click.mark
        if not mark:
            return await self._of_an_earlier_lumen(click)
        if click.action_id == UNDO:
            request_id = f"undo:{click.click_id}"
            made = await self.approvals.propose_undo(service, proposal_id, click.person, request_id, mark)
            self.responder.kick_outbox()
            proposal_id, mark = made.id, made.mark
            known = [one for one in (made.draft.goes_over, made.draft.brings_back) if one is not None]
            if known:  # more than the button said
                return Answer((*known, message("slack.click_undo_brings_back", proposal_id=made.id)))
        permit = await self.permissions.permit(click, f"{click.action_id} {click.proposal_id}")
        if click.action_id == SNOOZE:
            to, seen = reply_to(click), click.acts_at
            put_off = await self.approvals.snooze(service, proposal_id, permit, click.click_id, to, mark, seen)
            return self._decided(click, put_off)
        choice = CHOICES[click.action_id]
        to = reply_to(click)
        in_steps = click.action_id == IN_STEPS
        decided = await self.approvals.decide(
            service, proposal_id, choice, permit, click.click_id, to, mark, in_steps=in_steps
        )
        return self._decided(click, decided)

    async def _of_an_earlier_lumen(self, click: Click) -> Answer:
        """Its card does not tell for certain of which proposal it is. What is stored under the id gets its new card."""
        if await self.screens.readouts.proposal(click.service, click.proposal_id) is not None:
            await self.outbox.mark(Surface(click.service, "proposal", click.proposal_id))
            self.responder.kick_outbox()
        return Answer((message("slack.click_old_card"), message("slack.click_old_card_remedy")))

    def _decided(self, click: Click, decided: Decided) -> Answer:
        self.responder.kick_outbox()
        if CHOICES.get(click.action_id) is Choice.APPROVE:
            self.kick_execution()
        return replace(answer_to(click, decided), is_pending=True)

    async def _go_on(
        self,
        click: Click,
        first: "asyncio.Task[bool]",
        deciding: "asyncio.Task[Answer | _Unknown]",
        outcome: Answer | _Unknown | None,
    ) -> None:
        """A second delivery decides nothing more, and is not answered again."""
        if not await first:
            return
        if isinstance(outcome, Answer):
            await self._send(click, outcome)
            return
        await self._send(click, Answer((message("slack.click_outcome_unknown"),)))
        late = await deciding
        answer = late if isinstance(late, Answer) else await self._settled(click)
        await self._send(click, replace(answer, is_pending=True))

    async def _settled(self, click: Click) -> Answer:
        """Ask by the click's id until the store tells what became of it."""
        wait_seconds, waited = SETTLE_FIRST_SECONDS, 0.0
        while waited < SETTLE_FOR_SECONDS:
            await asyncio.sleep(wait_seconds)
            waited += wait_seconds
            wait_seconds = min(SETTLE_LONGEST_SECONDS, 2 * wait_seconds)
            try:
                decided = await self.approvals.settle(click.service, click.click_id)
            except (StoreUnavailable, OutcomeUnknown):
                continue
            if decided is None:
                return Answer((message("slack.click_settled_lost"),))
            return self._decided(click, decided)
        return Answer((message("slack.click_still_unknown"),))

    async def _send(self, click: Click, answer: Answer) -> None:
        delivered = await send_answer(self.responder, click, answer)
        if answer.is_pending and delivered:
            with guarded("reply_may_come_twice", click=click.click_id):
                await self.pending.given(click.service, click.click_id)
        if not click.to.channel:  # clicked in App Home, which nobody else brings up to date
            await self.screens.show_home(click.person.user_id)
