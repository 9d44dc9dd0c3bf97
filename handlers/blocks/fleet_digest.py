"""The digest of a channel with several services, in one message: what went wrong, which need a look, changes, money."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import chain

from handlers.blocks.card import Card, Shown
from handlers.blocks.digest import incident_told
from handlers.blocks.home import NameOf, levels_told
from handlers.blocks.report import change_line
from lumen.model.answers import ChangeOfLate, Glance
from lumen.model.assessment import HealthLevel
from lumen.model.digest import severest_first
from lumen.model.fleet import FleetDay, FleetDigest, FleetMoney, level_of
from lumen.model.messages import Message, message
from lumen.wording.catalogue import Catalogue, iso, no_data
from lumen.wording.scores import HEALTH_SIGNS, worst_sign, worst_told

#: So many services that need a look, a line each; of incidents and changes so many.
LOOKS = 10
LINES = 5
#: These need a look.
_BAD = (HealthLevel.CRITICAL, HealthLevel.WARNING, HealthLevel.NO_DATA)
#: Reasons that say no more than the line before them.
_SAYS_NOTHING = frozenset({"assess.health_good", "assess.health_excellent"})


def fleet_digest(words: Catalogue, found: FleetDigest, name_of: NameOf) -> Shown:
    """Two screens of a phone at most, however many services there are."""
    card, day = Card(words), f"{found.at:%Y-%m-%d}"
    incidents = severest_first([past for one in found.days for past in one.incidents], found.now)
    told = {past.incident.service for past in incidents[:LINES] if past.closed_at is None}
    bad = [one for one in found.days if level_of(one.now) in _BAD]
    looks = [_look(words, one, name_of) for one in bad if one.service not in told]
    sign = HEALTH_SIGNS[found.days[0].level] if found.days else HEALTH_SIGNS[HealthLevel.NO_DATA]
    state = message("digest.fleet_bad", count=len(bad)) if bad else message("digest.fleet_well")
    count = len(found.days)
    card.header(message("digest.fleet_header", sign=sign, count=count, day=day, told=words.plain(state)))
    card.context([words.say(message("digest.as_of", end_at=iso(found.at.astimezone(UTC))))])
    lines = [_of(words, name_of(past.incident.service)) + incident_told(words, past, found.now) for past in incidents]
    card.titled(message("digest.incidents"), _short(words, lines or [words.say(message("digest.no_incidents"))], LINES))
    card.titled(message("digest.fleet_looks"), _short(words, looks, LOOKS))
    card.lines([levels_told(words, [one.now for one in found.days])])
    card.titled(message("digest.changes"), _short(words, list(_changes(words, found, name_of)), LINES))
    if found.waiting:
        card.section(message("digest.fleet_waiting", count=found.waiting))
    if found.money is not None:
        card.titled(message("digest.budgets"), map(words.say, _money(found.money)))
    card.context([words.say(message("digest.fleet_more"))])
    return card.shown()


def _look(words: Catalogue, one: FleetDay, name_of: NameOf) -> str:
    """How it is now and why."""
    now = one.now
    if not isinstance(now, Glance):
        return f"{HEALTH_SIGNS[HealthLevel.NO_DATA]} {_of(words, name_of(now[0]))}{no_data(words, now[1])}"
    turn, worst = now.last.turn, now.worst
    pieces = [words.say(worst_told(words, worst, turn))]
    if worst.is_of_turn and turn is not None and turn.assessment.gate.health_reason.code not in _SAYS_NOTHING:
        pieces.append(words.say(turn.assessment.gate.health_reason))
    if now.waiting:
        pieces.append(words.say(message("explain.all_waiting", count=now.waiting)))
    return f"{worst_sign(worst)} {_of(words, name_of(one.service))}{' · '.join(pieces)}"


def _changes(words: Catalogue, found: FleetDigest, name_of: NameOf) -> Iterator[str]:
    for one in found.days:
        for made in one.changes:
            yield _of(words, name_of(one.service)) + change_line(words, ChangeOfLate(made, None, None))


def _money(money: FleetMoney) -> Iterator[Message]:
    figures = {"spent_usd": money.spent_usd, "budget_usd": money.budget_usd}
    if money.forecast_usd is not None and not money.unknown:
        code = "digest.month_estimated" if money.is_estimate else "digest.month_ends"
        yield Message(code, {**figures, "forecast_usd": money.forecast_usd})
    elif money.budget_usd:
        yield Message("digest.fleet_month", figures)
    if money.unknown:
        yield message("digest.fleet_unknown", names=", ".join(money.unknown))


def _of(words: Catalogue, service: str) -> str:
    return words.say(message("service.of", service=service))


def _short(words: Catalogue, lines: Sequence[str], most: int) -> list[str]:
    """The first ones, and how many more there are."""
    more = [words.say(message("digest.more", count=len(lines) - most))] if len(lines) > most else []
    return list(chain(lines[:most], more))
