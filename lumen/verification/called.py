"""Whether an alert, of whatever kind, had something to tell: judged on the world's truth, not on what was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lumen.model.alert import AlertKind
from lumen.model.snapshot import SLICE_SECONDS
from lumen.verification.incidents import DAY, LABEL_OF, SimulatedIncident, Trouble
from lumen.verification.traffic import SECONDS_A_MONTH, Profile
from lumen.verification.world import WorldSlice

#: An alert this soon after an incident's end is still about it.
GRACE = 15 * 60.0
BILL_GRACE = DAY
#: What the limits of a fresh installation are: a cache that earns less than so many times its price, and this share of
#: the budget spent or all of it at this pace.
LEAST_RETURN = 3.0
BUDGET_SPENT = 0.8


@dataclass(frozen=True, slots=True)
class Truth:
    """What a person finds who looks: the world's incidents, its last day, and what the month has really cost."""

    profile: Profile
    incidents: Iterable[SimulatedIncident]
    day: Sequence[WorldSlice]
    cache_mb: int
    month_usd: float
    month_seconds: float

    def speaks_for(self, kind: AlertKind, now: float) -> bool:
        """Whether an alert of this kind that is told `now` had a reason: an incident, or what it says is so."""
        if any(is_about(one, kind, now) for one in self.incidents):
            return True
        if kind is AlertKind.ROI:
            return self._earns() < LEAST_RETURN
        return kind is AlertKind.BUDGET and self._is_dear()

    def _earns(self) -> float:
        seconds = len(self.day) * SLICE_SECONDS
        price = self.cache_mb * self.profile.cache_usd_per_mb_month * seconds / SECONDS_A_MONTH
        saved = sum(one.hits for one in self.day) * self.profile.model_call_usd
        return (saved - price) / price if price else saved

    def _is_dear(self) -> bool:
        pace = self.month_usd * SECONDS_A_MONTH / self.month_seconds if self.month_seconds else 0.0
        budget = self.profile.budget_usd
        return self.month_usd >= BUDGET_SPENT * budget or pace >= budget


def is_about(one: SimulatedIncident, kind: AlertKind, now: float) -> bool:
    """Whether an alert of this kind that is told `now` may be about it."""
    grace = BILL_GRACE if kind is AlertKind.COST else GRACE
    told = one.trouble in LABEL_OF or (kind is AlertKind.NO_DATA and one.trouble is Trouble.BLIND)
    return told and one.start < now <= one.end + grace
