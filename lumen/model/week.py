"""The week of a service by the hour, as it is drawn, and its trends."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lumen.model.proposal import Change, State

HOURS_A_WEEK = 168
#: One hour alone is no curve.
LEAST_HOURS = 2
_OUTCOMES = {State.KEPT: "kept", State.HARMFUL: "taken_back", State.UNDONE: "taken_back"}


@dataclass(frozen=True, slots=True)
class Curve:
    """A value for each hour of the week, None where it is not known.

    Names and units: gate (points), hit_rate (0-1), p95_ms, cost_usd_per_day. `most`, by hour: what a value that is
    certain could be at most with what is missing; hours without an entry are exact, or not known at all.
    """

    name: str
    values: tuple[float | None, ...]
    most: tuple[tuple[int, float], ...] = ()

    @property
    def known(self) -> tuple[float, ...]:
        """The known values, in order."""
        return tuple(value for value in self.values if value is not None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A change that was applied, and its outcome."""

    at: datetime
    change: Change
    state: State

    @property
    def outcome(self) -> str:
        """`kept`, `taken_back` (or harmful), or `open`: without a clear effect, or without a verdict yet."""
        return _OUTCOMES.get(self.state, "open")


@dataclass(frozen=True, slots=True)
class Week:
    """168 hours from `start` on, which is in the readers' zone."""

    start: datetime
    curves: tuple[Curve, ...]
    changes: tuple[Mark, ...]

    @property
    def end(self) -> datetime:
        """The end in the readers' zone, right across a change of summer time."""
        return (self.start.astimezone(UTC) + timedelta(hours=HOURS_A_WEEK)).astimezone(self.start.tzinfo)

    @property
    def drawn(self) -> tuple[Curve, ...]:
        """The curves of which anything is known."""
        return tuple(curve for curve in self.curves if curve.known)

    @property
    def shows_something(self) -> bool:
        """Whether any curve can be drawn."""
        return any(len(curve.known) >= LEAST_HOURS for curve in self.curves)


@dataclass(frozen=True, slots=True)
class MetricTrend:
    """Change a day of `name`, in its own unit, with a 95 % interval, over `hours` known hours of seven days.

    Names and units: hit_rate and error_rate (ratios), p95_ms, requests_per_hour, cost_usd_per_day.
    """

    name: str
    hours: int
    #: The middle of the known hours: what the slope is to be compared with.
    level: float
    per_day: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no change."""
        return self.low > 0 or self.high < 0
