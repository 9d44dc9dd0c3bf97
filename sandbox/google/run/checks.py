"""Checks of UpdateService before anything changes."""

import re
from collections.abc import Collection
from typing import Any

from sandbox.google.refusal import already_exists, invalid_argument
from sandbox.google.run.messages import LATEST, REVISION

_RESERVED_ENV = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
_MEMORY = re.compile(r"^(\d+)(Mi|Gi|M|G)$")
_FORBIDDEN_LABELS = ("run.googleapis.com/", "cloud.googleapis.com/", "serving.knative.dev/", "autoscaling.knative.dev/")
_MIB = {"Mi": 1.0, "Gi": 1024.0, "M": 1e6 / 2**20, "G": 1e9 / 2**20}


def memory_mib(text: str) -> float:
    """ "512Mi" → 512.0. Raises Refusal for anything that is no memory size."""
    match = _MEMORY.match(text)
    if match is None:
        raise invalid_argument(f"template.containers[0].resources.limits.memory: invalid quantity '{text}'.")
    return int(match[1]) * _MIB[match[2]]


def check_service(service: Any, short_name: str, revisions: Collection[str]) -> None:
    """The whole desired state. `revisions` are the short names of those that exist. Raises Refusal."""
    _check_template(service.template)
    _check_scaling(service)
    _check_labels(service)
    check_traffic(service.traffic, short_name, revisions, service.template.revision)


def _check_template(template: Any) -> None:
    if not template.containers:
        raise invalid_argument("template.containers: at least one container is required.")
    for index, container in enumerate(template.containers):
        where = f"template.containers[{index}]"
        if not container.image:
            raise invalid_argument(f"{where}.image: an image is required.")
        names = [env.name for env in container.env]
        reserved = sorted(_RESERVED_ENV.intersection(names))
        if reserved:
            raise invalid_argument(
                f"{where}.env: The following reserved env names were provided: {', '.join(reserved)}."
            )
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise invalid_argument(f"{where}.env: Duplicate environment variable: {', '.join(repeated)}.")
        memory = container.resources.limits.get("memory")
        if memory is not None and not 128 <= memory_mib(memory) <= 32 * 1024:
            raise invalid_argument(f"{where}.resources.limits.memory: '{memory}' is not between 128Mi and 32Gi.")


def _check_scaling(service: Any) -> None:
    low, high = service.scaling.min_instance_count, service.scaling.max_instance_count
    if low < 0 or high < 0:
        raise invalid_argument("scaling.min_instance_count: must not be negative.")
    if high and low > high:
        raise invalid_argument(f"scaling.min_instance_count: {low} is greater than max_instance_count {high}.")
    template = service.template.scaling
    if template.max_instance_count and template.min_instance_count > template.max_instance_count:
        raise invalid_argument("template.scaling.min_instance_count: is greater than max_instance_count.")


def _check_labels(service: Any) -> None:
    for place in ("labels", "annotations"):
        bad = [k for k in getattr(service, place) if k.startswith(_FORBIDDEN_LABELS)]
        if bad:
            raise invalid_argument(f"{place}: system namespaces cannot be used: {', '.join(sorted(bad))}.")


def check_traffic(traffic: Any, short_name: str, revisions: Collection[str], coming: str) -> None:
    """Shares must add up to 100; a target names an existing revision, or the one that this very change makes."""
    if not traffic:
        return
    total = sum(target.percent for target in traffic)
    if total != 100:
        raise invalid_argument(f"traffic: Traffic targets must sum to 100 percent, but they sum to {total} percent.")
    for target in traffic:
        if not 0 <= target.percent <= 100:
            raise invalid_argument(f"traffic: percent {target.percent} is not between 0 and 100.")
        _check_target(target, short_name, revisions, coming)
    tags = [target.tag for target in traffic if target.tag]
    if len(tags) != len(set(tags)):
        raise invalid_argument("traffic: a tag may be used only once.")


def _check_target(target: Any, short_name: str, revisions: Collection[str], coming: str) -> None:
    if target.type_ == LATEST:
        if target.revision:
            raise invalid_argument("traffic.revision: must be empty for a target of type LATEST.")
        return
    if target.type_ != REVISION:
        raise invalid_argument("traffic.type: must be LATEST or REVISION.")
    if "/" in target.revision or not target.revision:
        raise invalid_argument(
            f"traffic.revision: '{target.revision}' is no revision name; give the short name, such as "
            f"{short_name}-00001-abc."
        )
    if target.revision not in revisions and target.revision != coming:
        raise invalid_argument(
            f"Revision '{target.revision}' does not exist or is deleted. Update all traffic to route to currently "
            "available revisions."
        )


def check_revision_name(name: str, short_name: str, revisions: Collection[str]) -> None:
    """A name that the client chose for the new revision ("" = none). Raises Refusal."""
    if not name:
        return
    if not name.startswith(short_name + "-") or len(name) > 63:
        raise invalid_argument(
            f"template.revision: '{name}' must begin with the service's name and a hyphen, and be at most 63 "
            "characters long."
        )
    if name in revisions:
        raise already_exists(f"Revision named '{name}' with different configuration already exists.")
