"""Many services together: the day of each, and the money of all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.model.answers import LEVEL_OF, WORST_FIRST, Glance
from lumen.model.assessment import HealthLevel
from lumen.model.digest import PastIncident
from lumen.model.messages import NoData
from lumen.model.proposal import Proposal
from lumen.model.service import ServiceId

#: A service, or why nothing is known of it.
Seen = Glance | tuple[ServiceId, NoData]


def service_of(one: Seen) -> ServiceId:
    """The service that it is of."""
    return one.last.service if isinstance(one, Glance) else one[0]


def level_of(one: Seen) -> HealthLevel:
    """The worst that is true now; what cannot be read is not known."""
    return one.worst.level if isinstance(one, Glance) else HealthLevel.NO_DATA


def worst_first(seen: Sequence[Seen]) -> list[Seen]:
    """By how bad it is, then by key."""
    return sorted(seen, key=lambda one: (WORST_FIRST.index(level_of(one)), service_of(one).key))


@dataclass(frozen=True, slots=True)
class FleetDay:
    """The 24 hours of one service: how it is now, its incidents (the severest first), and the changes made beside."""

    now: Seen
    incidents: tuple[PastIncident, ...] = ()
    changes: tuple[Proposal, ...] = ()

    @property
    def service(self) -> ServiceId:
        """The service that it is of."""
        return service_of(self.now)

    @property
    def level(self) -> HealthLevel:
        """The worst of the day."""
        return min((level_of(self.now), *(LEVEL_OF[one.severity] for one in self.incidents)), key=WORST_FIRST.index)


@dataclass(frozen=True, slots=True)
class FleetMoney:
    """The month of all projects: each budget is of all services of a project. `spent_usd` is the known sum.

    `forecast_usd`: None where one of them has none. `unknown`: projects whose month is not known.
    """

    spent_usd: float
    budget_usd: float
    forecast_usd: float | None
    unknown: tuple[str, ...]
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class FleetDigest:
    """The day of all services of a channel, the worst first. `at`: its end, in the zone of its readers."""

    days: tuple[FleetDay, ...]
    at: datetime
    now: datetime

    @property
    def waiting(self) -> int:
        """Proposals that wait for a decision."""
        return sum(one.now.waiting for one in self.days if isinstance(one.now, Glance))

    @property
    def money(self) -> FleetMoney | None:
        """None before the first turn of any."""
        newest = {glance.last.service.project: glance for glance in self._with_turns()}
        if not newest:
            return None
        months = [Month.of(glance) for glance in newest.values()]
        known = [one for one in months if one.spent_usd is not None]
        forecasts = [one.forecast_usd for one in months]
        return FleetMoney(
            spent_usd=sum(one.spent_usd or 0.0 for one in known),
            budget_usd=sum(one.budget_usd for one in known),
            forecast_usd=None if None in forecasts else sum(one for one in forecasts if one is not None),
            unknown=tuple(sorted(one.project for one in months if one.spent_usd is None)),
            is_estimate=any(one.is_estimate for one in known),
        )

    def _with_turns(self) -> Iterator[Glance]:
        """The oldest turn first."""
        found = [one.now for one in self.days if isinstance(one.now, Glance)]
        turns = [(one.last.turn.started_at, one) for one in found if one.last.turn is not None]
        yield from (one for _, one in sorted(turns, key=lambda of: of[0]))


@dataclass(frozen=True, slots=True)
class Month:
    """The month of one project, as the newest turn of any of its services knows it; None for what is not known."""

    project: str
    spent_usd: float | None
    budget_usd: float
    forecast_usd: float | None
    is_estimate: bool

    @staticmethod
    def of(glance: Glance) -> "Month":
        """From its turn."""
        turn, project = glance.last.turn, glance.last.service.project
        spend = None if turn is None else turn.snapshot.spend
        if turn is None or spend is None or isinstance(spend, NoData) or isinstance(spend.month_to_date_usd, NoData):
            return Month(project, None, 0.0, None, is_estimate=False)
        forecast_usd = turn.assessment.rhythm.forecast_usd
        return Month(project, spend.month_to_date_usd, spend.budget_usd, forecast_usd, is_estimate=spend.is_estimate)
