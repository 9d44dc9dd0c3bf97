"""Moves of the scores since the turn before, part by part, and the anchors that scores are interpolated on."""

from collections.abc import Sequence
from datetime import datetime

from lumen.model.assessment import Assessment, Before, PartMove, Score, ScoreMove
from lumen.model.messages import NoData


def moves(before: Assessment, since: datetime, now: Assessment) -> tuple[ScoreMove, ...]:
    """The gate, SLO compliance and maturity against those of the turn that began at `since`."""
    pairs = (
        ("gate", before.gate.score, now.gate.score),
        ("slo", before.slo.compliance, now.slo.compliance),
        ("maturity", before.maturity.score, now.maturity.score),
    )
    return tuple(_move(name, since, was, is_now) for name, was, is_now in pairs)


def before(then: Assessment, since: datetime) -> Before:
    """The figures of the turn before that are compared beside the scores."""
    roi = then.roi.roi
    return Before(
        since, then.gate.health, None if isinstance(roi, NoData) else roi, then.rhythm.state, then.cache.health
    )


def _move(name: str, since: datetime, before: Score, now: Score) -> ScoreMove:
    """A score that is there on one side only is compared with nothing: its parts then do not add up to a move."""
    was, points = _contributions(before), _contributions(now)
    parts = tuple(PartMove(part, was.get(part), points.get(part)) for part in {**points, **was})
    return ScoreMove(name, since, _value(before), _value(now), parts)


def _contributions(score: Score) -> dict[str, float | None]:
    return {part.name: score.contribution(part) for part in score.parts}


def _value(score: Score) -> float | None:
    return None if isinstance(score.value, NoData) else score.value


Anchors = Sequence[tuple[float, float]]


def between(anchors: Anchors, value: float) -> float:
    """The score (0-100) of `value` on `anchors`, pairs (value, score) ascending in value; flat beyond both ends."""
    first_value, first_score = anchors[0]
    if value <= first_value:
        return first_score
    lower_value, lower_score = first_value, first_score
    for upper_value, upper_score in anchors[1:]:
        if value <= upper_value:
            share = (value - lower_value) / (upper_value - lower_value)
            return lower_score + share * (upper_score - lower_score)
        lower_value, lower_score = upper_value, upper_score
    return lower_score
