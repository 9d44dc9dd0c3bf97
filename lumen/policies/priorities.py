"""Priorities at the end of a report: things worth doing, the most urgent first, each with its worth.

Nothing here is proposed or done: what is wrong is put in order, by what the turn found. Impacts are what was measured
(points of the gate that lie idle, money) or what the turn's own forecast says, never one that nobody made.
"""

from collections.abc import Iterator

from lumen.model.assessment import GateVerdict, RhythmState, Score
from lumen.model.forecast import confidence_word, expectation_of
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Expectation, Knob, Priority
from lumen.model.turn import Recommendation, Turn, Worth
from lumen.policies.size import SizeAdvice

#: Less than this share of the gate's hundred points is no work for anybody.
LEAST_POINTS = 0.5
#: Of parts that only could be better, as many as anybody will read.
MOST_GAINS = 2
_ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


def priorities(turn: Turn, size: SizeAdvice | None = None) -> tuple[Worth, ...]:
    """Changes, then what is missed, then what is not known, then what could be better; HIGH before LOW."""
    found = [*_changes(turn, size), *_objectives(turn), *_money(turn), *_unknown(turn), *_gains(turn)]
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.priority)))


def _changes(turn: Turn, size: SizeAdvice | None) -> Iterator[Worth]:
    sized = size.recommendation if size is not None else None
    seen: list[Knob] = []
    for wanted in (turn.first, turn.ttl, sized):
        if wanted is None or isinstance(wanted, NoData) or wanted.change is None or wanted.change.knob in seen:
            continue
        seen.append(wanted.change.knob)
        change = wanted.change
        what = message("priority.change", knob=change.knob.value, old=change.old, new=change.new, unit=change.unit)
        yield Worth(wanted.priority, what, _of_change(turn, wanted, size))


def _of_change(turn: Turn, wanted: Recommendation, size: SizeAdvice | None) -> Message:
    knob = wanted.change.knob if wanted.change else None
    expected = None if wanted.change is None else expectation_of(turn.forecast, wanted.change)
    if isinstance(expected, Expectation) and expected.monthly_calls_change is not None:
        return Message(
            "priority.expected",
            {
                "points": 100 * expected.hit_rate_change[1],
                "calls": round(expected.monthly_calls_change[1]),
                "usd": expected.monthly_cost_change_usd[1],
                "confidence_word": Message(f"predict.{confidence_word(expected.confidence)}", {}),
            },
        )
    if knob is Knob.CACHE_SIZE and size is not None and size.recommendation.change == wanted.change:
        return message("priority.of_size", added_cost_usd=size.added_cost_usd, savings_usd=size.savings_usd)
    point_usd = _point_usd(turn)
    if knob is Knob.TTL and point_usd is not None:
        return message("priority.of_ttl", point_usd=point_usd)
    return message("priority.of_unknown")


def _point_usd(turn: Turn) -> float | None:
    """The savings of a point of hit rate in 30 days, at the price of a call and the measured lookups."""
    savings = turn.assessment.roi.savings_usd
    counted = turn.snapshot.cache_day or turn.snapshot.cache
    if isinstance(savings, NoData) or isinstance(counted, NoData) or not counted.hit_rate:
        return None
    return savings / counted.hit_rate / 100


def _objectives(turn: Turn) -> Iterator[Worth]:
    slo = turn.assessment.slo
    for objective in slo.objectives:
        if objective.verdict in (GateVerdict.WARN, GateVerdict.FAIL):
            priority = Priority.HIGH if objective.alert else Priority.MEDIUM
            part = next(part for part in slo.compliance.parts if part.name == objective.name)
            points = _idle(slo.compliance, part.name) * _weight(turn, "slo_compliance")
            yield Worth(priority, message("priority.objective", part=objective.name), _points(points))


def _money(turn: Turn) -> Iterator[Worth]:
    roi, rhythm, spend = turn.assessment.roi, turn.assessment.rhythm, turn.snapshot.spend
    if roi.verdict in (GateVerdict.WARN, GateVerdict.FAIL) and not isinstance(roi.roi, NoData):
        priority = Priority.HIGH if roi.verdict is GateVerdict.FAIL else Priority.MEDIUM
        points = _idle(turn.assessment.gate.score, "roi")
        yield Worth(priority, message("priority.roi", roi=roi.roi), _points(points))
    if rhythm.state is RhythmState.CHAOTIC:
        yield Worth(Priority.HIGH, message("priority.chaotic"), message("priority.holds_critical"))
    if rhythm.state is RhythmState.DISSONANT:
        yield Worth(Priority.MEDIUM, message("priority.dissonant"), message("priority.holds_warning"))
    if not isinstance(spend, NoData) and rhythm.forecast_usd is not None and rhythm.forecast_usd > spend.budget_usd:
        over = rhythm.forecast_usd - spend.budget_usd
        yield Worth(Priority.HIGH, message("priority.budget"), message("priority.over_usd", over_usd=over))


def _unknown(turn: Turn) -> Iterator[Worth]:
    """Missing parts of the gate; each names itself in the list of what is missing."""
    score = turn.assessment.gate.score
    if isinstance(score.value, NoData):
        yield Worth(Priority.HIGH, message("priority.missing"), message("priority.no_score"))
    elif not score.is_whole:
        yield Worth(Priority.MEDIUM, message("priority.missing"), _points(score.most - score.value))


def _gains(turn: Turn) -> Iterator[Worth]:
    maturity = turn.assessment.maturity.score
    if isinstance(maturity.value, NoData):
        return
    missed = {one.name for one in turn.assessment.slo.objectives if one.verdict in (GateVerdict.WARN, GateVerdict.FAIL)}
    weight = _weight(turn, "maturity")
    parts = [part.name for part in maturity.parts if part.name not in {*missed, "data_quality"}]
    gains = [(_idle(maturity, name) * weight, name) for name in parts]
    for points, name in sorted(gains, reverse=True)[:MOST_GAINS]:
        if points >= LEAST_POINTS:
            yield Worth(Priority.LOW, message("priority.gain", part=name), _points(points))


def _idle(score: Score, name: str) -> float:
    """The points of `score` that a known part leaves lying."""
    part = next(part for part in score.parts if part.name == name)
    return 0.0 if isinstance(part.score, NoData) else (100 - part.score) * part.weight


def _weight(turn: Turn, name: str) -> float:
    return next(part.weight for part in turn.assessment.gate.score.parts if part.name == name)


def _points(points: float) -> Message:
    return message("priority.points", points=points)
