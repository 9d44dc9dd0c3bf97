"""One history through the watch (every five minutes) and the turn (every hour), exactly as Lumen runs live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lumen.alerts.observation import Observation
from lumen.alerts.watch import AlertTargets, ServiceWatch
from lumen.backtest.history import History, Problem
from lumen.backtest.labels import Label
from lumen.backtest.past_snapshot import Assumptions, Past
from lumen.backtest.score import BacktestScore, score
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Alert, Severity
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.model.turn import Recommendation
from lumen.policies.guard import Automation, Situation, held_back
from lumen.policies.ttl import TtlLimits, recommend_ttl

#: A recommendation that nobody takes up expires after a day, and may then be proposed again.
PROPOSAL_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """The same settings as live, and what a history does not tell."""

    assessment: AssessmentSettings = field(default_factory=AssessmentSettings)
    limits: TtlLimits = field(default_factory=TtlLimits)
    alerts: AlertTargets = field(default_factory=AlertTargets)
    assumed: Assumptions = field(default_factory=Assumptions)


@dataclass(frozen=True, slots=True)
class PastProposal:
    """What Lumen would have proposed. Nothing is applied in a history, so there is no verdict to it."""

    service: str
    at: datetime
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """Alerts in order of opening; `score` is None without labels."""

    alerts: tuple[Alert, ...]
    proposals: tuple[PastProposal, ...]
    score: BacktestScore | None
    problems: tuple[Problem, ...]
    slices: int


def run_backtest(history: History, settings: BacktestSettings, labels: Sequence[Label] | None = None) -> BacktestResult:
    """Pure and deterministic. Services are independent of each other."""
    alerts: list[Alert] = []
    proposals: list[PastProposal] = []
    for service, observations in history.services.items():
        run = _ServiceRun(service, settings)
        for seen in observations:
            run.feed(seen)
        alerts += run.alerts.values()
        proposals += run.proposals
    alerts.sort(key=lambda alert: (alert.opened_at, alert.id))
    proposals.sort(key=lambda proposal: (proposal.at, proposal.service))
    slices = sum(map(len, history.services.values()))
    judged = None if labels is None else score(alerts, labels, _end(history.services))
    return BacktestResult(tuple(alerts), tuple(proposals), judged, history.problems, slices)


def _end(services: Mapping[str, Sequence[Observation]]) -> datetime:
    ends = [observations[-1].end for observations in services.values() if observations]
    return max(ends) if ends else datetime.max.replace(tzinfo=UTC)


class _ServiceRun:
    """One service from its first to its last slice."""

    def __init__(self, service: str, settings: BacktestSettings) -> None:
        self._name = service
        self._settings = settings
        self._watch = ServiceWatch(service, settings.alerts)
        self._past = Past(ServiceId("backtest", "history", service), settings.assumed)
        self._proposed_at: datetime | None = None
        #: By id, as they stand after the newest slice.
        self.alerts: dict[str, Alert] = {}
        self.proposals: list[PastProposal] = []

    def feed(self, seen: Observation) -> None:
        for event in self._watch.feed(seen):
            self.alerts[event.alert.id] = event.alert
        self._past.add(seen)
        if seen.end.minute == 0:
            self._turn(seen.end)

    def _turn(self, at: datetime) -> None:
        """Collect, assess, decide: a proposal unless the guard holds it back or the last one still waits."""
        if self._proposed_at is not None and at - self._proposed_at < PROPOSAL_LIFE:
            return
        snapshot = self._past.snapshot(at)
        assessment = assess(snapshot, self._settings.assessment)
        wanted = recommend_ttl(snapshot, assessment, self._settings.limits)
        if isinstance(wanted, NoData) or wanted.change is None:
            return
        situation = Situation(page_open=self._open_page())
        if not held_back(snapshot, assessment, Automation(), situation, at):
            self._proposed_at = at
            self.proposals.append(PastProposal(self._name, at, wanted))

    def _open_page(self) -> str | None:
        pages = [alert.id for alert in self._watch.open_alerts() if alert.severity is Severity.PAGE]
        return pages[0] if pages else None
