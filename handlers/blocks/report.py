"""The hourly report, and the answer to `/lumen status`: how it is, what changed, what is missing, what to do."""

from collections.abc import Iterable, Sequence

from handlers.blocks.card import Card, Shown
from handlers.blocks.incident import alert_lines
from handlers.blocks.proposal import undo_button
from lumen.model.answers import ChangeOfLate, StatusReadout
from lumen.model.assessment import GateVerdict, Objective, Score
from lumen.model.messages import Message, NoData, message
from lumen.model.snapshot import Snapshot, Spend
from lumen.model.turn import Missing, Recommendation, Turn, Worth
from lumen.wording.catalogue import Catalogue, change_params, figure, iso, no_data, person, word
from lumen.wording.incidents import silence_line
from lumen.wording.money import at_least
from lumen.wording.restrictions import held_lines, unasked_lines
from lumen.wording.scores import (
    VERDICT_SIGNS,
    budget_lines,
    budgets_in_short,
    clear_trends,
    headline,
    move_line,
    move_of,
    objective_sign,
    span,
    trend_lines,
)

CHANGES_SHOWN = 3


PRIORITIES_SHOWN = 3


def report(words: Catalogue, readout: StatusReadout, *, whole: bool = False) -> Shown:
    """One card; before the first turn it says when that comes. `whole`: every priority, budget and trend at length."""
    card = Card(words)
    turn = readout.turn
    if turn is None:
        _before_the_first(card, readout)
        card.lines(list(_standing(words, readout)))
        card.titled(message("views.report_alerts"), alert_lines(words, readout.alerts, readout.silences))
        changes(card, words, readout.changes[:CHANGES_SHOWN])
        return card.shown()
    gate = turn.assessment.gate
    card.header(headline(words, turn, gate))
    card.context([_when(words, turn)])
    card.lines(list(_standing(words, readout)))
    card.titled(message("views.report_alerts"), alert_lines(words, readout.alerts, readout.silences))
    card.fields(_fields(words, turn))
    card.titled(message("views.report_why"), _why(words, turn))
    card.titled(message("views.report_objectives"), (objective_line(words, o) for o in turn.assessment.slo.objectives))
    budgets, trends = (budget_lines, trend_lines) if whole else (budgets_in_short, clear_trends)
    card.titled(message("budget.title"), budgets(words, words.say, turn.assessment.slo.budgets))
    card.titled(message("trend.title"), trends(words, words.say, turn.trends))
    changes(card, words, readout.changes[:CHANGES_SHOWN])
    card.titled(message("priority.title"), worth_lines(words, readout.priorities, whole=whole))
    card.titled(message("views.report_recommended"), recommendation_lines(words, turn))
    card.titled(message("views.report_missing"), _missing(words, turn.missing))
    card.context(_footer(words, readout))
    return card.shown()


def _standing(words: Catalogue, readout: StatusReadout) -> Iterable[str]:
    """What people must not forget: a setting that was lost or set by others, a pin, what they set against changes."""
    pinned = readout.pinned
    if readout.turn is not None and readout.now is not None and readout.is_stale:
        age = words.plain(span(readout.now - readout.turn.snapshot.window.end))
        yield words.say(message("explain.stale", age=age))
    if readout.turn is not None:
        yield from (f"⚠️ {words.say(drifted)}" for drifted in readout.turn.drift)
        if readout.turn.low_traffic is not None:
            yield f"⚠️ {words.say(readout.turn.low_traffic)}"
    if pinned is not None:
        yield words.say(message("views.report_pinned", revision=pinned.revision, since_at=iso(pinned.since)))
        yield from (f"• {words.say(difference)}" for difference in pinned.differences)
    yield from held_lines(words, readout)
    yield from unasked_lines(words, readout)
    yield from (words.say(silence_line(silence)) for silence in readout.silences)


def _before_the_first(card: Card, readout: StatusReadout) -> None:
    card.header(message("views.report_none_title", service=readout.service.name))
    if readout.next_turn_at is None:
        card.section(message("views.report_none"))
    else:
        card.section(message("views.report_none_until", next_turn_at=iso(readout.next_turn_at)))


def _when(words: Catalogue, turn: Turn) -> str:
    window = turn.snapshot.window
    return words.say(
        message(
            "views.report_when",
            service=turn.snapshot.service.name,
            region=turn.snapshot.service.region,
            start_at=iso(window.start),
            end_at=iso(window.end),
            turn_id=turn.id,
        )
    )


def _fields(words: Catalogue, turn: Turn) -> list[tuple[Message, str]]:
    seen, judged = turn.snapshot, turn.assessment
    cache, spend = seen.cache, seen.spend
    known_cache = None if isinstance(cache, NoData) else cache
    level = judged.maturity.level
    return [
        (
            message("views.field_hit_rate"),
            figure(words, known_cache.hit_rate if known_cache else None, "views.value_share"),
        ),
        (message("views.field_ttl"), _ttl(words, seen)),
        (message("views.field_p95"), figure(words, _p95_ms(seen), "views.value_ms")),
        (message("views.field_errors"), figure(words, _error_rate(seen), "views.value_small_share")),
        (
            message("views.field_memory"),
            figure(words, known_cache.memory_ratio if known_cache else None, "views.value_share"),
        ),
        (message("views.field_cache"), word(words, "cache", judged.cache.health)),
        (message("views.field_roi"), _with_sign(judged.roi.verdict, figure(words, judged.roi.roi, "views.value_roi"))),
        (message("views.field_maturity"), figure(words, level, "views.value_level")),
        (
            message("views.field_spend"),
            words.say(_spent(spend)),
        ),
        (message("views.field_rhythm"), word(words, "rhythm", judged.rhythm.state)),
    ]


def _spent(spend: Spend | NoData) -> Message:
    if isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData):
        return at_least(spend) or message("word.no_data")
    code = "views.value_spend_estimate" if spend.is_estimate else "views.value_spend"
    at = iso(spend.as_of)
    return Message(code, {"spent_usd": spend.month_to_date_usd, "budget_usd": spend.budget_usd, "as_of_at": at})


def _with_sign(verdict: GateVerdict, shown: str) -> str:
    return f"{VERDICT_SIGNS[verdict]} {shown}"


def _ttl(words: Catalogue, seen: Snapshot) -> str:
    if isinstance(seen.ttl, NoData):
        return words.say(message("word.no_data"))
    if seen.ttl.is_default:
        code = "views.value_ttl_default"
    else:
        code = "views.value_ttl" if seen.ttl.followed else "views.value_ttl_not_followed"
    return words.say(Message(code, {"ttl_seconds": seen.ttl.value_seconds}))


def _p95_ms(seen: Snapshot) -> float | None:
    traffic = seen.traffic
    if isinstance(traffic, NoData) or isinstance(traffic.latency, NoData) or traffic.latency.total == 0:
        return None
    return traffic.latency.percentile_ms(0.95)


def _error_rate(seen: Snapshot) -> float | None:
    traffic = seen.traffic
    if isinstance(traffic, NoData) or traffic.requests == 0:
        return None
    return traffic.errors_5xx / traffic.requests


def _why(words: Catalogue, turn: Turn) -> Iterable[str]:
    gate, move = turn.assessment.gate, move_of(turn, "gate")
    yield words.say(gate.health_reason)
    parts = _parts(words, gate.score)
    if parts:
        yield parts
    moved = move_line(words, words.say, move) if move is not None else None
    if moved is not None:
        yield moved


def _parts(words: Catalogue, score: Score) -> str:
    """What each part gave to the score; the points add up to it."""
    given = [(part, score.contribution(part)) for part in score.parts]
    return " · ".join(
        words.say(message("views.part", name=word(words, "part", part.name), points=points, most=100 * part.weight))
        if points is not None
        else words.say(message("views.part_no_data", name=word(words, "part", part.name)))
        for part, points in given
    )


def objective_line(words: Catalogue, objective: Objective) -> str:
    """One objective with its sign."""
    return f"{objective_sign(objective)} {words.say(objective.shown)}"


def changes(card: Card, words: Catalogue, found: Sequence[ChangeOfLate]) -> None:
    """What was changed of late and what it did, each with its way back at its side."""
    for nth, change in enumerate(found):
        title = [f"*{words.say(message('views.report_changes'))}*"] if nth == 0 else []
        card.lines([*title, change_line(words, change)], undo_button(change.proposal))


def change_line(words: Catalogue, change: ChangeOfLate) -> str:
    """What was changed, when and by whom, and the hit rate before and now."""
    proposal = change.proposal
    moved = words.say(
        message(
            "views.change",
            knob=word(words, "knob", proposal.draft.change.knob),
            **change_params(proposal.draft.change),
        )
    )
    when = words.instant(proposal.finished_at) if proposal.finished_at else ""
    by = person(proposal.decision.person) if proposal.decision and proposal.decision.person else ""
    return " · ".join(piece for piece in (moved, when, by, words.say(_effect(words, change))) if piece)


def _effect(words: Catalogue, change: ChangeOfLate) -> Message:
    """What was measured with its interval; until there is such a thing, the hit rates as they were read."""
    before = words.plain(_share(change.hit_rate_before))
    measured = change.proposal.measured
    if measured is not None:
        state = words.plain(Message(f"word.state_{change.proposal.state}", {}))
        return message("views.change_measured", state=state, reason=words.plain(measured.reason))
    if change.hit_rate_now is None:
        return message("views.change_measuring", before=before)
    return message("views.change_effect", before=before, now=words.plain(_share(change.hit_rate_now)))


def _share(value: float | None) -> Message:
    return message("word.no_data") if value is None else message("views.value_share", value=value)


def worth_lines(words: Catalogue, found: Sequence[Worth], *, whole: bool = False) -> Iterable[str]:
    """What is worth doing and what it is worth, the most urgent first; of many the first ones, unless `whole`."""
    shown = found if whole else found[:PRIORITIES_SHOWN]
    for one in shown:
        priority = words.plain(Message(f"word.priority_{one.priority}", {}))
        what, impact = words.plain(one.what), words.plain(one.impact)
        yield words.say(message("priority.line", priority=priority, what=what, impact=impact))
    if len(found) > len(shown):
        yield words.say(message("priority.more", count=len(found) - len(shown)))


def recommendation_lines(words: Catalogue, turn: Turn, lead: str = "") -> Iterable[str]:
    """What to do now, why, and what holds it back; `lead` stands before the first line."""
    wanted = turn.first
    if isinstance(wanted, NoData):
        yield lead + no_data(words, wanted)
        return
    yield lead + recommended(words, wanted)
    yield from (f"• {words.say(reason)}" for reason in wanted.reasons)
    yield from (f"• {words.say(reason)}" for reason in turn.held_back)


def recommended(words: Catalogue, wanted: Recommendation) -> str:
    """The recommendation in one line."""
    if wanted.change is None:
        return words.say(message("views.recommended_hold"))
    return words.say(
        message(
            "views.recommended",
            priority=word(words, "priority", wanted.priority),
            knob=word(words, "knob", wanted.change.knob),
            strategy=word(words, "strategy", wanted.strategy),
            **change_params(wanted.change),
        )
    )


def _missing(words: Catalogue, missing: Iterable[Missing]) -> Iterable[str]:
    said: set[str] = set()
    for lack in missing:
        line = no_data(words, lack.why)
        # One dead server takes several figures with it: its sentence is said once.
        if line not in said:
            said.add(line)
            yield f"• *{word(words, 'source', lack.what)}*: {line}"


def _footer(words: Catalogue, readout: StatusReadout) -> list[str]:
    lines = []
    if readout.open_proposals:
        lines.append(words.say(message("views.report_open", count=len(readout.open_proposals))))
    if readout.next_turn_at is not None:
        lines.append(words.say(message("views.report_next", next_turn_at=iso(readout.next_turn_at))))
    return lines
