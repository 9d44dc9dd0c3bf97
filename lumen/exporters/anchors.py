"""Piecewise linear scores between published anchors (docs/scores.md)."""

from collections.abc import Sequence

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
