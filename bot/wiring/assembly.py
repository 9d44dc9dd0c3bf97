"""The composition root (with measuring, deciding, knobs, memory and paging): names concrete adapters and joins them.

The part of the composition root that decides: what a picture comes to, and what may be done about it unasked.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from bot.config import Settings
from bot.numerics import ProcessNumerics, fault_point, missing_statistics
from bot.store import StateStore, advisor_of, auditing_of, clock_of, open_state_store, room_warnings
from bot.thresholds import alert_targets, assessment_settings, size_limits, ttl_limits
from bot.wiring.knobs import Called, called_of, knobs_of
from bot.wiring.sources import budgets_of, collector_of, news_of, publish_of, slices_of, taking_of
from lumen.adapters.cache.client import CacheServer, open_cache
from lumen.adapters.cache.keys import CacheSweeper
from lumen.adapters.cache.ttl import RedisTtl
from lumen.adapters.google.budget import GoogleBudgets, PubSubBudgetNews
from lumen.adapters.google.clients import GoogleClients, open_google
from lumen.adapters.google.custom_metrics import CustomMetrics
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.identity import RunPermissions, google_account, user_of_this_machine
from lumen.adapters.store import epoch
from lumen.model.messages import Message, NoData, StoreUnavailable, message
from lumen.model.service import Approvers, Person
from lumen.model.turn import Missing
from lumen.policies.auto_apply import AutoApplySettings
from lumen.policies.guard import Automation, Locks
from lumen.ports.clock import Clock, Numerics
from lumen.ports.sources import FigureSink
from lumen.use_cases.advice import Advisor
from lumen.use_cases.apply_now import AppliedAdvice, Applying, Operators
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.auditing import Auditing
from lumen.use_cases.auto_apply import AutoApplyCountdowns, AutoApplyRules
from lumen.use_cases.billing import TakingNews
from lumen.use_cases.collect import Collector
from lumen.use_cases.digest import Digest
from lumen.use_cases.drift import Drift
from lumen.use_cases.effects import Effects, HourlyFigures
from lumen.use_cases.emergency import EmergencyActions
from lumen.use_cases.evaluate import Evaluator, Policies, TurnHistory
from lumen.use_cases.execution import Execution
from lumen.use_cases.knobs import Knobs
from lumen.use_cases.overrides import Overrides
from lumen.use_cases.publish import Publish
from lumen.use_cases.queries import Choosing, Looking, Readouts, Weeks
from lumen.use_cases.releases import GoingBack, Releases, Revisions
from lumen.use_cases.report_mark import Showing
from lumen.use_cases.restrictions import Restraints
from lumen.use_cases.rollback import Rollback
from lumen.use_cases.turn import TurnRunner
from lumen.use_cases.undo_harmful import UndoHarmful
from lumen.use_cases.watch import Watch


def evaluator_of(
    settings: Settings, store: StateStore, numerics: Numerics, knobs: Knobs, restraints: Restraints
) -> Evaluator:
    """How a turn judges, and the end of a countdown."""
    return Evaluator(
        TurnHistory(store.alerts, store.days, store.turns, numerics),
        numerics,
        assessment_settings(settings),
        Policies(knobs, ttl_limits(settings), size_limits(settings)),
        restraints,
        store.proposals,
        store.alerts,
    )


def auto_apply_rules_of(settings: Settings, clock: Clock, store: StateStore, restraints: Restraints) -> AutoApplyRules:
    """AUTO_APPLY."""
    unasked = AutoApplySettings(settings.automatic_knobs, settings.auto_apply_after, settings.dry_run)
    return AutoApplyRules(unasked, restraints, store.proposals, store.alerts, clock)


@dataclass(frozen=True, slots=True)
class Lumen:
    """Everything but Slack: what the command line and the bot both use."""

    clock: Clock
    store: StateStore
    cache: Redis
    google: GoogleClients
    collector: Collector
    turn_runner: TurnRunner
    effects: Effects
    undo_harmful: UndoHarmful
    auto_apply: AutoApplyCountdowns
    digest: Digest
    approvals: Approvals
    execution: Execution
    advisor: Advisor
    applying: Applying
    applied_advice: AppliedAdvice
    auditing: Auditing
    readouts: Readouts
    choosing: Choosing
    looking: Looking
    weeks: Weeks
    numerics: Numerics
    watch: Watch
    #: None where BUDGET_TOPIC is not set.
    taking_news: TakingNews | None
    #: None where PUBLISH_METRICS is off.
    publish: Publish | None
    revisions: Revisions
    rollback: Rollback
    emergency: EmergencyActions
    called: Called
    restraints: Restraints
    overrides: Overrides
    operators: Operators
    going_back: GoingBack
    knobs: Knobs


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store that Lumen may use: what could not be checked, and which server it is ("" where it does not say).

    `short`: that its memory is nearly full.
    """

    warnings: Sequence[Message]
    run_id: str
    short: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """What `lumen doctor` looks at; it needs no store that works, and no Google either until it asks."""

    store: Callable[[], Awaitable[StoreFacts | NoData]]
    cache_server: CacheServer
    permissions: RunPermissions
    budgets: GoogleBudgets
    news: PubSubBudgetNews | None
    collector: Collector
    figures: FigureSink


async def operator_of(settings: Settings) -> Person:
    """Who types on the command line: a Google account, or in a sandbox the user of this machine, marked so.

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
    clock = clock_of(settings)
    numerics = ProcessNumerics()
    cache = open_cache(settings.cache_url)
    async with open_state_store(settings) as store:
        await epoch.check(store.redis, settings.services)
        google = await open_google(
            settings.lumen_gcp_endpoint,
            memorystore=bool(settings.cache_instance),
            subscriber=bool(settings.budget_news),
        )
        try:
            yield await _joined(settings, clock, store, cache, google, numerics)
        finally:
            numerics.close()
            await google.close()
            await cache.aclose()


@asynccontextmanager
async def open_examined(settings: Settings) -> AsyncIterator[Examined]:
    """For `lumen doctor`. Raises SourceUnavailable when this machine has no Google credentials."""
    google = await open_google(settings.lumen_gcp_endpoint, subscriber=bool(settings.budget_news))
    cache = open_cache(settings.cache_url)
    deployments = CloudRunDeployments(google.services, google.revisions)
    ttl = RedisTtl(cache, settings.default_ttl_seconds, deployments.environment_ttl)
    try:
        yield Examined(
            store=lambda: _store_facts(settings),
            cache_server=CacheServer(cache),
            permissions=RunPermissions(google.services),
            budgets=budgets_of(settings, google),
            news=news_of(settings, google),
            figures=CustomMetrics(google.metrics, settings.project_id),
            collector=collector_of(settings, clock_of(settings), cache, google, deployments, ttl),
        )
    finally:
        await google.close()
        await cache.aclose()


async def _store_facts(settings: Settings) -> StoreFacts | NoData:
    async with open_state_store(settings) as store:
        try:
            warnings = await epoch.check(store.redis, settings.services)
            short = await room_warnings(store)
        except StoreUnavailable as error:
            return NoData(error.reason, error.remedy, unreachable=True)
        facts = await CacheServer(store.redis).facts()
        return StoreFacts(warnings, "" if isinstance(facts, NoData) else facts.run_id, short)


async def _joined(
    settings: Settings, clock: Clock, store: StateStore, cache: Redis, google: GoogleClients, numerics: ProcessNumerics
) -> Lumen:
    deployments = CloudRunDeployments(google.services, google.revisions)
    ttl = RedisTtl(cache, settings.default_ttl_seconds, deployments.environment_ttl)
    knobs = knobs_of(settings, cache, google, ttl)
    collector = collector_of(settings, clock, cache, google, deployments, ttl, store.bills)
    automation = await _automation(settings, store)
    locks = Locks(settings.override_ttl, settings.lock_cache_size)
    restraints = Restraints(store.controls, clock, automation, locks)
    approvals = Approvals(
        store.proposals, knobs, settings.approvals_needed, settings.emergency_approvals_needed, restraints
    )
    showing = Showing(store.turns, store.outbox)
    advisor = advisor_of(settings, store, restraints, ttl)
    overrides = Overrides(store.controls, restraints, approvals, store.proposals, knobs, showing, clock)
    going_back = GoingBack(deployments, store.controls)
    operators = Operators(who_may_apply(settings), store.audit)
    slices, targets = slices_of(settings, clock, cache, google, deployments), alert_targets(settings)
    allowed = 1 - targets.error_free_share
    fault = fault_point(settings.lumen_fault_at)
    evaluator = evaluator_of(settings, store, numerics, knobs, restraints)
    rules = auto_apply_rules_of(settings, clock, store, restraints)
    keys = CacheSweeper(cache, settings.cache_key_prefix)
    execution = Execution(store.proposals, store.leases, knobs, clock, fault, settings.dry_run, keys, restraints)
    applying = Applying(approvals, execution, store.proposals, restraints, store.audit, clock, operators)
    drift = Drift(
        store.proposals,
        store.leases,
        store.slots,
        restraints,
        store.turns,
        store.audit,
        knobs,
        clock,
        fault,
        settings.dry_run,
    )
    undo_harmful = UndoHarmful(
        store.proposals,
        knobs,
        restraints,
        store.leases,
        clock,
        fault,
        settings.undo_harmful == "auto",
        settings.approvals_needed,
    )
    lacking, zone = _lacking(), ZoneInfo(settings.digest_timezone)
    return Lumen(
        clock=clock,
        store=store,
        cache=cache,
        google=google,
        collector=collector,
        turn_runner=TurnRunner(
            collector,
            drift,
            evaluator,
            rules,
            approvals,
            store.leases,
            store.slots,
            store.turns,
            clock,
            () if lacking is None else (Missing("effects", lacking),),
        ),
        effects=Effects(
            store.proposals,
            store.alerts,
            store.turns,
            HourlyFigures(
                store.alerts,
                0.0 if settings.cache_instance else settings.api_cost_per_call,
                size_limits(settings),
                settings.services,
            ),
            deployments,
            undo_harmful,
            store.leases,
            store.slots,
            clock,
            numerics,
            fault,
            lacking,
        ),
        undo_harmful=undo_harmful,
        digest=Digest(store.slots, store.outbox, clock, zone),
        approvals=approvals,
        execution=execution,
        advisor=advisor,
        applying=applying,
        applied_advice=AppliedAdvice(advisor, approvals, overrides, applying, operators),
        auditing=auditing_of(settings, store),
        readouts=Readouts(
            store.proposals, store.turns, store.audit, store.alerts, store.silences, restraints, advisor, rules
        ),
        choosing=Choosing(settings.services, store.choices, clock),
        looking=Looking(knobs, advisor),
        weeks=Weeks(store.alerts, store.turns, store.proposals, zone),
        numerics=numerics,
        watch=Watch(
            slices,
            store.alerts,
            store.slots,
            store.leases,
            clock,
            targets,
            store.silences,
            store.days,
            store.bills if settings.budget_news else None,
        ),
        taking_news=taking_of(settings, store, google),
        called=called_of(settings, store, clock, fault),
        publish=publish_of(settings, clock, store, google, collector, ttl) if settings.publish_metrics else None,
        revisions=Revisions(slices, deployments, ttl, store.controls, store.proposals, clock, allowed),
        rollback=Rollback(
            Releases(slices, deployments, knobs, clock, allowed),
            store.alerts,
            restraints,
            store.proposals,
            store.leases,
            clock,
            fault_point(settings.lumen_fault_at),
            timedelta(seconds=settings.rollback_timeout_seconds),
            settings.emergency_approvals_needed,
            settings.services,
        ),
        emergency=EmergencyActions(
            approvals,
            knobs,
            going_back,
            keys,
            store.controls,
            showing,
            store.leases,
            store.audit,
            clock,
            settings.default_ttl_seconds,
            max(settings.approvals_needed, settings.emergency_approvals_needed),
        ),
        restraints=restraints,
        overrides=overrides,
        operators=operators,
        going_back=going_back,
        knobs=knobs,
        auto_apply=AutoApplyCountdowns(collector, evaluator, rules, store.proposals, store.leases, fault),
    )


def _lacking() -> NoData | None:
    """Why the effect of changes cannot be estimated here."""
    if not missing_statistics():
        return None
    return NoData(message("effect.no_numerics"), message("effect.no_numerics_remedy"))


async def _automation(settings: Settings, store: StateStore) -> Automation:
    """A new installation observes for OBSERVE_ONLY from `lumen state init` on."""
    made_at = [(await epoch.read(store.redis, service)).made_at for service in settings.services]
    return Automation(
        disabled=settings.disable_auto_optimization,
        observe_until=max(made_at) + settings.observe_only,
        freezes=settings.freezes.windows,
        weekly_freezes=settings.freezes.weekly,
        after_deployment=timedelta(hours=24),
    )
