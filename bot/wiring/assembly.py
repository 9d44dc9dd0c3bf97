"""The composition root: names concrete adapters, and joins them to use cases with the settings."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.config import Settings
from bot.faults import fault_point
from bot.numerics import ProcessNumerics, missing_statistics
from bot.service_settings import each
from bot.store import StateStore, advisor_of, auditing_of, locks_of, open_checked_store
from bot.thresholds import alert_targets, assessment_settings, size_limits, ttl_limits
from bot.wiring.caches import TunedCache, close_caches, open_caches
from bot.wiring.graphs import graphs_of
from bot.wiring.knobs import called_of, knobs_of
from bot.wiring.parts import Answers, Beside, Changes, Lumen, Rounds
from bot.wiring.sources import (
    Sources,
    budgets_of,
    collector_of,
    forecasts_of,
    hearing_of,
    in_force_of,
    observer_of,
    publish_of,
    slices_of,
    taking_of,
    ttls_of,
)
from lumen.adapters.cache.keys import CacheSweeper
from lumen.adapters.cache.ttl import TtlSettings
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.error_log import CloudLogging, link
from lumen.adapters.google.identity import google_account, user_of_this_machine
from lumen.adapters.store import epoch
from lumen.model.messages import NoData, NotPrepared, message
from lumen.model.service import Approvers, Person, ServiceId
from lumen.model.turn import Missing
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation
from lumen.use_cases.acting import Acting
from lumen.use_cases.active import Active
from lumen.use_cases.apply_now import AppliedAdvice, Applying, Operators
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auto_apply import AutoApplyCountdowns, AutoApplyRules
from lumen.use_cases.controlling import Reminding
from lumen.use_cases.digest import Digest, DigestReader
from lumen.use_cases.drift import Drift
from lumen.use_cases.effects import BesideChange, EffectEstimates, Effects
from lumen.use_cases.emergency import CacheFlush, EmergencyActions
from lumen.use_cases.error_lines import ReadingErrors
from lumen.use_cases.evaluate import Evaluator, Policies
from lumen.use_cases.execution import Execution
from lumen.use_cases.fleet import Fleet
from lumen.use_cases.held_effects import HeldEffects
from lumen.use_cases.holding_back import HoldBacks
from lumen.use_cases.moments import Moments
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.queries import Choosing, Looking, Readouts
from lumen.use_cases.releases import GoingBack, Releases, RememberedDeployments, Revisions
from lumen.use_cases.restrictions import ReportMarker, Restraints
from lumen.use_cases.rollback import Rollback, RollbackRules
from lumen.use_cases.turn import TurnRunner
from lumen.use_cases.turn_history import TurnHistory
from lumen.use_cases.undo_harmful import UndoHarmful
from lumen.use_cases.watch import Watch

log = structlog.get_logger()


async def operator_of(settings: Settings) -> Person:
    """The person at the command line: a Google account, or in a sandbox the user of this machine, marked so.

    Raises SourceUnavailable, NotPossible.
    """
    if settings.is_sandboxed:
        return Person.operator(f"{user_of_this_machine()}@sandbox")
    return Person.operator(await google_account())


def who_may_apply(settings: Settings) -> Approvers:
    """A sandbox has no Google to vouch for anybody: there, whoever may run it may apply, if anybody may."""
    listed = settings.who_may_approve
    if settings.is_sandboxed and (listed.users or listed.groups or listed.accounts):
        return replace(listed, accounts=listed.accounts | {f"{user_of_this_machine()}@sandbox"})
    return listed


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncIterator[Lumen]:
    """The whole of Lumen but Slack, on a store that was checked. Raises StoreUnavailable, SourceUnavailable."""
    numerics = ProcessNumerics()
    caches = open_caches(settings.watched)
    async with open_checked_store(settings) as store:
        google = await open_google(
            settings.lumen_gcp_endpoint,
            memorystore=any(one.cache_instance for one in settings.watched.values()),
            subscriber=bool(settings.budget_news),
        )
        lines = CloudLogging(settings.lumen_gcp_endpoint)
        try:
            observed_until = await _observed_until(settings, store)
            yield _Assembly(settings, store, caches, google, numerics, observed_until, lines).lumen()
        finally:
            numerics.close()
            await lines.close()
            await google.close()
            await close_caches(caches)


class _Assembly:
    """The adapters and use cases that several parts share; each part is a property."""

    def __init__(
        self,
        settings: Settings,
        store: StateStore,
        caches: Mapping[ServiceId, TunedCache],
        google: GoogleClients,
        numerics: ProcessNumerics,
        observed_until: Mapping[ServiceId, datetime],
        lines: CloudLogging,
    ) -> None:
        self._settings, self._store, self._google, self._numerics = settings, store, google, numerics
        self._log = lines
        self._fault = fault_point(settings.lumen_fault_at)
        self._zone = ZoneInfo(settings.digest_timezone)
        self._lacking = _lacking()
        self._deployments = CloudRunDeployments(google.services, google.revisions, clock=store.clock)
        self._remembered = RememberedDeployments(self._deployments, store.controls)
        self._sources = Sources(settings, store.clock, google, self._deployments, caches, store.queries)
        ttls = ttls_of(self._sources, self._deployments.environment_ttl)
        afresh = ttls_of(self._sources, self._deployments.environment_ttl_now)
        self._ttl = TtlSettings(ttls)
        self._cache_keys = {
            service: CacheSweeper(caches[service].redis, its.cache_key_prefix)
            for service, its in settings.watched.items()
        }
        self._knobs = knobs_of(settings, caches, google, self._deployments, afresh, store.clock)
        self._slices = slices_of(self._sources)
        self._targets = each(settings.watched, alert_targets)
        self._allowed = {service: 1 - one.error_free_share for service, one in self._targets.items()}
        self._sizes = each(settings.watched, size_limits)
        self._budget = in_force_of(settings, budgets_of(settings, google, self._deployments), store.clock)
        self._collector = collector_of(self._sources, self._ttl, self._budget, store.bills)
        locks, automation = locks_of(settings), _automation(settings)
        self._restraints = Restraints(store.controls, store.clock, automation, locks, observed_until)
        self._graphs = graphs_of(settings, store, numerics)
        self._acting = Acting(self._restraints, self._cache_keys, store.alerts)
        self._approvals = Approvals(
            store.proposals,
            self._knobs,
            self._restraints,
            needed=settings.approvals_needed,
            needed_in_emergency=settings.emergency_approvals_needed,
            deployed=self._remembered,
            turns=store.turns,
            graphs=self._graphs,
        )
        self._evaluator = Evaluator(
            TurnHistory(store.alerts, store.days, store.turns, numerics, settings.services),
            each(settings.watched, assessment_settings),
            Policies(self._knobs, each(settings.watched, ttl_limits), self._sizes),
            self._restraints,
            store.proposals,
            store.alerts,
            forecasts_of(self._sources, store, numerics),
        )
        auto_apply = AutoApplySettings(
            settings.automatic_knobs, settings.auto_apply_after, settings.dry_run, settings.approvals_needed
        )
        self._rules = AutoApplyRules(auto_apply, self._restraints, store.proposals, store.alerts, store.clock)
        self._undo_harmful = UndoHarmful(
            store.proposals,
            self._knobs,
            self._restraints,
            store.claims,
            self._fault,
            by_itself=settings.undo_harmful == "auto",
            needed=settings.approvals_needed,
        )
        self._rollback = self._make_rollback()
        self._going_back = GoingBack(self._remembered, store.controls)
        self._advisor = advisor_of(settings, store, self._restraints, self._ttl)

    def lumen(self) -> Lumen:
        """Everything, joined."""
        store = self._store
        auto_apply = AutoApplyCountdowns(
            self._collector, self._evaluator, self._rules, store.proposals, store.claims, store.outbox, self._fault
        )
        return Lumen(
            store=store,
            active=Active(store.hint, self._settings.services, store.clock),
            collector=self._collector,
            countdowns=(self._rollback, self._undo_harmful, auto_apply),
            rounds=self._rounds(),
            changes=self._changes(),
            answers=self._answers(),
            called=called_of(self._settings, store, self._fault),
        )

    def _make_rollback(self) -> Rollback:
        settings, store = self._settings, self._store
        return Rollback(
            Releases(self._slices, self._remembered, self._knobs, store.clock, self._allowed),
            store.alerts,
            self._restraints,
            store.proposals,
            store.claims,
            self._fault,
            RollbackRules(
                countdown=timedelta(seconds=settings.rollback_timeout_seconds),
                needed=settings.emergency_approvals_needed,
                services=settings.services,
                dry_run=settings.dry_run,
            ),
        )

    def _rounds(self) -> Rounds:
        settings, store = self._settings, self._store
        publish = publish_of(store, self._google, self._collector, self._ttl)
        report = ReportMarker(store.turns, store.outbox)
        return Rounds(
            watch=Watch(
                self._slices,
                store.alerts,
                store.claims,
                self._targets,
                store.silences,
                store.days,
                bills=store.bills if settings.budget_news else None,
                budget=self._budget,
            ),
            revisions=self._revisions(),
            rollback=self._rollback,
            effects=self._effects(),
            turn_runner=self._turn_runner(),
            digest=Digest(store.claims, store.outbox, self._zone),
            publish=publish if settings.publish_metrics else None,
            beside=Beside(
                taking_news=taking_of(settings, store, self._google, self._deployments),
                reading_errors=ReadingErrors(store.alerts, self._deployments, store.claims, self._log.read, link),
                moments=Moments(store.alerts, store.proposals, store.silences, store.clock),
                reminding=Reminding(store.controls, store.proposals, store.outbox, report, store.clock),
                observer=observer_of(self._sources, store),
                hearing=hearing_of(self._sources, store),
            ),
        )

    def _revisions(self) -> Revisions:
        store = self._store
        remembered = (store.controls, store.proposals, store.clock)
        return Revisions(self._slices, self._deployments, self._ttl, *remembered, allowed=self._allowed)

    def _effects(self) -> Effects:
        store, instances = self._store, self._sources.instances
        calls_usd = each(self._settings.watched, lambda one: one.api_cost_per_call)
        estimates = EffectEstimates(
            store.alerts,
            self._numerics,
            uncounted_calls_usd={one: 0.0 if one in instances else usd for one, usd in calls_usd.items()},
            sizes=self._sizes,
            held=HeldEffects(store.accesses, store.alerts, store.turns, self._numerics),
            caches=self._sources.names,
            lacking=self._lacking,
        )
        return Effects(
            store.proposals,
            BesideChange(store.alerts, store.turns, self._remembered),
            estimates,
            self._undo_harmful,
            HoldBacks(store.proposals, self._knobs, self._acting, store.audit, store.clock),
            store.claims,
            self._fault,
        )

    def _turn_runner(self) -> TurnRunner:
        store = self._store
        drift = Drift(
            store.proposals,
            store.claims,
            self._acting,
            store.turns,
            store.audit,
            self._knobs,
            self._fault,
        )
        return TurnRunner(
            self._collector,
            drift,
            self._evaluator,
            self._rules,
            self._approvals,
            store.claims,
            store.turns,
            lacking=() if self._lacking is None else (Missing("effects", self._lacking),),
        )

    def _changes(self) -> Changes:
        settings, store, approvals = self._settings, self._store, self._approvals
        execution = Execution(store.proposals, store.claims, self._knobs, self._acting, self._fault)
        operators = Operators(who_may_apply(settings), store.audit)
        report = ReportMarker(store.turns, store.outbox)
        needed = max(settings.approvals_needed, settings.emergency_approvals_needed)
        applying = Applying(
            approvals, execution, store.proposals, self._restraints, store.audit, store.clock, operators
        )
        overrides = Overrides(
            store.controls, self._restraints, approvals, store.proposals, self._knobs, report, store.clock
        )
        return Changes(
            approvals=approvals,
            applying=applying,
            applied_advice=AppliedAdvice(self._advisor, approvals, overrides, applying, operators),
            execution=execution,
            operators=operators,
            overrides=overrides,
            emergency=EmergencyActions(
                approvals,
                self._knobs,
                self._going_back,
                CacheFlush(self._acting, store.controls, store.leases, store.audit, needed),
                store.controls,
                report,
                store.clock,
                safe_ttls=each(settings.watched, lambda one: one.default_ttl_seconds),
            ),
            knobs=self._knobs,
        )

    def _answers(self) -> Answers:
        settings, store = self._settings, self._store
        slos = each(settings.watched, lambda one: one.slo)
        readouts = Readouts(
            store.proposals,
            store.turns,
            store.audit,
            store.alerts,
            store.silences,
            self._restraints,
            self._advisor,
            self._rules,
        )
        return Answers(
            readouts=readouts,
            advisor=self._advisor,
            choosing=Choosing(settings.services, store.choices, store.clock),
            looking=Looking(self._knobs, self._advisor),
            going_back=self._going_back,
            fleet=Fleet(store.fleet_store, store.clock),
            digests=DigestReader(readouts, store.turns, store.alerts, store.proposals, slos),
            auditing=auditing_of(settings, store),
            graphs=self._graphs,
        )


def _lacking() -> NoData | None:
    """The reason why the effect of changes cannot be estimated here."""
    if not missing_statistics():
        return None
    return NoData(message("effect.no_numerics"), message("effect.no_numerics_remedy"))


async def _observed_until(settings: Settings, store: StateStore) -> Mapping[ServiceId, datetime]:
    """A service is only observed for OBSERVE_ONLY from `lumen state init` on; one that is not prepared, from now on."""
    found: dict[ServiceId, datetime] = {}
    for service in settings.services:
        try:
            made_at = (await epoch.read(store.redis, service)).made_at
        except NotPrepared as error:
            log.error("service_not_prepared", service=service.key, code=error.reason.code)
            made_at = store.clock.now()
        found[service] = made_at + settings.observe_only
    return found


def _automation(settings: Settings) -> Automation:
    return Automation(
        disabled=settings.disable_auto_optimization,
        dry_run=settings.dry_run,
        freezes=settings.freezes.windows,
        weekly_freezes=settings.freezes.weekly,
        after_deployment=timedelta(hours=24),
    )
