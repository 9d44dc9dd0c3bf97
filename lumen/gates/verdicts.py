"""From figures to PASS, WARN, FAIL or NO_DATA (mission 3.1 to 3.3). Missing data never makes a PASS."""

from collections.abc import Iterable

from lumen.model.assessment import Objective, Score, Verdict
from lumen.model.nodata import NoData

ROI_PASS = 5.0
ROI_WARN = 3.0
MATURITY_PASS = 60.0
MATURITY_WARN = 40.0


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
    """PASS needs the floor (what is certain) above the line; an incomplete score that only seems good is a WARN."""
    if isinstance(score.value, NoData):
        return Verdict.NO_DATA
    if score.value < warn_from:
        return Verdict.FAIL
    # The floor of a complete score is its value; the slack only absorbs the rounding of the weighted sum.
    return Verdict.PASS if score.floor >= pass_from - 1e-9 else Verdict.WARN
