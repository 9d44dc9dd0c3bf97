"""google.cloud.redis.v1.CloudRedis: ION's Memorystore instance. What is configured here really is set on the server."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from google.cloud.redis_v1 import CloudRedisAsyncClient
from google.cloud.redis_v1.types import cloud_redis

from sandbox.google.extra.instance import InstanceFacts
from sandbox.google.masks import copy_masked
from sandbox.google.operations import Operation, Operations
from sandbox.google.paging import page
from sandbox.google.refusal import failed_precondition, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn
from sandbox.google.times import put

CONFIGS = frozenset(
    {
        "activedefrag", "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lfu-decay-time", "lfu-log-factor",
        "maxmemory-gb", "maxmemory-policy", "notify-keyspace-events", "stream-node-max-bytes",
        "stream-node-max-entries", "timeout",
    }
)  # fmt: skip
POLICIES = frozenset(
    {
        "noeviction", "allkeys-lru", "volatile-lru", "allkeys-random", "volatile-random", "volatile-ttl",
        "allkeys-lfu", "volatile-lfu",
    }
)  # fmt: skip
DEFAULTS: Mapping[str, str] = {"maxmemory-policy": "volatile-lru", "notify-keyspace-events": ""}
_MUTABLE = ("display_name", "labels", "memory_size_gb", "redis_configs")
_READY, _UPDATING = 2, 3


@dataclass
class RedisAdmin:
    """One instance; one change at a time, each a long-running operation."""

    facts: InstanceFacts
    now: Callable[[], float]
    operations: Operations
    change_seconds: float
    instance: Any = None
    rpcs: Mapping[str, Rpc] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    _pending: tuple[float, Operation, Any] | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rpcs = learn(CloudRedisAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods = {
            "ListInstances": self.list,
            "GetInstance": self.get,
            "UpdateInstance": self.update,
        }
        self.instance = cloud_redis.Instance.pb(cloud_redis.Instance())
        instance = self.instance
        instance.name = self.facts.name
        instance.display_name = "ION cache"
        instance.redis_version = "REDIS_7_2"
        instance.tier = 1
        instance.state = _READY
        instance.memory_size_gb = 1
        instance.host, instance.port = "10.128.0.3", 6379
        instance.redis_configs.update({"maxmemory-gb": f"{self.facts.max_gb:g}", "maxmemory-policy": "volatile-lru"})
        put(instance.create_time, self.facts.created_at)

    def advance(self) -> None:
        """Let the change take effect when its time has come."""
        if self._pending is None or self._pending[0] > self.now():
            return
        _, operation, wanted = self._pending
        self._pending = None
        wanted.state = _READY
        self.instance = wanted
        task = asyncio.get_running_loop().create_task(self._take_effect(operation, wanted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_effect(self, operation: Operation, wanted: Any) -> None:
        await self.facts.apply({**DEFAULTS, **dict(wanted.redis_configs)})
        operation.response = wanted

    def list(self, request: Any) -> Any:
        here = [self.instance] if self.facts.name.startswith(request.parent.replace("/locations/-", "/")) else []
        shown, token = page(here, request.page_size, request.page_token, request.parent.encode(), 1000)
        response = self.rpcs["ListInstances"].response(next_page_token=token)
        response.instances.extend(shown)
        return response

    def get(self, request: Any) -> Any:
        if request.name != self.facts.name:
            raise not_found(f"Resource '{request.name}' was not found; this sandbox has '{self.facts.name}'.")
        return self.instance

    def update(self, request: Any) -> Any:
        """`redis_configs` in the mask replaces the whole map: what is left out goes back to its default."""
        self.get(request.instance)
        if self._pending is not None:
            raise failed_precondition("The instance is being updated: one operation at a time.")
        paths = list(request.update_mask.paths)
        if not paths:
            raise invalid_argument("Field update_mask had an invalid value: at least one path is required.")
        bad = [p for p in paths if p not in _MUTABLE]
        if bad:
            raise invalid_argument(f"Field update_mask had an invalid value: {', '.join(bad)} cannot be updated.")
        wanted = type(self.instance)()
        wanted.CopyFrom(self.instance)
        copy_masked(request.instance, wanted, paths)
        _check(wanted)
        location = self.facts.name.partition("/instances/")[0]
        mark = uuid5(NAMESPACE_URL, f"{self.facts.name}/{self.now()}/{wanted.SerializeToString()!r}")
        operation = self.operations.start(f"{location}/operations/{mark}", wanted)
        self.instance.state = _UPDATING
        self._pending = (self.now() + self.change_seconds, operation, wanted)
        return operation.message()


def _check(instance: Any) -> None:
    if not 1 <= instance.memory_size_gb <= 300:
        raise invalid_argument("Field instance.memory_size_gb had an invalid value: 1 to 300, in whole GB.")
    unknown = sorted(set(instance.redis_configs) - CONFIGS)
    if unknown:
        raise invalid_argument(f"Field instance.redis_configs had an invalid value: unknown {', '.join(unknown)}.")
    policy = instance.redis_configs.get("maxmemory-policy", "volatile-lru")
    if policy not in POLICIES:
        raise invalid_argument(f"Field instance.redis_configs['maxmemory-policy'] had an invalid value: {policy}.")
    limit = instance.redis_configs.get("maxmemory-gb")
    try:
        if limit is not None and not 0 < float(limit) <= instance.memory_size_gb:
            raise ValueError(limit)
    except ValueError as error:
        raise invalid_argument(
            f"Field instance.redis_configs['maxmemory-gb'] had an invalid value: '{limit}' is not above 0 and at most "
            f"{instance.memory_size_gb}."
        ) from error
