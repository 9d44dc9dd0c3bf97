"""Several services: all at a glance, which one a channel speaks of, and of which one an answer is."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from handlers.blocks.card import Button, Card, Shown, age_of
from lumen.model.answers import WORST_FIRST, Glance
from lumen.model.fleet import Seen, level_of, worst_first
from lumen.model.messages import Message, message
from lumen.model.service import Chosen, ServiceId
from lumen.wording.catalogue import Catalogue, iso, no_data
from lumen.wording.incidents import kinds
from lumen.wording.scores import HEALTH_SIGNS, score_message, worst_headline

#: Reasons that say no more than the line above them.
_SAYS_ONLY_THE_SCORE = frozenset({"assess.health_good", "assess.health_excellent"})
#: A block each, below Slack's fifty, and short enough that the text says all of them.
SERVICES_SHOWN = 20
WORST_SHOWN = 10
#: Of many names, so many in a list and in a note above an answer.
NAMES_LISTED = 40
NAMES_NOTED = 6
#: The ways to another page.
PREVIOUS, NEXT = "status_all_previous", "status_all_next"
#: What people call a service.
NameOf = Callable[[ServiceId], str]


@dataclass(frozen=True, slots=True)
class Page:
    """What of many services is shown: a page of those that `wanted` chooses (words, or labels as `team=payments`)."""

    number: int = 0
    wanted: str = ""


def all_card(words: Catalogue, glances: Sequence[Seen], name_of: NameOf, page: Page = Page()) -> Shown:
    """`/lumen status all`, the worst first. A service whose memory cannot be read says why."""
    card, ordered = Card(words), worst_first(glances)
    pages = max(1, -(-len(ordered) // SERVICES_SHOWN))
    first = min(max(0, page.number), pages - 1) * SERVICES_SHOWN
    card.header(_worst_of_all(words, ordered, name_of))
    if page.wanted:
        card.context([words.say(message("explain.all_wanted", given=page.wanted))])
    if len(ordered) > SERVICES_SHOWN:
        card.lines([levels_told(words, ordered)])
    for one in ordered[first : first + SERVICES_SHOWN]:
        card.lines(list(_lines(words, one, name_of)))
    if pages > 1:
        _turn_page(card, replace(page, number=first // SERVICES_SHOWN), pages, len(ordered))
    if len(glances) > 1:
        card.context([words.say(message("explain.all_more"))])
    return card.shown()


def worst_card(words: Catalogue, glances: Sequence[Seen], name_of: NameOf) -> Shown:
    """The worst of many, and how many there are of each level."""
    card, ordered = Card(words), worst_first(glances)
    card.header(_worst_of_all(words, ordered, name_of))
    card.lines([levels_told(words, ordered)])
    for one in ordered[:WORST_SHOWN]:
        card.lines(list(_lines(words, one, name_of)))
    if len(ordered) > WORST_SHOWN:
        card.section(message("explain.all_rest", count=len(ordered) - WORST_SHOWN))
    return card.shown()


def _turn_page(card: Card, page: Page, pages: int, count: int) -> None:
    """Where one is, and the ways on; a button carries all that the next page needs."""
    first, last = page.number * SERVICES_SHOWN + 1, min(count, (page.number + 1) * SERVICES_SHOWN)
    card.section(message("explain.all_page", first=first, last=last, count=count))
    ways = [
        Button(action_id, message(code), page_value(replace(page, number=number)))
        for action_id, code, number in (
            (PREVIOUS, "explain.all_previous", page.number - 1),
            (NEXT, "explain.all_next", page.number + 1),
        )
        if 0 <= number < pages
    ]
    card.buttons(ways, "status_all")


def page_value(page: Page) -> str:
    """What the button of a page carries."""
    return f"{page.number} {page.wanted}"


def page_of(value: str) -> Page:
    """Inverse of `page_value`; the first page where it is none of Lumen's."""
    number, _, wanted = value.partition(" ")
    return Page(int(number) if number.isdecimal() else 0, wanted)


def levels_told(words: Catalogue, seen: Sequence[Seen]) -> str:
    """How many there are of each level, the worst first."""
    counts = Counter(map(level_of, seen))
    return " · ".join(
        words.say(
            message(
                "explain.all_level",
                sign=HEALTH_SIGNS[level],
                count=counts[level],
                health=words.plain(Message(f"word.health_{level}", {})),
            )
        )
        for level in WORST_FIRST
        if counts[level]
    )


def _worst_of_all(words: Catalogue, ordered: Sequence[Seen], name_of: NameOf) -> Message:
    """How the worst of them is, and how many there are."""
    count = len(ordered)
    if not ordered:
        return message("explain.all_title", count=count)
    worst = ordered[0]
    if not isinstance(worst, Glance):
        return message("explain.all_worst_unknown", sign="⚪", service=name_of(worst[0]), count=count)
    named = replace(worst.last.service, name=name_of(worst.last.service))
    told = words.plain(worst_headline(words, named, worst.worst, worst.last.turn))
    return message("explain.all_worst", worst=told, count=count)


def _lines(words: Catalogue, one: Seen, name_of: NameOf) -> Iterator[str]:
    if not isinstance(one, Glance):
        service, why = one
        yield f"⚪ *{name_of(service)}*: {no_data(words, why)}"
        return
    last, turn = one.last, one.last.turn
    if turn is None:
        next_at = iso(last.next_turn_at)
        yield words.say(message("explain.all_none", sign="⚪", service=name_of(last.service), next_turn_at=next_at))
    else:
        gate = turn.assessment.gate
        yield words.say(
            message(
                "explain.all_line",
                sign=HEALTH_SIGNS[one.worst.level],
                service=name_of(last.service),
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
