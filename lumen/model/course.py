"""How an incident goes: since when requests fail, how many, whether it gets better, and which revisions they are of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.model.incident import RevisionCount

#: A slice is looked at four minutes after it has ended, and the next one five minutes later: figures that are older
#: than two looks are not of now.
OF_NOW = timedelta(minutes=14)


class Trend(StrEnum):
    """Of the newest figures, beside those before them."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Failing:
    """Requests of the slice that ended `at`, and how many of them failed (5xx)."""

    at: datetime
    requests: int
    errors_5xx: int

    @property
    def share(self) -> float:
        return self.errors_5xx / self.requests

    def is_of(self, now: datetime) -> bool:
        """Whether it tells of `now`."""
        return now - self.at <= OF_NOW


@dataclass(frozen=True, slots=True)
class Course:
    """From the first slice that failed to the last, as the stored slices tell.

    `newest` and `trend` are None where nothing is known. `unknown_slices` of `slices` tell nothing: whatever is counted
    over all of it is at least so much. `cost_usd`: of the service in that time; None where any of it is not known.
    """

    began: datetime
    ended: datetime
    slices: int
    unknown_slices: int
    requests: int
    errors_5xx: int
    newest: Failing | None = None
    trend: Trend | None = None
    #: Requests go well since then; None while they fail.
    well_since: datetime | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class RevisionsSeen:
    """The revisions behind a page as a look found them, up to `at`.

    `blamed`: requests of the newest one since it began to fail, or since it serves; `before`: of the one before it, in
    the day before. `hour`: slices of the last hour of each revision that got any, ascending. `blamed_until`: both tell
    of the time until then, since when the traffic has left the blamed one; `after`: of the one that got most of it.
    """

    at: datetime
    blamed: RevisionCount | None
    before: RevisionCount | None
    hour: tuple[RevisionCount, ...] = ()
    blamed_until: datetime | None = None
    after: RevisionCount | None = None
