"""The daily digest: the score now and over the day, the changes and what they did, the budget, the missed turns."""

from collections.abc import Sequence
from datetime import timedelta

from handlers.catalogue import Catalogue
from handlers.views.card import Card, Shown
from handlers.views.explain.budget import money
from handlers.views.frame import span
from handlers.views.judged import budget_lines, score_message, trend_lines
from handlers.views.report import HEALTH_SIGNS, changes, objective_line, recommended, worth_lines
from handlers.views.words import no_data, word
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.readout import StatusReadout
from lumen.model.turn import Occasion, Turn
from lumen.ports.state import Seal

DAY = timedelta(hours=24)


def digest(words: Catalogue, day: str, status: StatusReadout, turns: Sequence[Turn], seal: Seal | None = None) -> Shown:
    """`turns` newest first, `day` as YYYY-MM-DD in the readers' zone.

    `seal`: whoever keeps its digest, which stands there in small print, can prove later what the audit said that day.
    """
    card = Card(words)
    newest = status.turn
    card.header(message("digest.header", service=status.service.name, day=day))
    if newest is None:
        card.section(message("views.report_none"))
        return card.shown()
    if status.is_stale and status.now is not None:
        card.section(message("explain.stale", age=words.plain(span(status.now - newest.snapshot.window.end))))
    today = [turn for turn in turns if newest.started_at - turn.started_at < DAY]
    gate = newest.assessment.gate
    card.fields(
        [
            (message("digest.health"), f"{HEALTH_SIGNS[gate.health]} {word(words, 'health', gate.health)}"),
            (message("digest.score"), words.say(score_message(gate.score))),
            (message("digest.range"), _range(words, today)),
            (message("digest.turns"), words.say(_turns(today))),
        ]
    )
    objectives = newest.assessment.slo.objectives
    card.titled(message("views.report_objectives"), (objective_line(words, one) for one in objectives))
    card.titled(message("budget.title"), budget_lines(words, words.say, newest.assessment.slo.budgets))
    card.titled(message("trend.title"), trend_lines(words, words.say, newest.trends))
    card.titled(message("explain.budget_title"), (words.say(line) for line in money(newest)))
    changes(card, words, status.changes)
    card.titled(message("priority.title"), worth_lines(words, status.priorities))
    if isinstance(newest.first, NoData):
        card.titled(message("views.report_recommended"), [no_data(words, newest.first)])
    else:
        card.titled(message("views.report_recommended"), [recommended(words, newest.first)])
    if seal is not None:
        card.context([words.say(message("audit.digest_head", number=seal.number, head=seal.sha256))])
    return card.shown()


def _range(words: Catalogue, today: Sequence[Turn]) -> str:
    scores = [v for t in today if not isinstance(v := t.assessment.gate.score.value, NoData)]
    if not scores:
        return words.say(message("word.no_data"))
    return words.say(message("digest.range_value", low=min(scores), high=max(scores)))


def _turns(today: Sequence[Turn]) -> Message:
    slots = {turn.slot for turn in today if turn.occasion is not Occasion.ASKED}
    return message("digest.turns_value", made=len(slots), caught_up=sum(t.occasion is Occasion.CATCH_UP for t in today))
