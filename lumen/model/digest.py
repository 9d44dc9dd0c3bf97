"""The 24 hours that a digest tells of, and on Mondays the week: what went wrong, what was measured, the worst of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import SEVEREST_FIRST, Alert, AlertKind, Severity
from lumen.model.answers import LEVEL_OF, WORST_FIRST, StatusReadout
from lumen.model.assessment import GateVerdict, HealthLevel, Objective
from lumen.model.incident import Incident
from lumen.model.proposal import Proposal
from lumen.model.turn import Occasion, Turn

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
MONDAY = 0


@dataclass(frozen=True, slots=True)
class Period:
    """Figures of the time from `start` until `end`. Each is None where less than three quarters of it is known.

    Rates are 0-1; `p95_ms` is the mean of the P95 of its slices, weighted by their requests.
    """

    start: datetime
    end: datetime
    error_rate: float | None = None
    hit_rate: float | None = None
    p95_ms: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class PastIncident:
    """An incident, and the changes that were made to end it, oldest first."""

    incident: Incident
    changes: tuple[Proposal, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All that it told of, oldest first."""
        return tuple(one.alert for one in self.incident.alerts)

    @property
    def severity(self) -> Severity:
        """The severest that any of its alerts was."""
        return min((alert.severity for alert in self.alerts), key=SEVEREST_FIRST.index)

    @property
    def kinds(self) -> tuple[AlertKind, ...]:
        """What it was about, each once."""
        return tuple(dict.fromkeys(alert.kind for alert in self.alerts))

    @property
    def opened_at(self) -> datetime:
        """When the first of its alerts opened."""
        return min(alert.opened_at for alert in self.alerts)

    @property
    def closed_at(self) -> datetime | None:
        """When the last of them closed; None while one is open."""
        closed = [alert.closed_at for alert in self.alerts]
        return None if None in closed else max(at for at in closed if at is not None)

    def lasted(self, now: datetime) -> timedelta:
        """From its beginning to its end, or until now."""
        return (self.closed_at or now) - self.opened_at


@dataclass(frozen=True, slots=True)
class DayWorst:
    """The worst level of the day and what says so: an incident that is over, objectives that were missed, or hours
    without a turn; none of them: how the service is now."""

    level: HealthLevel
    incident: PastIncident | None = None
    missed: tuple[Objective, ...] = ()
    hours_without: int = 0


@dataclass(frozen=True, slots=True)
class DigestReadout:
    """All that a digest says. `at`: the end of its 24 hours, in the zone of its readers.

    `turns` newest first, `incidents` the severest and longest first, `objectives` over the 24 hours, `periods` of them.
    `week`: half days, and `days` of the week; empty but on Mondays.
    """

    status: StatusReadout
    at: datetime
    turns: tuple[Turn, ...] = ()
    incidents: tuple[PastIncident, ...] = ()
    objectives: tuple[Objective, ...] = ()
    periods: tuple[Period, ...] = ()
    week: tuple[Period, ...] = ()
    days: tuple[Period, ...] = ()
    #: How many incidents began on each of `days`.
    incidents_by_day: tuple[int, ...] = ()

    @property
    def now(self) -> datetime:
        """When it was asked for."""
        return self.status.now or self.at

    @property
    def worst(self) -> DayWorst:
        """The worst of the day: what is true now counts as much as what is over, and comes first where it is as bad."""
        over = [one for one in self.incidents if one.closed_at is not None]
        missed = [one for one in self.objectives if one.verdict in (GateVerdict.WARN, GateVerdict.FAIL)]
        failed = [one for one in missed if one.verdict is GateVerdict.FAIL]
        _, without = turns_of_the_day(self.turns, self.now)
        found = [
            DayWorst(self.status.worst.level),
            *(DayWorst(LEVEL_OF[one.severity], incident=one) for one in over),
            *([DayWorst(HealthLevel.CRITICAL, missed=tuple(failed))] if failed else []),
            *([DayWorst(HealthLevel.WARNING, missed=tuple(missed))] if missed else []),
            *([DayWorst(HealthLevel.NO_DATA, hours_without=len(without))] if without else []),
        ]
        return min(found, key=lambda one: WORST_FIRST.index(one.level))


def severest_first(incidents: Sequence[PastIncident], now: datetime) -> tuple[PastIncident, ...]:
    """Those that are open first, then by severity, then the longest."""
    return tuple(
        sorted(
            incidents,
            key=lambda one: (one.closed_at is not None, SEVEREST_FIRST.index(one.severity), -one.lasted(now)),
        )
    )


def turns_of_the_day(turns: Sequence[Turn], now: datetime) -> tuple[Sequence[Turn], Sequence[datetime]]:
    """Of the 24 hours up to the newest that can have one: the turns that were made, and the hours without any.

    Hours before the first turn that is remembered do not count.
    """
    by_slot = {turn.slot: turn for turn in turns if turn.occasion is not Occasion.ASKED}
    if not by_slot:
        return (), ()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    last = this_hour if this_hour in by_slot else this_hour - HOUR
    hours = [hour for back in reversed(range(24)) if (hour := last - back * HOUR) >= min(by_slot)]
    return [by_slot[hour] for hour in hours if hour in by_slot], [hour for hour in hours if hour not in by_slot]
