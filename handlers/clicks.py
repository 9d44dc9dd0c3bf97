"""Clicks on buttons: reading their payload, keeping one for a pending reply, and the sentences of a decision."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from handlers.blocks.card import Shown
from handlers.blocks.incident import ACTIONS
from handlers.blocks.proposal import APPROVE, CHOICES, REJECT, SNOOZE, UNDO
from handlers.people import Addressee, Body, Request, person_of_click
from handlers.poster import shows, tag_of
from handlers.replies import Responder
from lumen.model.messages import Message, message
from lumen.model.proposal import UNMARKED, Choice, Decided, Proposal, State
from lumen.model.service import Person, ServiceId
from lumen.ports.store import Surface
from lumen.wording.catalogue import Catalogue, iso

#: The first word of a button's value, and how many words such a value has. Buttons of a proposal carry its mark too;
#: those of an older Lumen do not, nor those of incidents, whose ids never come again. Snooze also says which moment it
#: puts off.
_WORDS = {"1": (3,), "2": (4, 5)}


@dataclass(frozen=True, slots=True)
class Click:
    """One click on a button. `click_id` is the same however often Slack delivers it.

    `proposal_id`: of the proposal that the button stands by; of a button of an incident, the incident's id. `mark`: of
    the proposal, "" where the button carries none. `acts_at`: the moment that a snooze puts off, in ISO 8601.
    """

    action_id: str
    service: ServiceId
    proposal_id: str
    person: Person
    click_id: str
    app_id: str
    trigger_id: str
    to: Addressee
    mark: str = ""
    acts_at: str = ""
    #: The option or the person that was chosen in a menu.
    chosen: str = ""


def addressee(body: Body) -> Addressee:
    """The person who clicked, and where to answer."""
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    return Addressee(str(body["user"]["id"]), str(channel), str(body.get("response_url") or ""))


def read_click(body: Body) -> Click | None:
    """None for a button whose value this Lumen did not write."""
    action = body["actions"][0]
    chosen = str((action.get("selected_option") or {}).get("value") or action.get("selected_user") or "")
    meant = read_value(str(action.get("value", "")))
    if meant is None and (incident := _incident_of(action)) is not None:
        meant = incident.service, incident.key, "", ""  # a menu
    if meant is None:
        return None
    service, proposal_id, mark, acts_at = meant
    person = person_of_click(body)
    container = body.get("container") or {}
    message_ts = container.get("message_ts") or container.get("view_id") or ""
    return Click(
        action_id=str(action["action_id"]),
        service=service,
        proposal_id=proposal_id,
        person=person,
        click_id=f"{action.get('action_ts', '')}:{person.user_id}:{message_ts}:{action['action_id']}",
        app_id=str(body.get("api_app_id", "")),
        trigger_id=str(body.get("trigger_id", "")),
        to=replace(addressee(body), about=service.key),
        mark=mark,
        acts_at=acts_at,
        chosen=chosen,
    )


def _incident_of(holder: Mapping[str, Any]) -> Surface | None:
    """Of a row of an incident's message, or of what was pressed in it: that incident; None for any other."""
    name, _, of = str(holder.get("block_id", "")).partition(":")
    key, _, incident_id = of.partition(" ")
    try:
        return Surface(ServiceId.from_key(key), "alert", incident_id) if name == "incident" and incident_id else None
    except ValueError:
        return None


def read_value(value: str) -> tuple[ServiceId, str, str, str] | None:
    """Service, id, mark and moment that a button of Lumen's carries; None for another value."""
    pieces = value.split(" ")
    if len(pieces) not in _WORDS.get(pieces[0], ()) or not all(pieces):
        return None
    mark, acts_at, *_ = *pieces[3:], "", ""
    try:
        return ServiceId.from_key(pieces[1]), pieces[2], mark, acts_at
    except ValueError:
        return None


def claimed_surface(click: Click, body: Body) -> Surface | None:
    """The surface that the clicked message says it shows; None for answers, which may have the same buttons.

    None also for a card without a mark, which does not tell for certain.
    """
    clicked = body.get("message")
    kind = "alert" if click.action_id in ACTIONS else "proposal"
    surface = _incident_of(body["actions"][0]) or Surface(click.service, kind, click.proposal_id, click.mark)
    if surface.kind == "proposal" and click.mark in ("", UNMARKED):
        return None
    return surface if isinstance(clicked, dict) and shows(clicked, tag_of(surface)) else None


def card_of(posted: Mapping[str, Any]) -> Surface | None:
    """The proposal or the incident whose message, with buttons that decide a proposal, a message is, as Slack tells of
    it; None for any other message."""
    blocks = posted.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        row = block.get("elements") if isinstance(block, dict) else None
        values = [str(button.get("value", "")) for button in row] if isinstance(row, list) else []
        for service, proposal_id, mark, _ in filter(None, map(read_value, values)):
            surface = _incident_of(block) or Surface(service, "proposal", proposal_id, mark)
            if mark not in ("", UNMARKED) and shows(posted, tag_of(surface)):
                return surface
    return None


def reply_to(click: Click) -> str:
    """The click as one line of JSON, stored until its person has been told."""
    written = asdict(click) | {"service": click.service.key}
    return json.dumps({name: value for name, value in written.items() if name not in ("app_id", "trigger_id")})


def click_of_reply(text: str) -> Click | None:
    """Inverse of `reply_to`; None where another Lumen wrote it otherwise."""
    try:
        written = json.loads(text)
        return Click(
            action_id=str(written["action_id"]),
            service=ServiceId.from_key(str(written["service"])),
            proposal_id=str(written["proposal_id"]),
            person=Person(**written["person"]),
            click_id=str(written["click_id"]),
            app_id="",
            trigger_id="",
            to=Addressee(**written["to"]),
            mark=str(written.get("mark", "")),
        )
    except (ValueError, KeyError, TypeError):
        return None


def answer_click(responder: Responder, body: Body, step: Callable[[Request, Click], Awaitable[Shown]]) -> None:
    """Answer a button that decides no proposal: one step in the background. Returns at once."""
    click = read_click(body)
    if click is None:
        answer_unknown(responder, body)
        return
    responder.answer_once(
        click.service,
        click.click_id,
        click.to,
        lambda words: step(
            Request(words, click.service, click.person, click.app_id, click.click_id, click.to.channel), click
        ),
    )


def answer_unknown(responder: Responder, body: Body) -> None:
    """Tell that this button is of an old message or another version. Returns at once."""
    responder.say(addressee(body), message("slack.unknown_action"))


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences for the person who clicked. `about` gives the state's word, which is of the reader's language.

    `is_pending`: the store holds it as a pending reply until the person is told (lumen/ports/store.py).
    """

    sentences: Sequence[Message]
    about: Proposal | None = None
    is_pending: bool = False

    def said(self, words: Catalogue) -> tuple[Message, ...]:
        """The sentences with the state's word filled in."""
        if self.about is None:
            return tuple(self.sentences)
        state = words.plain(Message(f"word.state_{self.about.state}", {}))
        return tuple(Message(s.code, {**s.params, "state": state}) for s in self.sentences)


async def send_answer(responder: Responder, click: Click, answer: Answer) -> bool:
    """Whether it was delivered. Never raises."""
    words = await responder.languages.of(click.person.user_id)
    return await responder.send(click.to, *answer.said(words))


_DONE = {
    APPROVE: message("slack.click_approved"),
    REJECT: message("slack.click_rejected"),
    UNDO: message("slack.click_undone"),
}


def answer_to(click: Click, decided: Decided) -> Answer:
    """Done, or already decided by whom and when, or overtaken."""
    if click.action_id == SNOOZE and decided.proposal.state is State.PENDING and decided.proposal.acts_at is not None:
        code = "slack.click_snoozed" if decided.snoozed else "slack.click_snoozed_already"
        return Answer((Message(code, {"acts_at": iso(decided.proposal.acts_at)}),))
    if decided.won:
        return Answer((_done(click, decided.proposal),))
    if decided.voted:
        draft, votes = decided.proposal.draft, len(decided.proposal.votes)
        return Answer((message("slack.click_voted", votes=votes, needed=draft.approvals_needed),))
    return _too_late(click, decided.proposal)


def _done(click: Click, proposal: Proposal) -> Message:
    """What is done; of a rejection, what does not happen by itself any more."""
    if click.action_id == REJECT and proposal.draft.incident:
        return message("slack.click_rejected_rollback", target=str(proposal.draft.change.new))
    if click.action_id == REJECT and proposal.acts_at is not None:
        return message("slack.click_rejected_unasked")
    return _DONE[click.action_id]


def _too_late(click: Click, proposal: Proposal) -> Answer:
    decision, at = proposal.decision, proposal.decided_at
    if decision is None or at is None:
        raise ValueError(f"{proposal.id} lost a race that nobody won: it is {proposal.state}")
    overtaken = {
        Choice.EXPIRE: "slack.click_expired",
        Choice.SUPERSEDE: "slack.click_superseded",
        Choice.WITHDRAW: "slack.click_withdrawn",
    }.get(decision.choice)
    if overtaken is not None:
        return Answer((Message(overtaken, {"decided_at": iso(at)}),))
    if decision.person is None:
        return Answer((message("slack.click_too_late_elsewhere", decided_at=iso(at), state=""),), proposal)
    if decision.person.user_id == click.person.user_id and decision.choice is CHOICES.get(click.action_id):
        return Answer((message("slack.click_again", decided_at=iso(at)),))
    who = decision.person.user_id
    return Answer((message("slack.click_too_late", who_mention=who, decided_at=iso(at), state=""),), proposal)
