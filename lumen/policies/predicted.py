"""The TTL policy's step by the forecast, where that can be trusted.

Up is for the rules to say: where nobody priced the age of answers, a longer TTL always saves, and a forecast alone
would never stop. It says how far, and when not at all. Down it goes where that surely saves (the age of answers costs
more than the calls), or costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lumen.model.forecast import HIGH, Forecast, Step, confidence_of
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Change, Knob, Priority, number
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Recommendation
from lumen.policies.ttl import STEP_SECONDS, Strategy, TtlLimits, bounded

#: A step costs nothing that adds no more than this share of the calls, and this one at the worst end of its interval.
NO_CALLS, HARDLY_CALLS = 0.001, 0.01
#: What the rules say of their own step.
STEPS = ("policy.ttl_step_up", "policy.ttl_step_down")
#: A shorter step is no work for anybody.
LEAST_STEP_SECONDS = 60


def predicted(
    wanted: Recommendation | NoData, ttl: TtlSetting | NoData, forecast: Forecast | NoData | None, limits: TtlLimits
) -> Recommendation | NoData:
    """The step of the largest expected saving that is above 0 in all of its interval, within the longest step; else one
    down that costs nothing; else no step up.

    `wanted`, what the rules want at that setting, stays where people chose the value, and without a forecast from
    there. Where they chose the strategy or no forecast is trusted, it stays unless older answers cost more than it
    saves.
    """
    if isinstance(wanted, NoData) or isinstance(ttl, NoData) or not isinstance(forecast, Forecast):
        return wanted
    if forecast.ttl_seconds != ttl.value_seconds or wanted.strategy == Strategy.OVERRIDE:
        return wanted
    choice = _Choice(wanted, forecast, limits)
    if limits.strategy is not None:
        return choice.unless_ages_cost_more()
    return choice.saving() or choice.costless() or choice.held()


@dataclass(frozen=True, slots=True)
class _Choice:
    wanted: Recommendation
    forecast: Forecast
    limits: TtlLimits

    @property
    def _farthest(self) -> int:
        return self._bounded(STEP_SECONDS[Strategy.AGGRESSIVE])

    @property
    def _is_up(self) -> bool:
        """Whether the rules want a longer TTL."""
        return self.wanted.change is not None and (self.wanted.change.step or 0) > 0

    def _bounded(self, step_seconds: int) -> int:
        return bounded(self.forecast.ttl_seconds, self.forecast.ttl_seconds + step_seconds, self.limits)

    @property
    def _up(self) -> Sequence[Step]:
        """Those that memory holds, if the rules want a longer TTL at all."""
        now, farthest = self.forecast.ttl_seconds, self._farthest if self._is_up else 0
        return [step for step in self.forecast.steps if now < step.ttl_seconds <= farthest]

    @property
    def _down(self) -> Sequence[Step]:
        lowest, highest = self._bounded(-STEP_SECONDS[Strategy.AGGRESSIVE]), self.forecast.ttl_seconds
        return [step for step in self.forecast.steps if lowest <= step.ttl_seconds <= highest - LEAST_STEP_SECONDS]

    def saving(self) -> Recommendation | None:
        """The step that saves most of those that surely save; up or down."""
        down = self._down if self.forecast.stale_usd else []
        priced = [(step, self.forecast.usd_a_month(step)) for step in _trusted([*self._up, *down])]
        sure = [(step, usd) for step, usd in priced if usd[2] < 0]
        if not sure:
            return None
        best, (_, middle, most) = min(sure, key=lambda one: (one[1][1], one[0].ttl_seconds))
        by_seconds = best.ttl_seconds - self.forecast.ttl_seconds
        code = "policy.ttl_predicted_longer" if by_seconds > 0 else "policy.ttl_predicted_shorter"
        told = Message(code, {"step_seconds": abs(by_seconds), "saved_usd": -middle, "least_usd": -most})
        return self._step(best, told, self.wanted.priority if by_seconds > 0 else Priority.MEDIUM)

    def costless(self) -> Recommendation | None:
        """The shortest TTL that needs no more calls; nothing where a step up may save, but no forecast is trusted."""
        misses = 1 - self.forecast.hit_rate
        if self._up and not _trusted(self._up):
            return None
        for step in sorted(_trusted(self._down), key=lambda step: step.ttl_seconds):
            low, middle, _ = self.forecast.bounds(step)
            if -middle <= NO_CALLS * misses and -low <= HARDLY_CALLS * misses:
                by_seconds = self.forecast.ttl_seconds - step.ttl_seconds
                told = message("policy.ttl_costs_nothing", step_seconds=by_seconds, spared=1 - step.cached)
                return self._step(step, told, Priority.LOW)
        return None

    def held(self) -> Recommendation:
        """No step up, with the reason; what the rules want where none is trusted."""
        if not self._up and self._is_up and self.forecast.full_from is not None:
            return self._hold(message("policy.ttl_would_fill", ttl_seconds=self.forecast.full_from))
        trusted = _trusted(self._up)
        if not trusted:
            return self.unless_ages_cost_more()
        ages = self.forecast.stale_usd and any(self.forecast.bounds(step)[0] > 0 for step in trusted)
        code = "policy.ttl_ages_cost_more" if ages else "policy.ttl_saves_nothing"
        return self._hold(Message(code, {"ttl_seconds": self._farthest}))

    def unless_ages_cost_more(self) -> Recommendation:
        """Return what the rules want, or a hold where the middle of the forecast says that older answers cost more."""
        change = self.wanted.change
        step = self.forecast.at(number(change.new)) if change is not None and self._is_up else None
        if step is None or not self.forecast.stale_usd or self.forecast.usd_a_month(step)[1] <= 0:
            return self.wanted
        return self._hold(message("policy.ttl_ages_cost_more", ttl_seconds=step.ttl_seconds))

    def _step(self, step: Step, told: Message, priority: Priority) -> Recommendation:
        change = Change(Knob.TTL, self.forecast.ttl_seconds, step.ttl_seconds, "s")
        return Recommendation(change, Strategy.PREDICTED, (*self._reasons, told), priority)

    def _hold(self, why: Message) -> Recommendation:
        return Recommendation(None, Strategy.HOLD, (*self._reasons, why), Priority.LOW)

    @property
    def _reasons(self) -> tuple[Message, ...]:
        return tuple(reason for reason in self.wanted.reasons if reason.code not in STEPS)


def _trusted(steps: Sequence[Step]) -> Sequence[Step]:
    return [step for step in steps if confidence_of(step.uplift, step.half) >= HIGH]
