"""The part of the composition root that turns: what can be changed, through which actuators, and how far."""

from redis.asyncio import Redis

from bot.config import Settings
from lumen.actuators.cloud_run import CloudRunEditor
from lumen.actuators.cloud_run_instances import CloudRunInstancesActuator
from lumen.actuators.cloud_run_memory import CloudRunMemoryActuator
from lumen.actuators.cloud_run_traffic import CloudRunTraffic
from lumen.actuators.cloud_run_ttl import CloudRunTtlActuator
from lumen.actuators.cloud_run_variable import CloudRunVariable
from lumen.actuators.memorystore import MemorystoreActuator
from lumen.actuators.redis_memory import RedisMemoryActuator
from lumen.actuators.redis_ttl import RedisTtlActuator
from lumen.actuators.traffic_knob import TrafficKnob
from lumen.model.proposal import Knob
from lumen.ports.actuators import Actuator
from lumen.sources.google_clients import GoogleClients
from lumen.sources.redis_ttl import RedisTtl
from lumen.use_cases.knobs import Knobs, Turnable

#: How far a person may turn what has no setting of its own (mission 4; Cloud Run's own limits for the memory).
MIN_CACHE_SIZE_MB = 10
L1_ENTRIES_RANGE = 1000, 10_000
MEMORY_RANGE_MB = 128, 32_768


def knobs_of(settings: Settings, cache: Redis, google: GoogleClients, ttl: RedisTtl) -> Knobs:
    """What can be turned, and how far; of several places the first one's value is the premise of a proposal."""
    editor = CloudRunEditor(google.services)
    in_redis = RedisTtlActuator(cache, ttl)
    in_environment = CloudRunTtlActuator(editor, settings.default_ttl_seconds)
    places: dict[str, tuple[Actuator, ...]] = {
        "redis": (in_redis,),
        "cloud_run": (in_environment,),
        "both": (in_redis, in_environment),
    }
    ttl_range = settings.min_ttl_seconds, settings.max_ttl_seconds
    l1 = CloudRunVariable(editor, "L1_CACHE_MAX_ENTRIES", settings.l1_cache_max_entries)
    return {
        Knob.TTL: Turnable(
            places[settings.ttl_actuator],
            "s",
            *ttl_range,
            forgets=None if settings.ttl_actuator == "cloud_run" else in_redis,
        ),
        Knob.CACHE_SIZE: _cache_size(settings, cache, google),
        Knob.L1_ENTRIES: Turnable((l1,), "", *L1_ENTRIES_RANGE),
        Knob.MIN_INSTANCES: Turnable((CloudRunInstancesActuator(editor),), "", 0, settings.max_min_instances),
        Knob.MEMORY: Turnable((CloudRunMemoryActuator(editor),), "MB", *MEMORY_RANGE_MB),
        Knob.TRAFFIC: Turnable((TrafficKnob(CloudRunTraffic(editor)),), ""),
    }


def _cache_size(settings: Settings, cache: Redis, google: GoogleClients) -> Turnable:
    """Of a Memorystore instance, or of a server of one's own, which forgets it at a restart."""
    limits = MIN_CACHE_SIZE_MB, settings.max_cache_size_mb
    if google.memorystore is not None:
        return Turnable((MemorystoreActuator(google.memorystore, settings.cache_instance, cache),), "MB", *limits)
    own = RedisMemoryActuator(cache)
    return Turnable((own,), "MB", *limits, forgets=own)
