"""What a turn says beside its figures: error budgets, trends, what moved the scores, and that traffic is low.

`say` is `words.say` for Slack, or `words.plain` for a terminal or a file.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from lumen.model.answers import Worst
from lumen.model.assessment import (
    ErrorBudget,
    GateVerdict,
    HealthLevel,
    Part,
    PartMove,
    Score,
    UnifiedGate,
)
from lumen.model.messages import Message, NoData, Param, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import CacheStats
from lumen.model.turn import Turn
from lumen.model.week import MetricTrend
from lumen.wording.catalogue import Catalogue, Say, figure, iso, no_data, word
from lumen.wording.figures import difference
from lumen.wording.incidents import SEVERITY_SIGNS, kinds

#: Moves of less than this many points are no news.
LEAST_MOVE = 0.05
#: Ratios are shown in points of a hundred.
_SCALES = {"hit_rate": 100.0, "error_rate": 100.0}


def score_message(score: Score) -> Message:
    """The points that are certain; where something is missing, what they could be at most."""
    if isinstance(score.value, NoData):
        return message("word.no_data")
    if score.is_whole:
        return message("why.score", score=score.value)
    return message("why.score_at_least", score=score.value, most=score.most)


def budget_lines(words: Catalogue, say: Say, budgets: Sequence[ErrorBudget]) -> Iterator[str]:
    """One line a budget; of those that cannot be told, one line for each reason."""
    untold: dict[str, list[str]] = {}
    for budget in budgets:
        shown = words.plain(budget.shown)
        if isinstance(budget.remaining, NoData):
            untold.setdefault(shown, []).append(words.plain(Message(f"budget.name_{budget.name}", {})))
        elif isinstance(budget.burn, NoData):
            yield say(budget.shown)
        elif budget.lasts_days is not None:
            yield say(message("budget.ends", shown=shown, burn=budget.burn, days=budget.lasts_days))
        elif budget.back_days is not None:
            yield say(message("budget.back", shown=shown, burn=budget.burn, days=budget.back_days))
        else:
            yield say(message("budget.burn", shown=shown, burn=budget.burn))
    for shown, names in untold.items():
        yield say(message("budget.no_data", names=", ".join(names), shown=shown))


def budgets_in_short(words: Catalogue, say: Say, budgets: Sequence[ErrorBudget]) -> Iterator[str]:
    """All that are known in one line, then why the others are not."""
    known = [budget for budget in budgets if not isinstance(budget.remaining, NoData)]
    if known:
        yield " · ".join(f"{say(Message(f'budget.name_{one.name}', {}))} {say(budget_in_short(one))}" for one in known)
    yield from budget_lines(words, say, [budget for budget in budgets if isinstance(budget.remaining, NoData)])


def budget_in_short(budget: ErrorBudget) -> Message:
    """What is left of it, and when it is gone at this pace."""
    left = budget.remaining
    if isinstance(left, NoData):
        return budget.shown
    if left < 0:
        return message("budget.short_over", over=-left)
    if budget.lasts_days is not None:
        return message("budget.short_ends", remaining=left, days=budget.lasts_days)
    return message("budget.short_left", remaining=left)


def trend_lines(words: Catalogue, say: Say, trends: Sequence[MetricTrend] | NoData) -> Iterator[str]:
    """The clear ones with their intervals, the others by name alone."""
    if isinstance(trends, NoData):
        yield f"{say(trends.reason)} {say(trends.remedy)}"
        return
    unclear = []
    for trend in trends:
        if trend.is_clear:
            scale = _SCALES.get(trend.name, 1.0)
            figures = {"per_day": trend.per_day * scale, "low": trend.low * scale, "high": trend.high * scale}
            yield say(Message(f"trend.{trend.name}", figures))
        else:
            unclear.append(words.plain(Message(f"trend.name_{trend.name}", {})))
    if unclear:
        yield say(message("trend.none_clear", names=", ".join(unclear)))
    elif not trends:
        yield say(message("trend.too_early"))


def move_lines(words: Catalogue, say: Say, turn: Turn, score: str) -> Iterator[str]:
    """By how much gate, slo or maturity moved since the turn before, and which parts did it, the largest first.

    Nothing where there is nothing to compare with.
    """
    move = next((move for move in turn.moves if move.score == score), None)
    if move is None or move.before is None or move.now is None:
        return
    points = difference(move.now, move.before, 1)
    moved = sorted((part for part in move.parts if abs(part.points) >= LEAST_MOVE), key=lambda p: -abs(p.points))
    since_at = move.since.isoformat()
    figures: dict[str, Param] = {"before": move.before, "now": move.now, "points": points, "since_at": since_at}
    if moved:
        parts = " · ".join(_part_move(words, part) for part in moved)
        yield say(Message("why.moved", {**figures, "parts": parts}))
    else:
        yield say(Message("why.moved_alone", figures) if points else message("why.unmoved", since_at=since_at))


def since_before(words: Catalogue, turn: Turn, what: str) -> tuple[Message, ...]:
    """How `what` (health, roi, rhythm or cache) stood in the turn before; nothing where there was none."""
    then, now = turn.before, turn.assessment
    if then is None:
        return ()
    was, stands = {
        "health": (word(words, "health", then.health), word(words, "health", now.gate.health)),
        "roi": (figure(words, then.roi, "views.value_share"), figure(words, now.roi.roi, "views.value_share")),
        "rhythm": (word(words, "rhythm", then.rhythm), word(words, "rhythm", now.rhythm.state)),
        "cache": (word(words, "cache", then.cache), word(words, "cache", now.cache.health)),
    }[what]
    since_at = then.since.isoformat()
    if was == stands:
        return (message("why.unmoved", since_at=since_at),)
    return (message("why.was", since_at=since_at, before=was, now=stands),)


def _part_move(words: Catalogue, part: PartMove) -> str:
    came = "lost" if part.now is None else "back" if part.before is None else "moved"
    return words.plain(Message(f"why.part_{came}", {"name": named(words, part.name), "points": part.points}))


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def span(lasts: timedelta) -> Message:
    """Minutes, then hours, then days."""
    if lasts < HOUR:
        return message("explain.minutes", minutes=lasts // MINUTE)
    if lasts < 2 * DAY:
        return message("explain.hours", hours=lasts // HOUR, minutes=lasts % HOUR // MINUTE)
    return message("explain.days", days=lasts // DAY, hours=lasts % DAY // HOUR)


def gives(turn: Turn, name: str) -> Message:
    """What a part gives to the gate."""
    score = turn.assessment.gate.score
    part = next(part for part in score.parts if part.name == name)
    points = score.contribution(part)
    if points is None:
        return message("explain.gives_none", part=name, most=100 * part.weight)
    return message("explain.gives", part=name, points=points, most=100 * part.weight)


def missing_parts(score: Score) -> Iterator[NoData]:
    """Of the parts that count."""
    return (part.score for part in score.parts if part.weight > 0 and isinstance(part.score, NoData))


def missing_lines(words: Catalogue, missing: Iterable[NoData]) -> Iterator[str]:
    """The reason and the remedy; one dead server takes several figures with it, and is told once."""
    return (f"• {line}" for line in dict.fromkeys(no_data(words, lack) for lack in missing))


def named(words: Catalogue, name: str) -> str:
    """What a part, an objective or a row is called."""
    return words.plain(Message(f"assess.name_{name}", {}))


def latency_source(cache: CacheStats | NoData) -> Message | None:
    """Who measured the P95 of the cache; None where nobody did."""
    if isinstance(cache, NoData) or isinstance(cache.p95_ms, NoData):
        return None
    return Message(f"explain.p95_{cache.p95_source}", {}) if cache.p95_source in ("latencystats", "probe") else None


#: A colour is never alone: the word of the health stands beside it.
HEALTH_SIGNS = {
    HealthLevel.EXCELLENT: "🟢",
    HealthLevel.GOOD: "🟢",
    HealthLevel.WARNING: "🟡",
    HealthLevel.CRITICAL: "🔴",
    HealthLevel.NO_DATA: "⚪",
}

VERDICT_SIGNS = {GateVerdict.PASS: "✅", GateVerdict.WARN: "⚠️", GateVerdict.FAIL: "❌", GateVerdict.NO_DATA: "⚪"}


def headline(words: Catalogue, turn: Turn, gate: UnifiedGate) -> Message:
    """What the turn found, for the first line of what speaks of the turn alone."""
    return worst_headline(words, turn.snapshot.service, Worst(gate.health, (), is_unknown=False), turn)


def worst_headline(words: Catalogue, service: ServiceId, worst: Worst, turn: Turn | None) -> Message:
    """The worst that is true now, for the first line of whatever speaks of a service."""
    told = words.plain(worst_told(words, worst, turn))
    return message("views.report_header", sign=worst_sign(worst), service=service.name, told=told)


def worst_sign(worst: Worst) -> str:
    """Of the alert that says it, or of the health."""
    return SEVERITY_SIGNS[worst.alerts[0].alert.severity] if worst.alerts else HEALTH_SIGNS[worst.level]


def worst_told(words: Catalogue, worst: Worst, turn: Turn | None) -> Message:
    """The same without sign and service."""
    if worst.alerts:
        severity = words.plain(Message(f"incident.severity_{worst.alerts[0].alert.severity}", {}))
        return message("views.told_alert", severity=severity, kinds=kinds(words, (one.alert for one in worst.alerts)))
    if turn is None:
        return message("views.told_none")
    if worst.is_unknown:
        return message("views.told_old")
    gate = turn.assessment.gate
    health = words.plain(Message(f"word.health_{gate.health}", {}))
    if isinstance(gate.score.value, NoData):
        return message("views.told_no_score", health=health)
    return message("views.told", health=health, score=words.plain(score_message(gate.score)))


def turn_found(words: Catalogue, turn: Turn) -> Message:
    """What the last turn found, where something else is true now: with its time, and without a sign."""
    gate, end_at = turn.assessment.gate, iso(turn.snapshot.window.end)
    health = words.plain(Message(f"word.health_{gate.health}", {}))
    return message("views.turn_found", end_at=end_at, health=health, score=words.plain(score_message(gate.score)))


def scores_of(turn: Turn) -> tuple[tuple[str, Score], ...]:
    """By the names under which their moves are kept."""
    found = turn.assessment
    return ("gate", found.gate.score), ("slo", found.slo.compliance), ("maturity", found.maturity.score)


def score_lines(words: Catalogue, say: Say, turn: Turn, name: str, score: Score) -> Iterator[str]:
    """The score, its parts, and what moved it since the turn before."""
    yield say(score_message(score))
    for part in score.parts:
        yield f"• {_part_line(words, say, score, part)}"
    yield from move_lines(words, say, turn, name)


def _part_line(words: Catalogue, say: Say, score: Score, part: Part) -> str:
    what = named(words, part.name)
    if isinstance(part.score, NoData):
        code = "why.part_absent" if part.weight == 0 else "why.part_missing"
        return say(Message(code, {"name": what, "weight": part.weight, "reason": words.plain(part.score.reason)}))
    if not isinstance(part.value, NoData):
        what = words.plain(Message(f"assess.part_{part.name}", {"value": part.value}))
    points = score.contribution(part)
    if points is None:
        return say(message("why.part_only", what=what, score=part.score, weight=part.weight))
    return say(message("why.part", what=what, score=part.score, weight=part.weight, points=points))
