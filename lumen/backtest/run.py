"""The back-test of a history: each service by itself, and the month's budget of all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, repeat

from lumen.alerts.budget import MonthSoFar, ProjectSlices
from lumen.backtest.history import Problem, SliceHistory
from lumen.backtest.pipeline import BacktestSettings, Pipeline
from lumen.backtest.score import BacktestScore, Label, score
from lumen.backtest.snapshot import Months, ReleasesSeen
from lumen.model.alert import Alert, Observation
from lumen.model.incident import RevisionCount
from lumen.model.messages import NoData
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.snapshot import SLICE
from lumen.model.turn import Recommendation
from lumen.policies.rollback import judge_rollback, reasons_for


@dataclass(frozen=True, slots=True)
class PastProposal:
    """A proposal that Lumen would have made. Nothing is applied in a history, so it has no verdict."""

    service: str
    at: datetime
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """Alerts in order of opening; `score` is None without labels. `settings`: what all of it was judged by."""

    settings: BacktestSettings
    alerts: tuple[Alert, ...]
    proposals: tuple[PastProposal, ...]
    score: BacktestScore | None
    problems: tuple[Problem, ...]
    slices: int


@dataclass(frozen=True, slots=True)
class ServicePast:
    """All that the back-test of one service needs, wherever it runs. `months`: by the full hour."""

    service: str
    slices: Sequence[Observation]
    settings: BacktestSettings
    months: Mapping[datetime, MonthSoFar]


@dataclass(frozen=True, slots=True)
class ServiceFound:
    """The result of one service."""

    alerts: tuple[Alert, ...]
    proposals: tuple[PastProposal, ...]


#: Calls a function for each, in this process or in several; results in the same order.
Each = Callable[[Callable[[ServicePast], ServiceFound], Iterable[ServicePast]], Iterable[ServiceFound]]


def run_backtest(
    history: SliceHistory, settings: BacktestSettings, labels: Sequence[Label] | None = None, each: Each = map
) -> BacktestResult:
    """Pure and deterministic. Services have nothing in common but the month's budget."""
    money, months = _money(history.services, settings)
    pasts = [ServicePast(name, slices, settings, months) for name, slices in history.services.items()]
    found = list(each(service_backtest, pasts))
    alerts = [*money, *(alert for one in found for alert in one.alerts)]
    proposals = [proposal for one in found for proposal in one.proposals]
    alerts.sort(key=lambda alert: (alert.opened_at, alert.id))
    proposals.sort(key=lambda proposal: (proposal.at, proposal.service))
    slices = sum(map(len, history.services.values()))
    judged = None if labels is None else score(alerts, labels, _end(history.services))
    return BacktestResult(settings, tuple(alerts), tuple(proposals), judged, history.problems, slices)


def service_backtest(past: ServicePast) -> ServiceFound:
    """One service from its first to its last slice."""
    run = _ServiceRun(past.service, past.settings, lambda at: past.months.get(at, MonthSoFar()))
    for seen in past.slices:
        run.feed(seen)
    return ServiceFound(tuple(run.alerts.values()), tuple(run.proposals))


def _money(
    services: Mapping[str, Sequence[Observation]], settings: BacktestSettings
) -> tuple[Sequence[Alert], Mapping[datetime, MonthSoFar]]:
    """The alerts on the budget of all services, and by the full hour what each one's month came to."""
    budget = ProjectSlices(tuple(services), settings.alerts.budget_usd)
    alerts: dict[str, Alert] = {}
    months: dict[datetime, MonthSoFar] = {}
    for start, of_services in groupby(_in_order(services), key=lambda one: one[1].start):
        end = start + SLICE
        for event in budget.feed_all(dict(of_services), start.date(), end):
            alerts[event.alert.id] = event.alert
        if end.minute == 0:
            months[end] = budget.months(end)
    return tuple(alerts.values()), months


def _in_order(services: Mapping[str, Sequence[Observation]]) -> Iterator[tuple[str, Observation]]:
    """The slices of all services in order of time."""
    several = (zip(repeat(service), observations) for service, observations in services.items())
    return merge(*several, key=lambda one: one[1].start)


def _end(services: Mapping[str, Sequence[Observation]]) -> datetime:
    ends = [observations[-1].end for observations in services.values() if observations]
    return max(ends) if ends else datetime.max.replace(tzinfo=UTC)


class _ServiceRun:
    """One service from its first to its last slice."""

    def __init__(self, service: str, settings: BacktestSettings, months: Months) -> None:
        self._name = service
        self._pipeline = Pipeline(service, settings, months)
        self._releases = ReleasesSeen(1 - settings.alerts.error_free_share)
        #: Pages that a rollback was proposed for.
        self._rolled_back: set[str] = set()
        #: By id, as they stand after the newest slice.
        self.alerts: dict[str, Alert] = {}
        self.proposals: list[PastProposal] = []

    def feed(self, seen: Observation) -> None:
        look = self._pipeline.feed(seen)
        for event in look.events:
            self.alerts[event.alert.id] = event.alert
        turn = look.turn
        if turn is not None and turn.proposed and not isinstance(turn.wanted, NoData):
            self.proposals.append(PastProposal(self._name, turn.at, turn.wanted))
        self._releases.add(_counts(seen))
        rollback = self._rollback(seen.end)
        if rollback is not None:
            self.proposals.append(PastProposal(self._name, seen.end, rollback))

    def _rollback(self, at: datetime) -> Recommendation | None:
        """The rollback that would have been begun, or asked in doubt: once a page, as live."""
        page = self._pipeline.open_page()
        if page is None or page.id in self._rolled_back or not self._releases.is_fresh(at):
            return None
        facts = self._releases.facts(page, at)
        if facts is None or facts.newest is None or facts.previous is None:
            return None
        advice = judge_rollback(facts, at)
        target = advice.target or advice.asked
        if target is None:
            return None
        self._rolled_back.add(page.id)
        change = Change(Knob.TRAFFIC, facts.newest.name, target, "")
        reasons = (page.reason, *reasons_for(facts.newest, facts.previous, target), *advice.against)
        return Recommendation(change, "ROLLBACK", reasons, Priority.HIGH)


def _counts(seen: Observation) -> tuple[RevisionCount, ...]:
    """A history names one revision a slice; without it, or without requests, nobody can be blamed."""
    if seen.revision is None or seen.requests is None or seen.errors_5xx is None:
        return ()
    return (RevisionCount(seen.start, seen.revision, seen.requests, seen.errors_5xx),)
