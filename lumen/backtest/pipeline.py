"""The watch (every five minutes) and the turn (every hour) of one service, fed with observations: exactly as live.

Nothing is applied in here: whoever feeds it says what was (`changed`), and a back-test of a history never does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from lumen.alerts.budget import ProjectSlices
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.backtest.snapshot import Assumptions, Months, SnapshotBuilder
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Alert, AlertEvent, Observation, Severity
from lumen.model.assessment import Assessment
from lumen.model.forecast import Forecast
from lumen.model.messages import Message, NoData
from lumen.model.proposal import Change, Direction, direction
from lumen.model.service import ServiceId
from lumen.model.snapshot import Snapshot
from lumen.model.turn import Recommendation
from lumen.policies.choose import first_of
from lumen.policies.guard import Automation, Situation, held_back
from lumen.policies.predicted import predicted
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl

#: A recommendation that nobody takes up expires after a day, and may then be proposed again.
PROPOSAL_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """The settings of a live Lumen, and the assumptions for what a history does not tell."""

    assessment: AssessmentSettings = field(default_factory=AssessmentSettings)
    limits: TtlLimits = field(default_factory=TtlLimits)
    size: SizeLimits = field(default_factory=SizeLimits)
    alerts: AlertTargets = field(default_factory=AlertTargets)
    assumed: Assumptions = field(default_factory=Assumptions)
    automation: Automation = field(default_factory=Automation)


@dataclass(frozen=True)
class PastTurn:
    """`wanted` came of the policies; `proposed` says whether it was put to people, `held` what spoke against it."""

    at: datetime
    snapshot: Snapshot
    settings: AssessmentSettings
    wanted: Recommendation | NoData
    proposed: bool = False
    held: tuple[Message, ...] = ()

    @cached_property
    def assessment(self) -> Assessment:
        """All scores; reckoned where somebody asks for them, for most turns of a back-test want no change."""
        return assess(self.snapshot, self.settings)


@dataclass(frozen=True, slots=True)
class SliceOutcome:
    """The result of one observation; `turn` is there on the hour."""

    events: tuple[AlertEvent, ...]
    turn: PastTurn | None


class Pipeline:
    """One service from its first slice on."""

    def __init__(
        self,
        service: str,
        settings: BacktestSettings,
        months: Months | None = None,
        forecasts: Callable[[Snapshot], Forecast | NoData] | None = None,
    ) -> None:
        """`months`: of several services, whose one budget is judged elsewhere; None: of this one alone.

        `forecasts`: of a service whose accesses are known; None: nothing is predicted.
        """
        self._settings = settings
        self._forecasts = forecasts
        budget = ProjectSlices((service,) if months is None else (), settings.alerts.budget_usd)
        self._watch = ServiceWatch(service, settings.alerts, budget=budget)
        self._past = SnapshotBuilder(
            ServiceId("backtest", "history", service), settings.assumed, months or budget.months
        )
        self._proposed_at: datetime | None = None
        self._last_change_at: datetime | None = None
        self._taken_back: dict[Direction, datetime] = {}
        self._rejected: dict[Direction, datetime] = {}
        self._without_effect: dict[Direction, datetime] = {}
        #: Whoever measures effects says while a change has no verdict yet.
        self.measuring = False

    def remember(self, seen: Observation) -> tuple[AlertEvent, ...]:
        """An observation of the past, from before Lumen was there: watched and kept, but no turn is made of it."""
        events = self._watch.feed(seen)
        self._past.add(seen)
        return events

    def feed(self, seen: Observation, looked_at: datetime | None = None) -> SliceOutcome:
        """The next observation. `looked_at`: when it is seen, by default at its end."""
        events = self._watch.feed(seen, looked_at)
        self._past.add(seen)
        return SliceOutcome(events, self._turn(seen.end) if seen.end.minute == 0 else None)

    def changed(self, change: Change, at: datetime) -> None:
        """Somebody turned a knob: it stands so from now on, and a cooldown begins."""
        self._past.assume(change)
        self._last_change_at = at
        self._proposed_at = None

    def taken_back(self, change: Change, at: datetime) -> None:
        """`change` did harm and was undone: its like is not proposed again soon."""
        self._taken_back[direction(change)] = at

    def rejected(self, change: Change, at: datetime) -> None:
        """Somebody said no to `change`: another proposal may come once the guard allows its like again."""
        self._rejected[direction(change)] = at
        self._proposed_at = None

    def not_now(self) -> None:
        """Let the next turn propose again: what was wanted last was not put to anybody after all."""
        self._proposed_at = None

    def without_effect(self, change: Change, at: datetime) -> None:
        """`change` was measured to the end, and nobody can tell its effect from none."""
        self._without_effect[direction(change)] = at

    def open_page(self) -> Alert | None:
        """A page that is open now."""
        return next((alert for alert in self._watch.open_alerts() if alert.severity is Severity.PAGE), None)

    def _turn(self, at: datetime) -> PastTurn:
        """Collect, assess, decide: a proposal unless the guard holds it back or the last one still waits."""
        snapshot = self._past.snapshot(at)
        wanted = first_of(self._ttl(snapshot, at), recommend_size(snapshot, self._settings.size))
        turn = PastTurn(at, snapshot, self._settings.assessment, wanted)
        if isinstance(wanted, NoData) or wanted.change is None or self._waits(at):
            return turn
        page = self.open_page()
        situation = Situation(
            page_open=page.id if page else None,
            last_change_at=self._last_change_at,
            measuring=self.measuring,
            taken_back_at=self._taken_back.get(direction(wanted.change)),
            rejected_at=self._rejected.get(direction(wanted.change)),
            no_effect_at=self._without_effect.get(direction(wanted.change)),
        )
        held = held_back(snapshot, turn.assessment, self._settings.automation, situation, at)
        if not held:
            self._proposed_at = at
        return replace(turn, proposed=not held, held=held)

    def _ttl(self, snapshot: Snapshot, at: datetime) -> Recommendation | NoData:
        """By the forecast where there is one, and where a proposal could be made at all."""
        ttl = recommend_ttl(snapshot, self._settings.limits)
        changed, cooldown = self._last_change_at, self._settings.automation.cooldown
        if self._forecasts is None or self.measuring or self._waits(at) or (changed and at - changed < cooldown):
            return ttl
        return predicted(ttl, snapshot.ttl, self._forecasts(snapshot), self._settings.limits)

    def _waits(self, at: datetime) -> bool:
        return self._proposed_at is not None and at - self._proposed_at < PROPOSAL_LIFE
