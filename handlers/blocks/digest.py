"""The daily digest: the score now and over the day, the changes and what they did, the budget, the missed turns."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from handlers.blocks.card import Card, Picture, Shown
from handlers.blocks.incident import alert_lines, learnt_lines
from handlers.blocks.report import changes, worth_lines
from handlers.blocks.week_picture import picture_title, picture_words
from lumen.model.answers import StatusReadout
from lumen.model.assessment import HealthLevel
from lumen.model.messages import Message, NoData, message
from lumen.model.turn import Occasion, Turn
from lumen.model.week import Week
from lumen.ports.store import Seal
from lumen.wording.catalogue import Catalogue, iso, word
from lumen.wording.money import money
from lumen.wording.report import TurnReport, objective_lines
from lumen.wording.scores import (
    HEALTH_SIGNS,
    budget_lines,
    score_message,
    span,
    trend_lines,
    turn_found,
    worst_sign,
    worst_told,
)

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)


def digest(
    words: Catalogue,
    day: str,
    status: StatusReadout,
    turns: Sequence[Turn],
    seal: Seal | None = None,
    week: Week | None = None,
) -> Shown:
    """`turns` newest first, `day` as YYYY-MM-DD in the readers' zone, `week` what is drawn.

    `seal`: whoever keeps its digest, which stands there in small print, can prove later what the audit said that day.
    """
    card = Card(words)
    newest = status.turn
    sign, said = worst_sign(status.worst), words.plain(worst_told(words, status.worst, newest))
    card.header(message("digest.header", sign=sign, service=status.service.name, day=day, told=said))
    if status.now is not None:
        card.context([words.say(message("digest.as_of", now_at=iso(status.now)))])
    if newest is not None and not status.worst.is_of_turn:
        card.section(turn_found(words, newest))
    card.titled(message("views.report_alerts"), alert_lines(words, status.alerts, status.silences))
    if status.learnt is not None:
        card.titled(message("label.title"), learnt_lines(words, status.learnt))
    if newest is None:
        card.section(message("views.report_none"))
        return card.shown()
    if status.is_stale and status.now is not None:
        card.section(message("explain.stale", age=words.plain(span(status.now - newest.snapshot.window.end))))
    now = status.now or newest.started_at
    today = [turn for turn in turns if now - turn.started_at < DAY]
    made, missed = turns_of_the_day(turns, now)
    gate = newest.assessment.gate
    card.fields(
        [
            (message("digest.health"), _health(words, status, gate.health)),
            (message("digest.score"), words.say(score_message(gate.score))),
            (message("digest.range"), _range(words, today)),
            (message("digest.turns"), words.say(_turns(made, missed))),
        ]
    )
    if missed:
        card.section(_missed(missed))
    if week is not None and week.shows_something:
        card.picture(Picture(status.service, week), picture_title(words, week), picture_words(words, week))
    card.titled(message("trend.title"), trend_lines(words, words.say, newest.trends))
    changes(card, words, status.changes, status.pinned)
    told = TurnReport(words, words.say, newest)
    objectives = objective_lines(told.rows(), newest.assessment.slo.objectives)
    card.titled(message("views.report_objectives"), objectives)
    card.titled(message("budget.title"), budget_lines(words, words.say, newest.assessment.slo.budgets))
    card.titled(message("explain.budget_title"), (words.say(line) for line in money(newest)))
    card.titled(message("priority.title"), worth_lines(told, status.priorities))
    card.titled(message("views.report_recommended"), [next(told.advice())])
    if seal is not None:
        card.context([words.say(message("audit.digest_head", number=seal.number, head=seal.sha256))])
    return card.shown()


def _health(words: Catalogue, status: StatusReadout, found: HealthLevel) -> str:
    """A sign only where the turn still tells how it is."""
    sign = HEALTH_SIGNS[found] if status.worst.is_of_turn else ""
    return f"{sign} {word(words, 'health', found)}".lstrip()


def _range(words: Catalogue, today: Sequence[Turn]) -> str:
    scores = [v for t in today if not isinstance(v := t.assessment.gate.score.value, NoData)]
    if not scores:
        return words.say(message("word.no_data"))
    return words.say(message("digest.range_value", low=min(scores), high=max(scores)))


def turns_of_the_day(turns: Sequence[Turn], now: datetime) -> tuple[Sequence[Turn], Sequence[datetime]]:
    """Of the 24 hours up to the newest that can have one: the turns that were made, and the hours without any.

    Hours before the first turn that is remembered do not count.
    """
    by_slot = {turn.slot: turn for turn in turns if turn.occasion is not Occasion.ASKED}
    if not by_slot:
        return (), ()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    last = this_hour if this_hour in by_slot else this_hour - HOUR
    hours = [hour for back in reversed(range(24)) if (hour := last - back * HOUR) >= min(by_slot)]
    return [by_slot[hour] for hour in hours if hour in by_slot], [hour for hour in hours if hour not in by_slot]


def _turns(made: Sequence[Turn], missed: Sequence[datetime]) -> Message:
    if not made and not missed:
        return message("word.no_data")
    caught_up = sum(turn.occasion is Occasion.CATCH_UP for turn in made)
    return message("digest.turns_value", made=len(made), hours=len(made) + len(missed), caught_up=caught_up)


def _missed(hours: Sequence[datetime]) -> Message:
    if len(hours) == 1:
        return message("digest.missed_one", missed_at=iso(hours[0]))
    return message("digest.missed", count=len(hours), first_at=iso(hours[0]), last_at=iso(hours[-1]))
