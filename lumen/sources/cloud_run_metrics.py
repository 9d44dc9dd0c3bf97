"""The queries of Cloud Run's own metrics (docs: resource `cloud_run_revision`), always for all services at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from lumen.model.service import ServiceId
from lumen.sources.monitoring_query import Query, Series

RESOURCE = "cloud_run_revision"
REQUESTS = "run.googleapis.com/request_count"
LATENCIES = "run.googleapis.com/request_latencies"
STARTS = "run.googleapis.com/container/startup_latencies"
BILLABLE = "run.googleapis.com/container/billable_instance_time"

#: The label by which request_count tells good answers from errors: "2xx" … "5xx".
RESPONSE_CLASS = "response_code_class"

_BY_SERVICE = ("resource.labels.project_id", "resource.labels.location", "resource.labels.service_name")


def by_service(metric: str, services: Sequence[ServiceId], period: timedelta) -> Query:
    """`metric` summed per service and period."""
    return Query(metric, RESOURCE, period, _BY_SERVICE, _only(services))


def by_response_class(services: Sequence[ServiceId], period: timedelta) -> Query:
    """Requests per service, response class and period: good and valid in one answer, so no phantom errors."""
    return Query(REQUESTS, RESOURCE, period, (*_BY_SERVICE, f"metric.labels.{RESPONSE_CLASS}"), _only(services))


def by_revision(services: Sequence[ServiceId], period: timedelta) -> Query:
    """Requests per service, revision, response class and period: who answered, and how well."""
    of = (*_BY_SERVICE, "resource.labels.revision_name", f"metric.labels.{RESPONSE_CLASS}")
    return Query(REQUESTS, RESOURCE, period, of, _only(services))


def _only(services: Sequence[ServiceId]) -> tuple[str, tuple[str, ...]]:
    return "resource.labels.service_name", tuple(sorted({service.name for service in services}))


def per_service(services: Iterable[ServiceId], series: Sequence[Series]) -> Mapping[ServiceId, Sequence[Series]]:
    """Whose series are whose. A label that the server leaves out (it may, of a constant one) matches any."""
    found: dict[ServiceId, list[Series]] = {service: [] for service in services}
    named: dict[str, list[ServiceId]] = {}
    for service in found:
        named.setdefault(service.name, []).append(service)
    for one in series:
        for service in named.get(one.label("service_name"), ()):
            if one.label("location") in ("", service.region) and one.label("project_id") in ("", service.project):
                found[service].append(one)
    return found
