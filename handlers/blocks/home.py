"""Several services: all at a glance, which one a channel speaks of, and of which one an answer is."""

from collections.abc import Callable, Iterator, Sequence

from handlers.blocks.card import Card, Shown, age_of
from lumen.model.answers import WORST_FIRST, Glance
from lumen.model.assessment import HealthLevel
from lumen.model.messages import Message, NoData, message
from lumen.model.service import Chosen, ServiceId
from lumen.wording.catalogue import Catalogue, iso, no_data
from lumen.wording.incidents import kinds
from lumen.wording.scores import HEALTH_SIGNS, score_message, worst_headline

#: Reasons that say no more than the line above them.
_SAYS_ONLY_THE_SCORE = frozenset({"assess.health_good", "assess.health_excellent"})
#: A block each, below Slack's fifty, and short enough that the text says all of them.
SERVICES_SHOWN = 20
#: Of many names, so many in a list and in a note above an answer.
NAMES_LISTED = 40
NAMES_NOTED = 6
#: What people call a service.
NameOf = Callable[[ServiceId], str]


def all_card(words: Catalogue, glances: Sequence[Glance | tuple[ServiceId, NoData]]) -> Shown:
    """`/lumen status all`. A service whose memory cannot be read says why."""
    card = Card(words)
    ordered = sorted(glances, key=_rank)
    card.header(_worst_of_all(words, ordered))
    for glance in ordered[:SERVICES_SHOWN]:
        card.lines(list(_lines(words, glance)))
    left = ", ".join(_service(one).name for one in ordered[SERVICES_SHOWN:])
    if left:
        card.section(message("explain.all_left_out", names=left))
    if len(glances) > 1:
        card.context([words.say(message("explain.all_more"))])
    return card.shown()


def _service(one: Glance | tuple[ServiceId, NoData]) -> ServiceId:
    return one.last.service if isinstance(one, Glance) else one[0]


def _rank(one: Glance | tuple[ServiceId, NoData]) -> tuple[int, str]:
    return WORST_FIRST.index(_level(one)), _service(one).key


def _level(one: Glance | tuple[ServiceId, NoData]) -> HealthLevel:
    return one.worst.level if isinstance(one, Glance) else HealthLevel.NO_DATA


def _worst_of_all(words: Catalogue, ordered: Sequence[Glance | tuple[ServiceId, NoData]]) -> Message:
    """How the worst of them is, and how many there are."""
    count = len(ordered)
    if not ordered:
        return message("explain.all_title", count=count)
    worst = ordered[0]
    if not isinstance(worst, Glance):
        return message("explain.all_worst_unknown", sign="⚪", service=_service(worst).name, count=count)
    told = words.plain(worst_headline(words, worst.last.service, worst.worst, worst.last.turn))
    return message("explain.all_worst", worst=told, count=count)


def _lines(words: Catalogue, one: Glance | tuple[ServiceId, NoData]) -> Iterator[str]:
    if not isinstance(one, Glance):
        service, why = one
        yield f"⚪ *{service.name}*: {no_data(words, why)}"
        return
    last, turn = one.last, one.last.turn
    if turn is None:
        next_at = iso(last.next_turn_at)
        yield words.say(message("explain.all_none", sign="⚪", service=last.service.name, next_turn_at=next_at))
    else:
        gate = turn.assessment.gate
        yield words.say(
            message(
                "explain.all_line",
                sign=HEALTH_SIGNS[one.worst.level],
                service=last.service.name,
                health=words.plain(Message(f"word.health_{gate.health}", {})),
                score=words.plain(score_message(gate.score)),
            )
        )
        if gate.health_reason.code not in _SAYS_ONLY_THE_SCORE:
            yield words.say(gate.health_reason)
    beside = [words.say(each) for each in _beside(words, one)]
    if beside:
        yield " · ".join(beside)


def _beside(words: Catalogue, one: Glance) -> Iterator[Message]:
    if one.alerts:
        yield message("explain.all_alerts", kinds=kinds(words, (each.alert for each in one.alerts)))
    if one.waiting:
        yield message("explain.all_waiting", count=one.waiting)
    if one.pause is not None:
        yield message("explain.all_paused")
    if one.pinned is not None:
        yield message("explain.all_pinned", revision=one.pinned.revision)
    if one.last.turn is not None:
        code = "explain.all_stale" if one.last.is_stale else "explain.all_age"
        yield Message(code, {"age": age_of(words, one.last)})


def services_card(
    words: Catalogue, name_of: NameOf, services: Sequence[ServiceId], here: ServiceId, chosen: Chosen | None
) -> Shown:
    """`/lumen service`: `services` of this channel, of which its commands speak of `here`; `chosen`: who made it so."""
    card = Card(words)
    card.header(message("service.title"))
    if len(services) == 1:
        card.section(message("service.only", service=name_of(here)))
        return card.shown()
    others = [service for service in services if service != here]
    card.section(
        message("service.line_here", service=name_of(here)),
        *(message("service.line", service=name_of(service)) for service in others[:NAMES_LISTED]),
        *([message("service.more", count=len(others) - NAMES_LISTED)] if len(others) > NAMES_LISTED else []),
    )
    if chosen is not None:
        card.section(message("service.chosen_by", who_mention=chosen.by.user_id, chosen_at=iso(chosen.at)))
    card.context([words.say(message("service.hint"))])
    return card.shown()


def note(
    name_of: NameOf, services: Sequence[ServiceId], of: ServiceId, chosen: Chosen | None, *, named: bool
) -> Message:
    """Of which of the `services` of a channel an answer is, where it could be of another one."""
    if named:
        return message("service.note_named", service=name_of(of))
    names = [name_of(service) for service in services if service != of]
    others = ", ".join([*names[:NAMES_NOTED], *(["…"] if len(names) > NAMES_NOTED else [])])
    if chosen is None:
        return message("service.note_default", service=name_of(of), others=others)
    return message("service.note_chosen", service=name_of(of), who_mention=chosen.by.user_id, others=others)
