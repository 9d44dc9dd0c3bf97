"""Forecasts and effects by a control, from the accesses that the simulated service reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from lumen.effects.disturbance import Surroundings, begun_anew
from lumen.effects.experiment import Experiment, judge_held
from lumen.effects.hours import HOUR
from lumen.effects.verdict import LookFinding
from lumen.model.alert import Observation
from lumen.model.forecast import Forecast, Prices, Replayed
from lumen.model.messages import NoData
from lumen.model.snapshot import Snapshot
from lumen.policies.holding_back import permille_of
from lumen.policies.size import UNKNOWN_MEMORY
from lumen.use_cases.forecasting import A_DAY, Asked, forecast, whole_day
from lumen.use_cases.held_effects import LEAST_KNOWN
from lumen.verification.accesses import KeptDays

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Foresight:
    """A forecast of an hour is made where somebody asks for it."""

    prices: Prices
    kept: KeptDays = field(default_factory=KeptDays)
    #: Since when the TTL has stood.
    since: datetime = LONG_AGO
    _known: dict[tuple[date, int], Replayed | None] = field(default_factory=dict)

    @property
    def permille(self) -> int:
        """So many of 1,000 keys are held back."""
        return permille_of(self.kept.keys)

    def forecast(self, snapshot: Snapshot) -> Forecast | NoData:
        """For the 24 hours after `snapshot`."""
        assert not isinstance(snapshot.ttl, NoData)
        now, ttl = snapshot.taken_at, snapshot.ttl.value_seconds
        over = [day for day in self.kept.days() if day < now.date()]
        replays = [one for day in over if (one := self._whole_day(day, ttl)) is not None]
        newest = [self.kept.day(day) for day in (now.date() - A_DAY, now.date())]
        return forecast(
            newest,
            replays,
            Asked(now, ttl, max(self.since, now - A_DAY), snapshot.cache, self.prices, UNKNOWN_MEMORY),
        )

    def _whole_day(self, day: date, ttl: int) -> Replayed | None:
        if (day, ttl) not in self._known:
            eve = day - A_DAY
            pieces = [self.kept.day(one) for one in (eve, day) if one in self.kept.days()]
            self._known[day, ttl] = whole_day(pieces, ttl)
        return self._known[day, ttl]

    def judged(
        self, experiment: Experiment, look: int, around: Surroundings, seen: Sequence[Observation]
    ) -> LookFinding:
        """A look at a change that has a control, by the rules of the product; `seen`: the slices of the days before."""
        end = experiment.started_at + look * HOUR
        since = begun_anew("", experiment, look, around, end)
        if isinstance(since, LookFinding):
            return since
        hold = experiment.hold_back(since)
        pieces = [self.kept.day(day) for day in hold.days(end)]
        return judge_held(experiment, look, pieces, _evicted_share(seen, *hold.window(end)), since)


def _evicted_share(seen: Sequence[Observation], start: datetime, end: datetime) -> float | None:
    """Evictions to misses; None where too few slices know both."""
    within = [one for one in seen if start <= one.start < end]
    known = [(one.evictions, one.misses) for one in within if one.evictions is not None and one.misses]
    if len(known) < LEAST_KNOWN * len(within) or not known:
        return None
    return sum(evictions for evictions, _ in known) / sum(misses for _, misses in known)
