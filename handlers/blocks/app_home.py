"""App Home: the worst that is true now, what waits for a decision, figures, what people set, changes, connections.

Whoever may not decide sees no buttons that decide. Slack allows no charts in views.
"""

from collections.abc import Container, Sequence
from dataclasses import replace

from handlers.blocks.card import VIEW_MAX_BLOCKS, Card, Json
from handlers.blocks.control import control_told, end_button
from handlers.blocks.home import NameOf, all_card, worst_card
from handlers.blocks.incident import alert_lines
from handlers.blocks.proposal import add_buttons, followed, line, reasons_in_short, small_print, undo_button
from handlers.blocks.report import CHANGES_SHOWN, cautions, change_line, why_lines, worth_lines
from lumen.model.answers import Glance, Readiness, StatusReadout
from lumen.model.control import ControlKind
from lumen.model.fleet import Seen
from lumen.model.messages import Message, message
from lumen.model.proposal import Proposal, State
from lumen.model.service import ServiceId
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.key_figures import KeyFigure, key_figures
from lumen.wording.report import TurnReport
from lumen.wording.scores import worst_headline

#: A view holds a hundred blocks; of more proposals `/lumen approvals` tells.
WAITING_SHOWN = 12


def home(
    words: Catalogue,
    statuses: Sequence[StatusReadout],
    glances: Sequence[Glance] = (),
    health: Sequence[Readiness] = (),
    *,
    may_not: Container[ServiceId] = (),
) -> Json:
    """A view of type home, as Slack's JSON. `glances`: of all services, where there are several.

    `may_not`: the services on which the reader may not decide. `health`: what must work before Lumen is of use.
    """
    head, card, several = Card(words), Card(words), len(statuses) > 1
    if several:
        first, *overview = all_card(words, glances, lambda service: service.name).blocks
        head_blocks = [first]
    else:
        [status] = statuses
        head.header(worst_headline(words, status.service, status.worst, status.turn))
        head.titled(message("views.report_alerts"), alert_lines(words, status.alerts, status.silences))
        head_blocks, overview = list(head.blocks()), _figures(words, status)
    found = [proposal for status in statuses for proposal in status.open_proposals]
    _waiting(card, words, found, lambda service: service.name if several else "", may_not=may_not)
    rest = Card(words)
    for status in statuses:
        _set_by_people(rest, words, status, several=several, may_not=may_not)
        _changes(rest, words, status, several=several, may_not=may_not)
    _connections(rest, words, health)
    blocks = [*head_blocks, *card.blocks(), *overview, *rest.blocks()]
    return {"type": "home", "blocks": blocks[:VIEW_MAX_BLOCKS]}


def fleet_home(
    words: Catalogue,
    seen: Sequence[Seen],
    name_of: NameOf,
    health: Sequence[Readiness] = (),
    *,
    may_not: Container[ServiceId] = (),
) -> Json:
    """Of many services: what waits, then those that are the worst, and how many there are of each level."""
    first, *overview = worst_card(words, seen, name_of).blocks
    card, rest = Card(words), Card(words)
    found = [proposal for one in seen if isinstance(one, Glance) for proposal in one.unfinished]
    _waiting(card, words, sorted(found, key=lambda one: one.created_at), name_of, may_not=may_not)
    _connections(rest, words, health)
    return {"type": "home", "blocks": [first, *card.blocks(), *overview, *rest.blocks()][:VIEW_MAX_BLOCKS]}


def _waiting(
    card: Card, words: Catalogue, found: Sequence[Proposal], name_of: NameOf, *, may_not: Container[ServiceId]
) -> None:
    """Each with its reasons, who asked, and when it expires; then what is being done. `name_of` gives "" where there is
    one service."""
    waiting = [proposal for proposal in found if proposal.state is State.PENDING]
    card.section(message("views.home_open", count=len(waiting)) if waiting else message("views.home_none"))
    for proposal in waiting[:WAITING_SHOWN]:
        service = proposal.draft.service
        reasons = reasons_in_short(words, proposal.draft, has_details=service not in may_not)
        told = [*followed(words, proposal.draft), *reasons]
        card.lines([_line(words, proposal, name_of), *told, small_print(words, proposal)])
        if service not in may_not:
            add_buttons(card, proposal, name_of(service))
    if len(waiting) > WAITING_SHOWN:
        card.section(message("views.home_more", count=len(waiting) - WAITING_SHOWN))
    if any(proposal.draft.service in may_not for proposal in waiting):
        card.context([words.say(message("views.home_may_not"))])
    done = [proposal for proposal in found if proposal.state is not State.PENDING]
    card.lines([_line(words, proposal, name_of) for proposal in done[:WAITING_SHOWN]])
    card.divider()


def _line(words: Catalogue, proposal: Proposal, name_of: NameOf) -> str:
    """Of which service it is, where it could be of another one."""
    name = name_of(proposal.draft.service)
    return _named(words, name, line(words, proposal), bool(name))


def _named(words: Catalogue, service: str, told: str, several: bool) -> str:
    return words.say(message("service.of", service=service)) + told if several else told


def _figures(words: Catalogue, status: StatusReadout) -> list[Json]:
    """The gate with its parts and the four figures, what to do, and from when all of that is."""
    card, turn = Card(words), status.turn
    if turn is None:
        card.section(message("views.report_none"))
        return list(card.blocks())
    told = TurnReport(words, words.say, turn)
    card.titled(message("views.home_gate"), why_lines(told))
    card.grid([_figure(one) for one in key_figures(words, turn, status.day)])
    card.titled(message("views.report_recommended"), told.advice())
    card.titled(message("priority.title"), worth_lines(told, status.priorities))
    window = turn.snapshot.window
    card.context([words.say(message("views.hour", start_at=iso(window.start), end_at=iso(window.end)))])
    card.divider()
    return list(card.blocks())


def _figure(one: KeyFigure) -> tuple[str, str]:
    """Its name, and its value with target and change, a line each."""
    target = f" ({one.target})" if one.target else ""
    return one.name, "\n".join(piece for piece in (f"{one.sign} {one.value}{target}", one.change) if piece)


def _set_by_people(
    card: Card, words: Catalogue, status: StatusReadout, *, several: bool, may_not: Container[ServiceId]
) -> None:
    """Each control with the button that ends it, then what else nobody must forget."""
    lines = status.controls
    told = [words.say(control_told(status.service, one)) for one in lines]
    others = list(cautions(words, _without(status)))
    if not told and not others and not several:
        card.titled(message("views.home_set"), [words.say(message("views.home_set_none"))])
    for nth, (one, said) in enumerate(zip(lines, told, strict=True)):
        title = [f"*{words.say(message('views.home_set'))}*"] if nth == 0 else []
        card.lines([*title, said], None if status.service in may_not else end_button(status.service, one))
    card.titled(message("views.home_heed"), (_named(words, status.service.name, other, several) for other in others))


def _without(status: StatusReadout) -> StatusReadout:
    """The rest of what holds, where the lines tell of these already; what a setting does has no line."""
    kinds = {one.kind for one in status.controls}
    return replace(
        status,
        pause=None if kinds & {ControlKind.PAUSE, ControlKind.STOP} else status.pause,
        override=None if ControlKind.OVERRIDE in kinds else status.override,
        size_lock=None if ControlKind.SIZE_LOCK in kinds else status.size_lock,
        silences=() if ControlKind.SILENCE in kinds else status.silences,
    )


def _changes(
    card: Card, words: Catalogue, status: StatusReadout, *, several: bool, may_not: Container[ServiceId]
) -> None:
    """The last ones and what they did, each with its way back."""
    for nth, change in enumerate(status.changes[:CHANGES_SHOWN]):
        title = [f"*{words.say(message('views.report_changes'))}*"] if nth == 0 else []
        told = _named(words, status.service.name, change_line(words, change), several)
        card.lines([*title, told], None if status.service in may_not else undo_button(change.proposal, status.pinned))


def _connections(card: Card, words: Catalogue, health: Sequence[Readiness]) -> None:
    """One line while all is well; else what is not, in Lumen's own words for it."""
    if not health:
        return
    card.divider()
    names = ", ".join(words.plain(Message(f"health.name_{one.name}", {})) for one in health)
    ill = [one for one in health if not one.ready]
    if not ill:
        card.context([words.say(message("health.all_well", names=names))])
    for one in ill:
        name = words.plain(Message(f"health.name_{one.name}", {}))
        card.section(message("health.ill", name=name, detail=one.detail))
