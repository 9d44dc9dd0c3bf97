"""The present values and what to do about them: one source for Slack, the digest, the report and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lumen.exporters.cache import cache_figures, grade_evictions, grade_hit_rate, grade_memory_beside, grades_of
from lumen.model.answers import NO_TURN_YET, TtlReadout, Worst, forecast_now, is_stale, worst_of
from lumen.model.assessment import CacheFinding, Grade
from lumen.model.forecast import Forecast, expectation_of
from lumen.model.incident import StoredAlert, TtlOverride
from lumen.model.messages import NoData, with_remedy
from lumen.model.proposal import Expectation, Knob, Value
from lumen.model.service import ServiceId
from lumen.model.turn import Recommendation, Turn, Worth
from lumen.policies.predicted import predicted
from lumen.policies.present import Present, changed_since, present_ttl, size_now, turn_now
from lumen.policies.priorities import priorities
from lumen.policies.size import SizeAdvice, SizeFigures, SizeLimits, size_figures
from lumen.policies.ttl import TtlLimits, pinned_ttl, recommend_ttl

if TYPE_CHECKING:  # `lumen size` judges given figures without them, hence at once
    from lumen.policies.guard import Restraint
    from lumen.ports.incidents import Alerts
    from lumen.ports.sources import TtlSource
    from lumen.ports.store import Proposals, Turns
    from lumen.use_cases.restrictions import Restraints

#: So many proposals are looked through for what was changed since the last turn.
LOOKED_THROUGH = 20


@dataclass(frozen=True, slots=True)
class SizeReadout:
    """The size of the cache and what to do about it; `service` may be GIVEN."""

    service: ServiceId
    measured_at: datetime | None
    figures: SizeFigures | NoData
    advice: SizeAdvice | NoData
    is_stale: bool = False
    forecast: Forecast | NoData | None = None

    @property
    def expected(self) -> Expectation | NoData | None:
        """The effect of the recommended change, or why nobody can say; None for a hold and for given figures."""
        change = None if isinstance(self.recommendation, NoData) else self.recommendation.change
        return None if change is None or self.forecast is None else expectation_of(self.forecast, change)

    @property
    def grades(self) -> tuple[Grade, Grade, Grade] | None:
        """Memory, evictions, hit rate."""
        of = self.figures
        if isinstance(of, NoData):
            return None
        return (
            grade_memory_beside(of.memory_ratio, of.hit_rate),
            grade_evictions(of.evictions_per_hour),
            grade_hit_rate(of.hit_rate),
        )

    @property
    def recommendation(self) -> Recommendation | NoData:
        """The size that it should become."""
        return self.advice if isinstance(self.advice, NoData) else self.advice.recommendation

    @property
    def wanted_mb(self) -> int | None:
        """The size that it should become; None for hold and for no data."""
        change = None if isinstance(self.advice, NoData) else self.advice.recommendation.change
        return change.new if change is not None and isinstance(change.new, int) else None


def size_of_turn(
    turn: Turn, limits: SizeLimits, now: datetime, changed: Mapping[Knob, Value] | None = None
) -> SizeReadout:
    """From what `turn` measured, as it stands at `now`; `changed`: what each knob was set to since."""
    snapshot = turn.snapshot
    advice = size_now(turn, limits, changed or {})
    figures, is_old = size_figures(snapshot.cache), is_stale(turn, now)
    return SizeReadout(snapshot.service, snapshot.window.end, figures, advice, is_old, turn.forecast)


def _with_present_ttl(turn: Turn) -> Turn:
    """The row of the cache table on the TTL shows what stands now; how the cache does is as it was judged."""
    judged = turn.assessment.cache
    figures = cache_figures(turn.snapshot.cache, turn.snapshot.ttl)
    row = CacheFinding("ttl_seconds", figures.ttl_seconds, grades_of(figures)["ttl_seconds"])
    rows = tuple(row if one.name == row.name else one for one in judged.findings)
    return replace(turn, assessment=replace(turn.assessment, cache=replace(judged, findings=rows)))


@dataclass(frozen=True, slots=True)
class TurnNow:
    """A turn with the present TTL and advice that still holds, and the size that would be best."""

    turn: Turn
    size: SizeReadout
    #: That are open.
    alerts: tuple[StoredAlert, ...] = ()

    def worst(self, now: datetime) -> Worst:
        """The worst that is true at `now`."""
        return worst_of(self.turn, self.alerts, now)

    @property
    def worth_doing(self) -> tuple[Worth, ...]:
        """The most urgent first."""
        return priorities(self.turn, None if isinstance(self.size.advice, NoData) else self.size.advice)


@dataclass(frozen=True, slots=True)
class Advisor:
    """Changes nothing. `ttl_source`: where the present setting is read; None: it is told by what is stored.
    `alerts`: where the open ones are read for whoever asks of the last turn; None: nobody asks here.

    `ttl_limits` and `size_limits` without what people pinned or locked. Raises StoreUnavailable.
    """

    proposals: "Proposals"
    turns: "Turns"
    restraints: "Restraints"
    ttl_limits: Mapping[ServiceId, TtlLimits]
    size_limits: Mapping[ServiceId, SizeLimits]
    ttl_source: "TtlSource | None" = None
    alerts: "Alerts | None" = None

    async def last(self, service: ServiceId) -> TurnNow | None:
        """The last turn as it stands now; None before the first one."""
        turns = await self.turns.latest(service, 1)
        if not turns:
            return None
        found = await self.of(turns[0], await self.restraints.now(service))
        return found if self.alerts is None else replace(found, alerts=tuple(await self.alerts.open(service)))

    async def of(self, turn: Turn, restraint: "Restraint", *, as_if_locked: bool = False) -> TurnNow:
        """`turn` as it stands now. A TTL that cannot be read stands as it was measured or applied since."""
        changed, service = await self._changed(turn), turn.snapshot.service
        setting = NO_TURN_YET if self.ttl_source is None else await self.ttl_source.ttl(service)
        known = present_ttl(turn, changed) if isinstance(setting, NoData) else setting
        present = Present(known, changed, restraint.override, restraint.size_lock)
        limits = self.size_limits[service]
        locked = as_if_locked or limits.locked or restraint.size_lock is not None
        size = size_of_turn(turn, replace(limits, locked=locked), restraint.now, changed)
        return TurnNow(_with_present_ttl(turn_now(turn, present, self.ttl_limits[service])), size)

    async def ttl(
        self, service: ServiceId, limits: TtlLimits | None = None, pinned_seconds: int | None = None
    ) -> TtlReadout:
        """The setting as it is read now, and what the policy thinks of it.

        `limits` instead of those of the settings; `pinned_seconds`: as if people had pinned the TTL to that.
        """
        restraint, turns = await self.restraints.now(service), await self.turns.latest(service, 1)
        override = restraint.override if pinned_seconds is None else TtlOverride(pinned_seconds)
        setting = NO_TURN_YET if self.ttl_source is None else await self.ttl_source.ttl(service)
        forecast = forecast_now(turns, restraint.now)
        if not isinstance(forecast, NoData) and not isinstance(setting, NoData):
            replayed = forecast.ttl_seconds
            if setting.value_seconds != replayed:
                forecast = NoData(*with_remedy("forecast.moved", ttl_seconds=replayed))
        found = TtlReadout(service, setting, NO_TURN_YET, restraint.override, forecast=forecast)
        if not turns:
            if override is None or isinstance(setting, NoData):
                return found
            return replace(found, recommendation=pinned_ttl(setting.value_seconds, override.ttl_seconds))
        turn = turns[0]
        if limits is not None:
            limits_alone = replace(limits, override_seconds=None)
            asked = recommend_ttl(turn.snapshot, limits_alone)
            turn = replace(turn, ttl=predicted(asked, turn.snapshot.ttl, turn.forecast, limits_alone))
        present = Present(setting, await self._changed(turn), override)
        # A pinned value rests on nothing that was measured, so it may be set however old the turn is.
        return replace(
            found,
            recommendation=turn_now(turn, present, limits or self.ttl_limits[service]).ttl,
            measured_at=turn.snapshot.window.end,
            is_stale=override is None and is_stale(turn, restraint.now),
        )

    async def size(self, service: ServiceId, *, as_if_locked: bool = False) -> SizeReadout:
        """The size of the last turn, and what it should become."""
        turns = await self.turns.latest(service, 1)
        if not turns:
            return SizeReadout(service, None, NO_TURN_YET, NO_TURN_YET)
        return (await self.of(turns[0], await self.restraints.now(service), as_if_locked=as_if_locked)).size

    async def _changed(self, turn: Turn) -> Mapping[Knob, Value]:
        return changed_since(turn, await self.proposals.recent(turn.snapshot.service, LOOKED_THROUGH))
