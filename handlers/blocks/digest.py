"""The daily digest, for those who slept: what went wrong, how the day was, what was changed, what waits, the money."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from handlers.blocks.card import Card, Shown
from handlers.blocks.digest_charts import charts
from handlers.blocks.incident import learnt_lines
from handlers.blocks.proposal import line
from handlers.blocks.report import change_line
from lumen.model.alert import Severity
from lumen.model.assessment import GateVerdict, Objective
from lumen.model.digest import DAY, DigestReadout, PastIncident, turns_of_the_day
from lumen.model.forecast import Forecast
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Choice, Proposal, State
from lumen.model.turn import Occasion, Turn
from lumen.ports.store import Seal
from lumen.wording.catalogue import Catalogue, change_params, iso
from lumen.wording.incidents import SEVERITY_SIGNS, kinds
from lumen.wording.money import spent
from lumen.wording.restrictions import held_lines, silenced
from lumen.wording.scores import (
    HEALTH_SIGNS,
    VERDICT_SIGNS,
    budgets_in_short,
    score_message,
    span,
    worst_sign,
    worst_told,
)

#: Of each list so many, and beside a week; how many more there are is said.
LINES, LINES_WITH_WEEK = 5, 3


def digest(words: Catalogue, readout: DigestReadout, seal: Seal | None = None) -> Shown:
    """`seal`: whoever keeps its digest, which stands there in small print, can prove later what the audit said."""
    card, status = Card(words), readout.status
    sign, told = _worst(words, readout)
    day = f"{readout.at:%Y-%m-%d}"
    card.header(message("digest.header", sign=sign, service=status.service.name, day=day, told=words.plain(told)))
    card.context([words.say(message("digest.as_of", end_at=iso(readout.at.astimezone(UTC))))])
    card.titled(message("digest.incidents"), _short(words, readout, list(_incidents(words, readout))))
    if status.turn is None:
        card.section(message("views.report_none"))
    else:
        _measured(card, words, readout, status.turn)
    ended = {made.id for past in readout.incidents for made in past.changes}
    changes = [change_line(words, one) for one in status.changes if one.proposal.id not in ended]
    card.titled(message("digest.changes"), _short(words, readout, changes))
    card.lines(_predictions(words, readout))
    waits = [one for one in status.open_proposals if one.state is State.PENDING]
    card.titled(message("digest.waiting"), _short(words, readout, [line(words, one) for one in waits]))
    card.lines([*held_lines(words, status), *map(words.say, silenced(status.silences))])
    if status.turn is not None:
        _money(card, words, status.turn)
    charts(card, words, readout)
    _small_print(card, words, readout, seal)
    return card.shown()


def _worst(words: Catalogue, readout: DigestReadout) -> tuple[str, Message]:
    """The sign and the words of the worst thing of the day."""
    worst, status = readout.worst, readout.status
    if worst.incident is not None:
        past, lasted = worst.incident, words.plain(span(worst.incident.lasted(readout.now)))
        severity = words.plain(Message(f"incident.severity_{past.severity}", {}))
        told = message("digest.was", severity=severity, kinds=kinds(words, past.alerts), lasted=lasted)
        return SEVERITY_SIGNS[past.severity], told
    if worst.missed:
        names = ", ".join(words.plain(Message(f"assess.name_{one.name}", {})) for one in worst.missed)
        return HEALTH_SIGNS[worst.level], message("digest.missed_objectives", names=names)
    if worst.hours_without:
        return HEALTH_SIGNS[worst.level], message("digest.hours_without", count=worst.hours_without)
    return worst_sign(status.worst), worst_told(words, status.worst, status.turn)


def _incidents(words: Catalogue, readout: DigestReadout) -> Iterator[str]:
    """What, how long, how it ended, who; that there was none where Lumen looked."""
    for past in readout.incidents:
        yield incident_told(words, past, readout.now)
    if not readout.incidents and readout.turns:
        yield words.say(message("digest.no_incidents"))


def incident_told(words: Catalogue, past: PastIncident, now: datetime) -> str:
    """One of them in a line."""
    return " · ".join([_what(words, past, now), *_ended(words, past), *_who(words, past)])


def _what(words: Catalogue, past: PastIncident, now: datetime) -> str:
    lasted = words.plain(span(past.lasted(now)))
    code = "digest.incident_open" if past.closed_at is None else "digest.incident_over"
    told = words.say(Message(code, {"lasted": lasted, "opened_at": iso(past.opened_at)}))
    return f"{SEVERITY_SIGNS[past.severity]} *{kinds(words, past.alerts)}* {told}"


def _ended(words: Catalogue, past: PastIncident) -> Iterator[str]:
    for made in past.changes:
        knob = words.plain(Message(f"word.knob_{made.draft.change.knob}", {}))
        yield words.say(message("digest.ended", knob=knob, **change_params(made.draft.change), who_mention=_by(made)))
    if not past.changes and past.closed_at is not None:
        yield words.say(message("digest.ended_itself"))


def _by(made: Proposal) -> str:
    decision = made.decision
    if decision is None or decision.choice is Choice.TIMER or decision.person is None:
        return "timer"
    return decision.person.user_id


def _who(words: Catalogue, past: PastIncident) -> Iterator[str]:
    taken = past.incident.acknowledged
    if taken is not None:
        yield words.say(message("digest.taken", who_mention=taken.by.user_id))
    elif past.severity is Severity.PAGE:
        yield words.say(message("digest.nobody"))


def _measured(card: Card, words: Catalogue, readout: DigestReadout, newest: Turn) -> None:
    lines = [*_objectives(words, readout.objectives), *_gate(words, readout, newest)]
    card.titled(message("digest.objectives"), lines)


def _objectives(words: Catalogue, objectives: Sequence[Objective]) -> Iterator[str]:
    """What was missed, a line each with its target; why others cannot be told; what was met, in one line."""
    unknown: dict[str, list[str]] = {}
    for one in objectives:
        if one.verdict is GateVerdict.NO_DATA:
            unknown.setdefault(words.say(one.shown), []).append(words.say(Message(f"assess.name_{one.name}", {})))
        elif not one.met:
            told = words.say(Message(f"digest.objective_{one.name}", one.shown.params))
            yield f"{VERDICT_SIGNS[one.verdict]} {told}"
    yield from (f"{VERDICT_SIGNS[GateVerdict.NO_DATA]} {', '.join(names)}: {why}" for why, names in unknown.items())
    met = [words.say(Message(f"digest.met_{one.name}", one.shown.params)) for one in objectives if one.met]
    if met:
        yield f"{VERDICT_SIGNS[GateVerdict.PASS]} {' · '.join(met)}"


def _gate(words: Catalogue, readout: DigestReadout, newest: Turn) -> Iterator[str]:
    """The gate now and over the day, or that the last turn is too old to tell, and the hours without a turn."""
    status = readout.status
    if status.is_stale:
        age = words.plain(span(readout.now - newest.snapshot.window.end))
        yield words.say(message("explain.stale", age=age))
    gate, today = newest.assessment.gate, [t for t in readout.turns if readout.now - t.started_at < DAY]
    scores = [v for t in today if not isinstance(v := t.assessment.gate.score.value, NoData)]
    health = words.plain(Message(f"word.health_{gate.health}", {}))
    score = words.plain(score_message(gate.score))
    over = words.plain(message("digest.gate_over", low=min(scores), high=max(scores))) if scores else ""
    yield words.say(message("digest.gate", health=health, score=score)) + over
    _, missed = turns_of_the_day(readout.turns, readout.now)
    if missed:
        yield words.say(_missed(missed))


def _predictions(words: Catalogue, readout: DigestReadout) -> list[str]:
    """The share of the last forecasts that were right; nothing before the first day that one was made for is over."""
    made = next((turn.forecast for turn in readout.turns if isinstance(turn.forecast, Forecast)), None)
    if made is None or not made.back_tests:
        return []
    within = sum(one.is_within for one in made.back_tests)
    return [words.say(message("digest.predictions", count=len(made.back_tests), within=within))]


def _money(card: Card, words: Catalogue, newest: Turn) -> None:
    budgets = newest.assessment.slo.budgets
    known = [one for one in budgets if not isinstance(one.remaining, NoData)]
    names = [words.say(Message(f"budget.name_{one.name}", {})) for one in budgets if one not in known]
    unknown = [words.say(message("digest.budgets_unknown", names=", ".join(names)))] if names else []
    told = [*budgets_in_short(words, words.say, known), *unknown, words.say(_month(newest))]
    card.titled(message("digest.budgets"), told)


def _month(newest: Turn) -> Message:
    """The money spent, and where the month ends at its pace."""
    spend, forecast_usd = newest.snapshot.spend, newest.assessment.rhythm.forecast_usd
    if isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData) or forecast_usd is None:
        return message("digest.month", spent=spent(newest))
    figures = {
        "spent_usd": spend.month_to_date_usd,
        "budget_usd": spend.budget_usd,
        "forecast_usd": forecast_usd,
    }
    return Message("digest.month_estimated" if spend.is_estimate else "digest.month_ends", figures)


def _small_print(card: Card, words: Catalogue, readout: DigestReadout, seal: Seal | None) -> None:
    status = readout.status
    if status.learnt is not None:
        card.titled(message("label.title"), learnt_lines(words, status.learnt))
    made, missed = turns_of_the_day(readout.turns, readout.now)
    caught_up = sum(turn.occasion is Occasion.CATCH_UP for turn in made)
    lines = [_turns(made, missed, caught_up)] if missed or caught_up else []
    if seal is not None:
        lines.append(message("audit.digest_head", number=seal.number, head=seal.sha256))
    card.context([words.say(one) for one in lines])


def _short(words: Catalogue, readout: DigestReadout, lines: Sequence[str]) -> list[str]:
    """The first ones, and how many more there are."""
    most = LINES_WITH_WEEK if readout.days else LINES
    more = [words.say(message("digest.more", count=len(lines) - most))] if len(lines) > most else []
    return [*lines[:most], *more]


def _turns(made: Sequence[Turn], missed: Sequence[datetime], caught_up: int) -> Message:
    return message("digest.turns", made=len(made), hours=len(made) + len(missed), caught_up=caught_up)


def _missed(hours: Sequence[datetime]) -> Message:
    if len(hours) == 1:
        return message("digest.missed_one", missed_at=iso(hours[0]))
    return message("digest.missed", count=len(hours), first_at=iso(hours[0]), last_at=iso(hours[-1]))
