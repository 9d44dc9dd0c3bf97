"""The line of one control in the channel, with the button that ends it; what is said in its thread; reminders."""

from dataclasses import replace

from handlers.blocks.card import Button, Card, Confirm, Shown
from handlers.blocks.proposal import moved
from lumen.model.control import ControlKind, ControlLine
from lumen.model.messages import Message, Param, message
from lumen.model.override import quoted
from lumen.model.proposal import Proposal, State
from lumen.model.service import ServiceId
from lumen.ports.store import Surface
from lumen.wording.catalogue import Catalogue, iso

END = "control.end"
#: Ending these has effects at once, so it is confirmed.
CONFIRMED = frozenset({ControlKind.PAUSE, ControlKind.STOP, ControlKind.OVERRIDE, ControlKind.SIZE_LOCK})


def control_card(words: Catalogue, service: ServiceId, line: ControlLine, *, ends_soon: bool = False) -> Shown:
    """One line; once it has ended it says how, and the button is gone."""
    card = Card(words)
    told = [words.say(control_told(service, line))]
    if line.ended is not None:
        told.append(words.say(ended_told(line)))
    elif ends_soon:
        told.append(words.say(message("control.ends_soon")))
    card.lines([" ".join(told)], None if line.ended is not None else end_button(service, line))
    return replace(card.shown(), under=_thread(service, line))


def control_told(service: ServiceId, line: ControlLine) -> Message:
    """Who set what, until when, and why."""
    params: dict[str, Param] = {
        "service": line.about if line.kind is ControlKind.SERVICE else service.name,
        "who_mention": line.by.user_id,
        "until": "" if line.until is None else message("control.until", until_at=iso(line.until)),
        "why": quoted(line.why),
        "ttl_seconds": line.about,
        "names": ", ".join(line.names),
        "channel_link": f"#{line.channel}",
    }
    return Message(f"control.{line.kind}", params)


def ended_told(line: ControlLine) -> Message:
    """How it ended: by whom, by its time, or by a newer one. Only of one that has."""
    assert line.ended is not None
    if line.ended.replaced:
        return message("control.ended_replaced", ended_at=iso(line.ended.at))
    if line.ended.by is None:
        return message("control.ended_time", ended_at=iso(line.ended.at))
    return message("control.ended_by", who_mention=line.ended.by.user_id, ended_at=iso(line.ended.at))


def note_card(words: Catalogue, service: ServiceId, line: ControlLine, *, ended: bool) -> Shown | None:
    """In its thread: that it has `ended`, or that it is about to; None where that is not so (any more).

    None also where somebody ended what stands in the thread of an incident, for that tells of all that people did.
    """
    if ended is not (line.ended is not None) or (line.incident and line.ended and line.ended.by):
        return None
    card = Card(words)
    if ended:
        card.section(ended_told(line))
    else:
        assert line.until is not None
        card.section(message("control.note_ends", who_mention=line.by.user_id, until_at=iso(line.until)))
    return replace(card.shown(), under=_thread(service, line) or Surface(service, "control", line.id))


def reminder_card(words: Catalogue, proposal: Proposal) -> Shown | None:
    """In the thread of a proposal that nobody has decided on; mentions nobody but who asked for it."""
    draft = proposal.draft
    if proposal.state is not State.PENDING:
        return None
    knob = words.plain(Message(f"word.knob_{draft.change.knob}", {}))
    params: dict[str, Param] = {
        "proposal_id": proposal.id,
        "what": f"{knob} {moved(words, draft.change)}",
        "expires_at": iso(proposal.expires_at),
    }
    card = Card(words)
    if draft.asked_by is None:
        card.section(Message("views.proposal_reminder", params))
    else:
        card.section(Message("views.proposal_reminder_asked", {**params, "who_mention": draft.asked_by.user_id}))
    own = Surface(draft.service, "proposal", proposal.id, proposal.mark)
    return replace(card.shown(), under=Surface(draft.service, "alert", proposal.shown_in) if proposal.shown_in else own)


def end_button(service: ServiceId, line: ControlLine) -> Button:
    """The one that ends it, for its line and for App Home."""
    params: dict[str, Param] = {"service": service.name, "ttl_seconds": line.about, "names": ", ".join(line.names)}
    kind = ControlKind.PAUSE if line.kind is ControlKind.STOP else line.kind
    label = Message(f"control.button_{kind}", params)
    dialog = Confirm(
        Message(f"control.confirm_{kind}_title", params),
        Message(f"control.confirm_{kind}_text", params),
        label,
        message("views.confirm_no"),
    )
    spoken = Message(f"control.spoken_{line.kind}", {}) if kind is ControlKind.PAUSE else None
    confirm = dialog if line.kind in CONFIRMED else None
    return Button(END, label, f"1 {service.key} {line.id}", spoken=spoken, confirm=confirm)


def _thread(service: ServiceId, line: ControlLine) -> Surface | None:
    return Surface(service, "alert", line.incident) if line.incident else None
