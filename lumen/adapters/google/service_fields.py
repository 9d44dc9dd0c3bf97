"""The fields of a Cloud Run `Service` (run_v2, proto-plus), read in one place for sources and actuators."""

from collections.abc import Mapping
from typing import Any

from google.cloud.run_v2 import Condition, TrafficTargetAllocationType

from lumen.model import ion_contract

LATEST = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
#: Cloud Run's own defaults where a service sets no limit.
DEFAULT_VCPU, DEFAULT_MEMORY = "1", "512Mi"
MB = 2**20


def short(name: str) -> str:
    """The last part of a resource name: revisions come as full names here and as short ones there."""
    return name.rsplit("/", 1)[-1]


def main_container(holder: Any) -> Any:
    """Of a template or a revision: the container that answers requests (the one with a port), else the first."""
    return next((c for c in holder.containers if c.ports), holder.containers[0])


def env_number(service: Any, name: str) -> int | None:
    """A variable of the environment where it is set to a whole number in plain sight."""
    return _number(service.template, name)


def revision_ttl_seconds(revision: Any) -> int | None:
    """DEFAULT_TTL_SECONDS of a revision, likewise: it keeps what it was made with."""
    return _number(revision, ion_contract.ENV_VARIABLE)


def _number(holder: Any, name: str) -> int | None:
    for container in holder.containers:
        for variable in container.env:
            if variable.name == name:
                return int(variable.value) if variable.value.isdecimal() else None
    return None


def comes_from_secret(service: Any, name: str) -> bool:
    """Whether a variable of the environment is set from elsewhere, so that its value is not told."""
    return any(v.name == name and v.value_source for c in service.template.containers for v in c.env)


def env_ttl_seconds(service: Any) -> int | None:
    """DEFAULT_TTL_SECONDS, likewise."""
    return env_number(service, ion_contract.ENV_VARIABLE)


def min_instances(service: Any) -> int:
    """At service level, or of the template where somebody set it there: the larger one holds."""
    return int(max(service.scaling.min_instance_count, service.template.scaling.min_instance_count))


def memory_mb(service: Any) -> int:
    """The memory limit of the container that answers requests, in MB of 2**20 bytes. Raises ValueError."""
    return round(quantity(main_container(service.template).resources.limits.get("memory", DEFAULT_MEMORY)) / MB)


def latest_is_served(service: Any) -> bool:
    """Whether a new revision would get traffic: no targets at all means 100 % to the latest."""
    targets = list(service.traffic)
    return not targets or any(t.type_ == LATEST and t.percent > 0 for t in targets)


def pinned_revision(service: Any) -> str | None:
    """The revision that traffic is pinned to (the one with the largest share), or None while LATEST gets any."""
    if latest_is_served(service):
        return None
    return short(max(service.traffic, key=lambda t: t.percent).revision)


def traffic_shares(service: Any) -> Mapping[str, int]:
    """Per cent by short revision name, as it really is served (`traffic_statuses`), else as it was asked for."""
    shares: dict[str, int] = {}
    for target in service.traffic_statuses or service.traffic:
        name = short(target.revision or service.latest_ready_revision)
        shares[name] = shares.get(name, 0) + target.percent
    if not shares and service.latest_ready_revision:
        return {short(service.latest_ready_revision): 100}
    return shares


def is_settled(service: Any) -> bool:
    """Cloud Run has finished with the newest generation, well or badly."""
    return not service.reconciling and service.observed_generation == service.generation


def is_ready(service: Any) -> bool:
    """Settled well: its terminal condition succeeded and the newest revision is the one that is ready."""
    return (
        is_settled(service)
        and service.terminal_condition.state == Condition.State.CONDITION_SUCCEEDED
        and short(service.latest_ready_revision) == short(service.latest_created_revision)
    )


_FACTORS = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "m": 10**-3,
}


def quantity(text: str) -> float:
    """A limit of Cloud Run (a Kubernetes quantity) as a plain number: "512Mi" -> 536870912.0, "1000m" -> 1.0.

    Raises ValueError.
    """
    for suffix, factor in _FACTORS.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)
