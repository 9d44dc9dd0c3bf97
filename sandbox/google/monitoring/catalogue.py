"""The metric and resource types that Google defines and the sandbox knows (names, units and labels as Google's)."""

from dataclasses import dataclass

from sandbox.google.monitoring.metric import Buckets, Kind, MetricType, ValueType

CLOUD_RUN = ("cloud_run_revision",)
REDIS = ("redis_instance",)

# Latency buckets: 66 finite ones, each 1.4 times as wide as the one before, from 1 ms on.
LATENCY_BUCKETS = Buckets.growing(66, 1.4, 1.0)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A monitored resource. Clients write custom metrics only on `writable` ones."""

    name: str
    labels: tuple[str, ...]
    display_name: str
    writable: bool = False


RESOURCES = {
    r.name: r
    for r in (
        ResourceType(
            "cloud_run_revision",
            ("project_id", "service_name", "revision_name", "location", "configuration_name"),
            "Cloud Run Revision",
        ),
        ResourceType("redis_instance", ("project_id", "region", "instance_id", "node_id"), "Cloud Memorystore Redis"),
        ResourceType("global", ("project_id",), "Global", writable=True),
        ResourceType(
            "generic_task", ("project_id", "location", "namespace", "job", "task_id"), "Generic Task", writable=True
        ),
        ResourceType("generic_node", ("project_id", "location", "namespace", "node_id"), "Generic Node", writable=True),
        ResourceType("gce_instance", ("project_id", "instance_id", "zone"), "VM Instance", writable=True),
        ResourceType(
            "k8s_container",
            ("project_id", "location", "cluster_name", "namespace_name", "pod_name", "container_name"),
            "Kubernetes Container",
            writable=True,
        ),
        ResourceType("consumed_api", ("project_id", "service", "method", "version", "location"), "Consumed API"),
        ResourceType("uptime_url", ("project_id", "host"), "Uptime Check URL"),
    )
}


def _run(name: str, kind: Kind, value: ValueType, unit: str, text: str, labels: tuple[str, ...] = ()) -> MetricType:
    return MetricType(f"run.googleapis.com/{name}", kind, value, unit, text, labels, CLOUD_RUN)


def _redis(name: str, kind: Kind, value: ValueType, unit: str, text: str, labels: tuple[str, ...] = ()) -> MetricType:
    return MetricType(f"redis.googleapis.com/{name}", kind, value, unit, text, ("role", *labels), REDIS)


_G, _D = Kind.GAUGE, Kind.DELTA
_INT, _DOUBLE, _DIST = ValueType.INT64, ValueType.DOUBLE, ValueType.DISTRIBUTION
_RESPONSE = ("response_code", "response_code_class")

REQUEST_COUNT = _run("request_count", _D, _INT, "1", "Number of requests reaching the revision.", _RESPONSE)
REQUEST_LATENCIES = _run("request_latencies", _D, _DIST, "ms", "Distribution of request latency.", _RESPONSE)
INSTANCE_COUNT = _run("container/instance_count", _G, _INT, "1", "Number of container instances.", ("state",))
STARTUP_LATENCIES = _run("container/startup_latencies", _D, _DIST, "ms", "Time spent starting a new instance.")
BILLABLE_TIME = _run("container/billable_instance_time", _D, _DOUBLE, "s", "Billable time of all instances.")
CPU_UTILIZATIONS = _run("container/cpu/utilizations", _D, _DIST, "10^2.%", "CPU utilization of the instances.")
MEMORY_UTILIZATIONS = _run("container/memory/utilizations", _D, _DIST, "10^2.%", "Memory utilization.")

KEYSPACE_HITS = _redis("stats/keyspace_hits", _D, _INT, "1", "Successful lookups of keys in the main dictionary.")
KEYSPACE_MISSES = _redis("stats/keyspace_misses", _D, _INT, "1", "Failed lookups of keys in the main dictionary.")
EVICTED_KEYS = _redis("stats/evicted_keys", _D, _INT, "1", "Keys evicted due to the maxmemory limit.")
EXPIRED_KEYS = _redis("stats/expired_keys", _D, _INT, "1", "Total number of key expiration events.")
CACHE_HIT_RATIO = _redis("stats/cache_hit_ratio", _G, _DOUBLE, "10^2.%", "Cache hit ratio: hits / (hits + misses).")
MEMORY_USAGE = _redis("stats/memory/usage", _G, _INT, "By", "Total number of bytes allocated by Redis.")
MEMORY_USAGE_RATIO = _redis("stats/memory/usage_ratio", _G, _DOUBLE, "10^2.%", "Memory usage / maximum memory.")
MAXMEMORY = _redis("stats/memory/maxmemory", _G, _INT, "By", "Maximum amount of memory Redis can consume.")
CLIENTS_CONNECTED = _redis("clients/connected", _G, _INT, "1", "Number of client connections.")
AVERAGE_TTL = _redis("keyspace/avg_ttl", _G, _DOUBLE, "ms", "Average TTL for keys in this database.", ("db",))
KEYS = _redis("keyspace/keys", _G, _INT, "1", "Number of keys stored in this database.", ("db",))

UPTIME_PASSED = MetricType(
    "monitoring.googleapis.com/uptime_check/check_passed",
    _G,
    ValueType.BOOL,
    "",
    "True if the uptime check passed.",
    ("check_id", "checker_location", "contacted_ip"),
    ("uptime_url", "cloud_run_revision"),
)

METRICS = {
    m.name: m
    for m in (
        REQUEST_COUNT,
        REQUEST_LATENCIES,
        INSTANCE_COUNT,
        STARTUP_LATENCIES,
        BILLABLE_TIME,
        CPU_UTILIZATIONS,
        MEMORY_UTILIZATIONS,
        KEYSPACE_HITS,
        KEYSPACE_MISSES,
        EVICTED_KEYS,
        EXPIRED_KEYS,
        CACHE_HIT_RATIO,
        MEMORY_USAGE,
        MEMORY_USAGE_RATIO,
        MAXMEMORY,
        CLIENTS_CONNECTED,
        AVERAGE_TTL,
        KEYS,
        UPTIME_PASSED,
    )
}
