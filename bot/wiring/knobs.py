"""Wire what changes the world and calls people: knobs with actuators and ranges, silences, mentions, the pager."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bot.config import PAGER, Settings
from bot.service_settings import ServiceSettings
from bot.store import StateStore
from bot.thresholds import size_limits
from bot.wiring.caches import TunedCache
from lumen.adapters.cache.memory import RedisMemoryActuator
from lumen.adapters.cache.servers import CacheClient
from lumen.adapters.cache.ttl import RedisTtl, RedisTtlActuator
from lumen.adapters.google.clients import GoogleClients
from lumen.adapters.google.cloud_run_editor import CloudRunEditor
from lumen.adapters.google.cloud_run_knobs import (
    CloudRunInstancesActuator,
    CloudRunMemoryActuator,
    CloudRunVariable,
)
from lumen.adapters.google.cloud_run_traffic import CloudRunTraffic
from lumen.adapters.google.deployments import CloudRunDeployments
from lumen.adapters.google.memorystore import MemorystoreActuator
from lumen.adapters.pagers import WebhookPager, alertmanager_alerts, pagerduty_event
from lumen.model import ion_contract
from lumen.model.proposal import Knob
from lumen.model.service import ServiceId
from lumen.policies.size import cost_reasons
from lumen.ports.actuators import Actuator
from lumen.ports.clock import Clock, FaultPoint
from lumen.ports.incidents import Pager
from lumen.use_cases.knobs import Knobs, Turnable
from lumen.use_cases.labelling import Labelling
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.use_cases.paging import Paging
from lumen.wording.catalogue import Catalogue

#: How far a person may turn what has no setting of its own (for the memory: Cloud Run's own limits).
MIN_CACHE_SIZE_MB = 10
L1_ENTRIES_RANGE = 1000, 10_000
MEMORY_RANGE_MB = 128, 32_768


def knobs_of(
    settings: Settings,
    caches: Mapping[ServiceId, TunedCache],
    google: GoogleClients,
    deployments: CloudRunDeployments,
    ttls: Mapping[ServiceId, RedisTtl],
    clock: Clock,
) -> Mapping[ServiceId, Knobs]:
    """The knobs of each service and their ranges; those that have all of it in common share them.

    `ttls` that are read afresh: whoever changes something goes by them.
    """
    editor = CloudRunEditor(google.services, changed=deployments.changed)
    made, found = dict[tuple[int, int], Knobs](), dict[ServiceId, Knobs]()
    for service, its in settings.watched.items():
        cache, ttl = caches[service], ttls[service]
        key = id(its), id(ttl)
        if key not in made:
            in_redis = RedisTtlActuator(cache.redis, ttl, ttl.alone, clock, settings.observed_services)
            made[key] = _knobs(its, in_redis, editor, _cache_size(its, cache.redis, google))
        found[service] = made[key]
    return found


def _knobs(
    settings: ServiceSettings, in_redis: RedisTtlActuator, editor: CloudRunEditor, cache_size: Turnable
) -> Knobs:
    """Of several places the first one's value is the premise of a proposal."""
    in_environment = CloudRunVariable(editor, ion_contract.ENV_VARIABLE, settings.default_ttl_seconds)
    places: dict[str, tuple[Actuator, ...]] = {
        "redis": (in_redis,),
        "cloud_run": (in_environment,),
        "both": (in_redis, in_environment),
    }
    ttl_range = settings.min_ttl_seconds, settings.max_ttl_seconds
    l1 = CloudRunVariable(editor, ion_contract.L1_VARIABLE, ion_contract.L1_DEFAULT_ENTRIES)
    return {
        Knob.TTL: Turnable(
            places[settings.ttl_actuator],
            "s",
            *ttl_range,
            forgets=None if settings.ttl_actuator == "cloud_run" else in_redis,
            holding_back=None if settings.ttl_actuator == "cloud_run" else in_redis,
            deploys=settings.ttl_actuator != "redis",
        ),
        Knob.CACHE_SIZE: cache_size,
        Knob.L1_ENTRIES: Turnable((l1,), "", *L1_ENTRIES_RANGE, deploys=True),
        Knob.MIN_INSTANCES: Turnable((CloudRunInstancesActuator(editor),), "", 0, settings.max_min_instances),
        Knob.MEMORY: Turnable((CloudRunMemoryActuator(editor),), "MB", *MEMORY_RANGE_MB, deploys=True),
        Knob.TRAFFIC: Turnable((CloudRunTraffic(editor),), ""),
    }


def _cache_size(settings: ServiceSettings, cache: CacheClient, google: GoogleClients) -> Turnable:
    """Of a Memorystore instance, or of a server of one's own, which forgets it at a restart."""
    limits = MIN_CACHE_SIZE_MB, settings.max_cache_size_mb
    cost = partial(cost_reasons, limits=size_limits(settings))
    if settings.cache_instance and google.memorystore is not None:
        return Turnable(
            (MemorystoreActuator(google.memorystore, settings.cache_instance, cache),), "MB", *limits, cost=cost
        )
    own = RedisMemoryActuator(cache)
    return Turnable((own,), "MB", *limits, forgets=own, cost=cost)


@dataclass(frozen=True, slots=True)
class Called:
    """Mentions, pagers, silences and timelines."""

    silencing: Silencing
    calling: Calling
    timelines: Timelines
    labelling: Labelling
    #: None where no pager outside of Slack is configured.
    paging: Paging | None


def pager_of(settings: Settings) -> Pager | None:
    """None where no pager is configured."""
    if settings.pager_webhook_url is None:
        return None
    url, key = settings.pager_url_and_key
    if settings.pager_kind == "alertmanager":
        return WebhookPager(url, alertmanager_alerts, must_hear_again=True)
    return WebhookPager(url, partial(pagerduty_event, key), must_hear_again=False)


def called_of(settings: Settings, store: StateStore, fault: FaultPoint) -> Called:
    """All of it, over the store."""
    pager, words = pager_of(settings), Catalogue(settings.lumen_locale)
    silences = store.silences
    uncalled = frozenset(service for service, own in settings.watched.items() if not own.oncall_group)
    only_unanswered = settings.oncall_escalation == PAGER
    return Called(
        silencing=Silencing(silences, store.alerts, store.outbox, store.clock),
        calling=Calling(store.pages, silences, store.clock, settings.oncall_repeat, uncalled),
        timelines=Timelines(store.alerts, store.audit),
        labelling=Labelling(store.alerts, store.clock),
        paging=Paging(store.pages, silences, store.claims, pager, words.plain, fault, only_unanswered)
        if pager
        else None,
    )
