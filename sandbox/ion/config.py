"""The parameters of the simulated ION. Times in seconds of service time, money in USD."""

from dataclasses import dataclass, field, replace

MB = 2**20


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One Cloud Run service of ION. `revisions`: short names and age in days, oldest first; the last one serves."""

    name: str
    traffic_share: float  # of the world's demand
    revisions: tuple[tuple[str, float], ...]
    env_ttl_seconds: int = 300
    memory: str = "512Mi"


@dataclass(frozen=True, slots=True)
class IonConfig:
    """The world. The answers' size follows the cache's, so that memory behaves the same at every size."""

    project: str = "naeda-genesis"
    region: str = "us-central1"
    redis_name: str = "ion-cache"
    key_prefix: str = "ion:cache:"
    requests_per_second: float = 6.0
    cached_share: float = 0.97  # of the requests ask for an answer that may be cached; Redis hears of 0.88
    vertex_usd: float = 0.00003  # a call: a small model, so that a month of this demand fits its budget
    cache_mb_usd: float = 0.14  # a MB and month: a Memorystore of 1 GB, which is sold whole, for 256 MB
    cache_mb: int = 256
    memory_share: float = 0.72  # of the limit that is used at the usual demand and TTL
    error_share: float = 0.0005  # answered 500
    client_error_share: float = 0.004  # answered 404
    seed: int = 1
    history_days: int = 14
    contract: int = 2  # the version of docs/ion-contract.md that its services speak
    services: tuple[ServiceConfig, ...] = field(
        default=(
            ServiceConfig(
                "ion-api",
                0.95,
                (("ion-api-00039-kxd", 14.0), ("ion-api-00040-rvt", 8.3), ("ion-api-00041-qhm", 2.6)),
            ),
            ServiceConfig(
                "ion-api-canary", 0.05, (("ion-api-canary-00017-wpz", 14.0), ("ion-api-canary-00018-nbd", 3.4))
            ),
        )
    )

    def with_history(self, days: int) -> "IonConfig":
        """The same with so many days of past, in which the oldest revisions have served from the first one on."""
        services = (
            replace(service, revisions=((service.revisions[0][0], float(days)), *service.revisions[1:]))
            for service in self.services
        )
        return replace(self, history_days=days, services=tuple(services))

    @property
    def location(self) -> str:
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def redis_instance(self) -> str:
        return f"{self.location}/instances/{self.redis_name}"

    @property
    def answer_bytes(self) -> int:
        """A cached answer: 24 KiB in 256 MB."""
        return self.cache_mb * MB * 24 // (256 * 1024)

    def run_labels(self, service: str, revision: str) -> dict[str, str]:
        """The labels of a cloud_run_revision."""
        return {
            "project_id": self.project,
            "service_name": service,
            "revision_name": revision,
            "location": self.region,
            "configuration_name": service,
        }

    def redis_labels(self) -> dict[str, str]:
        """The labels of the redis_instance."""
        return {
            "project_id": self.project,
            "region": self.region,
            "instance_id": self.redis_instance,
            "node_id": "node-0",
        }
