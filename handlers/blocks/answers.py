"""Short answers: help, a typo, the TTL as it is, the history, and every sentence that a click or a command gets.

`/lumen size`, `l1` and `instances` alone: how it stands, how far it may be turned, what would be proposed.
"""

from collections.abc import Callable, Iterable, Sequence

from handlers.blocks.card import Card, Shown
from handlers.blocks.forecast import charts, cheapest, size_lines
from handlers.blocks.proposal import add_buttons, expected_lines, line
from handlers.command_table import NAMES, TABLE, find
from lumen.model.answers import KnobReadout, TtlReadout
from lumen.model.audit import AuditEntry
from lumen.model.forecast import Method
from lumen.model.messages import LumenError, Message, NoData, NotPossible, message
from lumen.model.override import pinned_by
from lumen.model.proposal import Proposal, State
from lumen.model.service import ServiceId
from lumen.model.turn import Recommendation
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue, no_data
from lumen.wording.report import recommended, ttl_now

#: A block of Slack holds 3,000 characters.
HELP_LINES_A_BLOCK = 8
#: Two blocks each, and a message has fifty.
APPROVALS_SHOWN = 20


def said(words: Catalogue, *wanted: Message) -> Shown:
    """Plain sentences, a line each."""
    card = Card(words)
    card.section(*wanted)
    return card.shown()


def whom_to_ask(support: str) -> tuple[Message, ...]:
    """SUPPORT_CONTACT in a sentence; nothing where it is empty."""
    return (message("slack.support", contact=support),) if support else ()


def failed(words: Catalogue, error: LumenError, support: str = "") -> Shown:
    """What went wrong, and how to mend it; whom to ask, unless it is what the person asked for that cannot be done."""
    ask = () if isinstance(error, NotPossible) else whom_to_ask(support)
    return said(words, message("slack.failed", reason=words.plain(error.reason)), error.remedy, *ask)


def broken(words: Catalogue, error: Exception, support: str = "") -> Shown:
    """A fault of Lumen's own."""
    return said(words, message("slack.bug", kind=type(error).__name__), *whom_to_ask(support))


#: From and to in seconds; None where it is not the same for all services that may be meant.
TtlRange = tuple[int, int] | None


def help_card(words: Catalogue, ttl_range: TtlRange, support: str = "") -> Shown:
    """One short line a command; `support`: whom to ask about this installation."""
    card = Card(words)
    card.header(message("command.help_title"))
    card.context([words.say(message("command.help_intro"))])
    lines = [words.say(_help("short", name, ttl_range)) for name in NAMES]
    for at in range(0, len(lines), HELP_LINES_A_BLOCK):
        card.lines(lines[at : at + HELP_LINES_A_BLOCK])
    card.context([words.say(each) for each in (message("command.help_share"), *whom_to_ask(support))])
    return card.shown()


def help_of(words: Catalogue, name: str, ttl_range: TtlRange) -> Shown:
    """All of one command: what it does, and its other name."""
    entry = find(name) or TABLE[0]
    card = Card(words)
    card.lines([words.say(_help("help", entry.name, ttl_range))])
    card.context([words.say(message("command.help_typed", usage=entry.usage, korean=entry.korean))])
    return card.shown()


def _help(kind: str, name: str, ttl_range: TtlRange) -> Message:
    if ttl_range is None:
        return Message(f"command.{kind}_ttl_unlike" if name == "ttl" else f"command.{kind}_{name}", {})
    return Message(f"command.{kind}_{name}", {"min_seconds": ttl_range[0], "max_seconds": ttl_range[1]})


def misspelt(words: Catalogue, given: str, nearest: str) -> Shown:
    """The nearest command, or all of them."""
    if nearest:
        return said(words, message("command.unknown_near", given=given, nearest=nearest))
    return said(words, message("command.unknown", given=given, names=", ".join(NAMES)))


def ttl_card(words: Catalogue, readout: TtlReadout) -> Shown:
    """The setting as it was read just now, whether the service follows, and the recommendation."""
    card = Card(words)
    setting = readout.setting
    if isinstance(setting, NoData):
        card.section(message("command.ttl_unknown", service=readout.service.name))
        card.lines([no_data(words, setting)])
    else:
        card.section(ttl_now(readout.service.name, setting))
    if readout.override is not None:
        card.lines([f"📍 {words.say(pinned_by(readout.override))}"])
    wanted = readout.recommendation
    if isinstance(wanted, NoData):
        card.lines([no_data(words, wanted)])
    else:
        card.lines(wanted_lines(words, wanted))
    if readout.expected is not None:
        card.titled(message("views.proposal_expected"), expected_lines(words, readout.expected))
    forecast = readout.forecast
    if not isinstance(forecast, NoData):
        card.lines([words.say(cheapest(forecast))])
        for chart in charts(words, forecast):
            card.chart(chart)
        accesses, days = forecast.accesses, forecast.days
        code = "forecast.rests_on_misses" if forecast.method is Method.MISSES else "forecast.rests_on"
        card.context([words.say(Message(code, {"accesses": accesses, "days": days}))])
    card.context([words.say(message("command.ttl_hint"))])
    return card.shown()


def wanted_lines(words: Catalogue, wanted: Recommendation) -> list[str]:
    """The wanted value, and why."""
    return [words.say(recommended(words, wanted)), *(f"• {words.say(reason)}" for reason in wanted.reasons)]


def proposed(words: Catalogue, proposal: Proposal, request_id: str) -> Shown:
    """The asker sees the expected effect first; its buttons stand in the channel.

    Where another request made it, it is told that it proposes just that.
    """
    card = Card(words)
    is_new = proposal.draft.request_id == request_id
    new = "command.proposed_in_incident" if proposal.shown_in else "command.proposed"
    told = Message(new, {}) if is_new else message("command.proposed_already", proposal_id=proposal.id)
    card.lines([words.say(told), line(words, proposal)])
    card.lines(expected_lines(words, proposal.draft.expected))
    if not is_new and proposal.state is State.PENDING:  # its card may be far above, or in a thread
        add_buttons(card, proposal)
    return card.shown()


def approvals_card(words: Catalogue, proposals: Iterable[Proposal]) -> Shown:
    """`/lumen approvals`: what waits for a decision or is being done."""
    card = Card(words)
    found = list(proposals)
    card.header(message("views.approvals_title", count=len(found)))
    for proposal in found:
        card.lines([line(words, proposal)])
        if proposal.state is State.PENDING:
            add_buttons(card, proposal)
    card.section(*([] if found else [message("views.approvals_none")]))
    return card.shown()


def approvals_of_all(
    words: Catalogue,
    proposals: Sequence[Proposal],
    name_of: Callable[[ServiceId], str],
    unknown: Sequence[ServiceId] = (),
) -> Shown:
    """`/lumen approvals all`: those of several services, what waits first. `unknown`: services that do not tell."""
    card = Card(words)
    ordered = sorted(proposals, key=lambda one: (one.state is not State.PENDING, one.created_at))
    card.header(message("views.approvals_title", count=len(ordered)))
    for proposal in ordered[:APPROVALS_SHOWN]:
        service = proposal.draft.service
        card.lines([words.say(message("service.of", service=name_of(service))) + line(words, proposal)])
        if proposal.state is State.PENDING:
            add_buttons(card, proposal, name_of(service))
    if len(ordered) > APPROVALS_SHOWN:
        card.section(message("views.approvals_more", count=len(ordered) - APPROVALS_SHOWN))
    card.section(*([] if ordered else [message("views.approvals_none")]))
    if unknown:
        card.section(message("views.approvals_unknown", names=", ".join(map(name_of, unknown[:APPROVALS_SHOWN]))))
    return card.shown()


def history_card(words: Catalogue, entries: Sequence[AuditEntry]) -> Shown:
    """The newest lines of the audit, a line each."""
    card = Card(words)
    card.header(message("command.history_title"))
    lines = [history_line(words, entry) for entry in entries]
    card.lines(lines or [words.say(message("command.history_none"))])
    return card.shown()


def knob_card(words: Catalogue, name: str, readout: KnobReadout) -> Shown:
    """`name` is the command that proposes another value."""
    card = Card(words)
    service = readout.service.name
    if isinstance(readout.value, NoData):
        card.section(message("command.knob_unknown", knob=readout.knob.value, service=service))
        card.lines([no_data(words, readout.value)])
    else:
        value, unit = readout.value, readout.unit
        card.section(message("command.knob_now", knob=readout.knob.value, service=service, value=value, unit=unit))
    if readout.wanted is None:
        card.section(message("command.knob_hold", knob=readout.knob.value))
    else:
        card.lines(wanted_lines(words, readout.wanted))
    card.titled(message("views.proposal_expected"), size_lines(words, readout.value, readout.forecast))
    if readout.lowest is not None and readout.highest is not None:
        lowest, highest, unit = readout.lowest, readout.highest, readout.unit
        card.context([words.say(message("command.knob_hint", name=name, lowest=lowest, highest=highest, unit=unit))])
    return card.shown()
