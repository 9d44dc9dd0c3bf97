"""Checks of every figure of a service."""

from collections.abc import Sequence

from bot.doctor.check import Check, Findings
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.snapshot import Snapshot

#: Absent for a good reason on a healthy service, so nothing to mend.
_FINE = frozenset({"source.no_starts", "source.month_just_begun", "source.counters_too_early"})


def measured_checks(snapshot: Snapshot, name: str) -> Sequence[Check]:
    """One line a part of the snapshot. `name`: of the service."""
    found = Findings.of_service(name)
    _traffic(found, snapshot)
    _cache(found, snapshot)
    _ttl(found, snapshot)
    found.part("Cloud Run", snapshot.deployment)
    found.part("168 h of history", snapshot.history)
    if isinstance(snapshot.spend, NoData):
        found.part("spend", snapshot.spend)
    else:
        _part(found, "spend", snapshot.spend.month_to_date_usd)
    return found.checks


def _part(found: Findings, name: str, value: object) -> None:
    if isinstance(value, NoData) and value.reason.code in _FINE:
        found.fine(name, value.reason)
    else:
        found.part(name, value)


def _traffic(found: Findings, snapshot: Snapshot) -> None:
    traffic = snapshot.traffic
    if isinstance(traffic, NoData):
        found.part("request_count", traffic)
        return
    missing = snapshot.window.slices - len(traffic.slices)
    found.fine("request_count", message("doctor.requests_ok", requests=traffic.requests, missing=missing))
    _part(found, "request_latencies", traffic.latency)
    _part(found, "startup_latencies", traffic.cold_starts)
    _part(found, "billable_instance_time", traffic.billable_instance_seconds)


def _cache(found: Findings, snapshot: Snapshot) -> None:
    cache = snapshot.cache
    if isinstance(cache, NoData):
        _part(found, "cache", cache)
        return
    _part(found, "cache hits", cache.lookups)
    if cache.evictions != cache.lookups:  # else one reason for both
        _part(found, "cache evictions", cache.evictions)
    _part(found, "cache memory", cache.used_mb)
    _part(found, "cache limit", cache.max_mb)
    _part(found, "cache latency", cache.p95_ms)


def _ttl(found: Findings, snapshot: Snapshot) -> None:
    ttl = snapshot.ttl
    if isinstance(ttl, NoData):
        found.part("TTL setting", ttl)
    elif ttl.unread is not None:
        found.part("TTL acknowledgement", ttl.unread)
    elif ttl.version > 0 and not ttl.followed:
        found.mend(
            "TTL setting", *with_remedy("doctor.not_followed", ttl_seconds=ttl.value_seconds, version=ttl.version)
        )
    else:
        found.fine("TTL setting", message("doctor.ttl_ok", ttl_seconds=ttl.value_seconds, version=ttl.version))
