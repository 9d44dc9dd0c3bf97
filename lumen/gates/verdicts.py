"""From figures to PASS, WARN, FAIL or NO_DATA (mission 3.1 to 3.3). Missing data never makes a PASS."""

from collections.abc import Iterable

from lumen.model.assessment import (
    MATURITY_PASS,
    MATURITY_WARN,
    ROI_PASS,
    ROI_WARN,
    ROUNDING,
    Objective,
    Score,
    Verdict,
)
from lumen.model.nodata import NoData


def slo_verdict(objectives: Iterable[Objective]) -> Verdict:
    """FAIL on an alert condition, WARN on a missed objective; PASS only when every objective is known and met."""
    known = list(objectives)
    if any(objective.alert for objective in known):
        return Verdict.FAIL
    if any(objective.met is False for objective in known):
        return Verdict.WARN
    if not known or any(objective.met is None for objective in known):
        return Verdict.NO_DATA
    return Verdict.PASS


def roi_verdict(roi: float | NoData) -> Verdict:
    """`roi` is a ratio: above 500 % PASS, above 300 % WARN, else FAIL."""
    if isinstance(roi, NoData):
        return Verdict.NO_DATA
    if roi > ROI_PASS:
        return Verdict.PASS
    return Verdict.WARN if roi > ROI_WARN else Verdict.FAIL


def score_verdict(score: Score, pass_from: float = MATURITY_PASS, warn_from: float = MATURITY_WARN) -> Verdict:
    """By the points that are certain. A FAIL must be certain too: where what is missing could lift it, NO_DATA."""
    if isinstance(score.value, NoData):
        return Verdict.NO_DATA
    if score.value < warn_from - ROUNDING:
        return Verdict.FAIL if score.most < warn_from else Verdict.NO_DATA
    return Verdict.PASS if score.value >= pass_from - ROUNDING else Verdict.WARN
