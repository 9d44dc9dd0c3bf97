"""Cloud Run's configuration and revisions: one ListServices and one ListRevisions per project and region."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.cloud.run_v2 import ListRevisionsRequest, ListServicesRequest, RevisionsAsyncClient, ServicesAsyncClient

from lumen.adapters.checks import no_data
from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import RUN, reading
from lumen.adapters.google.service_fields import DEFAULT_MEMORY, DEFAULT_VCPU, quantity
from lumen.model import ion_contract
from lumen.model.cost import InstanceShape
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import Deployment, Revision

GIB = 2**30
#: Enough for a rollback's memory; a service may have a thousand.
MOST_REVISIONS = 50
MOST_PAGES = 50

Place = tuple[str, str]  # project, region
_NUMBERED = re.compile(r"-(\d{6,})\.[a-z0-9-]+\.run\.app")


@dataclass(frozen=True, slots=True)
class CloudRunDeployments:
    """Implements the DeploymentSource port; tells the size of an instance (for costs) and the environment's TTL."""

    services: ServicesAsyncClient
    revisions: RevisionsAsyncClient
    patience: Patience = PATIENCE
    _asking: "dict[Place, asyncio.Task[Mapping[str, Any]]]" = field(default_factory=dict, init=False)

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        """As they are now. Without the list of revisions a deployment is NoData: rollback would build on it."""
        told, revisions = await asyncio.gather(self._told(services), self._all_revisions(services))
        return {service: _deployment(told[service], revisions[service]) for service in services}

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """CPU and memory of one instance of each service."""
        told = await self._told(services)
        return {service: one if isinstance(one, NoData) else _shape(one) for service, one in told.items()}

    async def project_number(self, project: str, region: str) -> str:
        """As the addresses of its services bear it, "NAME-NUMBER.REGION.run.app"; "" where none can be read."""
        try:
            listed = await self._list_services((project, region))
        except SourceUnavailable:
            return ""
        return next((found[1] for one in listed.values() for url in one.urls if (found := _NUMBERED.search(url))), "")

    async def environment_ttl(self, service: ServiceId) -> int | None:
        """DEFAULT_TTL_SECONDS of the running configuration; None where it is not set.

        Raises SourceUnavailable where it cannot be read just now, or comes from a secret.
        """
        one = (await self._told([service]))[service]
        if isinstance(one, NoData):
            raise SourceUnavailable(one.reason, one.remedy)
        if reader.comes_from_secret(one, ion_contract.ENV_VARIABLE):
            raise SourceUnavailable(*with_remedy("source.ttl_is_secret", variable=ion_contract.ENV_VARIABLE))
        return reader.env_ttl_seconds(one)

    async def _told(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Any]:
        """Each service's `Service` (proto-plus), or NoData."""
        found: dict[ServiceId, Any] = {}
        for place, names in _by_place(services).items():
            try:
                listed = await self._list_services(place)
            except SourceUnavailable as error:
                found |= dict.fromkeys(names, no_data(error))
                continue
            found |= {service: listed.get(service.name) or _unknown(service) for service in names}
        return found

    async def _list_services(self, place: Place) -> Mapping[str, Any]:
        """By short name. Those who ask at the same time (several parts of one turn do) share one call."""
        task = self._asking.get(place)
        if task is None:
            task = asyncio.create_task(self._ask_for_services(place))
            self._asking[place] = task
            task.add_done_callback(lambda done: self._answered(place, done))
        return await asyncio.shield(task)

    def _answered(self, place: Place, done: "asyncio.Task[Mapping[str, Any]]") -> None:
        self._asking.pop(place, None)
        if not done.cancelled():
            done.exception()  # seen, also when everybody who asked has meanwhile gone

    async def _ask_for_services(self, place: Place) -> Mapping[str, Any]:
        project, region = place
        with reading(RUN, f"services in {region}", project):
            async with asyncio.timeout(self.patience.whole_seconds):
                pager = await self.services.list_services(
                    ListServicesRequest(parent=f"projects/{project}/locations/{region}"), **self.patience.options
                )
                return {reader.short(one.name): one for one in await _all(pager, "services")}

    async def _all_revisions(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Sequence[Any] | NoData]:
        found: dict[ServiceId, Sequence[Any] | NoData] = {}
        for place, names in _by_place(services).items():
            try:
                listed = await self._list_revisions(place, names)
            except SourceUnavailable as error:
                found |= dict.fromkeys(names, no_data(error))
                continue
            found |= {service: [r for r in listed if reader.short(r.service) == service.name] for service in names}
        return found

    async def _list_revisions(self, place: Place, services: Sequence[ServiceId]) -> Sequence[Any]:
        project, region = place
        # "-" means the revisions of every service: one call for a fleet.
        name = services[0].name if len(services) == 1 else "-"
        with reading(RUN, f"revisions in {region}", project):
            async with asyncio.timeout(self.patience.whole_seconds):
                pager = await self.revisions.list_revisions(
                    ListRevisionsRequest(parent=f"projects/{project}/locations/{region}/services/{name}"),
                    **self.patience.options,
                )
                return await _all(pager, "revisions")


async def _all(pager: Any, field: str) -> list[Any]:
    """The items of at most `MOST_PAGES` pages: a server may hand out page tokens for ever."""
    items: list[Any] = []
    pages = 0
    async for page in pager.pages:
        items.extend(getattr(page, field))
        pages += 1
        if pages >= MOST_PAGES:
            break
    return items


def _by_place(services: Sequence[ServiceId]) -> Mapping[Place, list[ServiceId]]:
    found: dict[Place, list[ServiceId]] = {}
    for service in services:
        found.setdefault((service.project, service.region), []).append(service)
    return found


def _deployment(told: Any, revisions: Sequence[Any] | NoData) -> Deployment | NoData:
    if isinstance(told, NoData):
        return told
    if isinstance(revisions, NoData):
        return revisions
    shape = _shape(told)
    if isinstance(shape, NoData):
        return shape
    shares = reader.traffic_shares(told)
    dated = [r for r in revisions if r.create_time is not None]
    newest_first = sorted(dated, key=lambda r: r.create_time.timestamp(), reverse=True)[:MOST_REVISIONS]
    return Deployment(
        etag=told.etag,
        env_ttl_seconds=reader.env_ttl_seconds(told),
        memory_mb=reader.memory_mb(told),
        min_instances=reader.min_instances(told),
        pinned_revision=reader.pinned_revision(told),
        revisions=tuple(
            Revision(
                name=reader.short(r.name),
                created_at=_plain(r.create_time),
                image=reader.main_container(r).image if r.containers else "",
                traffic_percent=shares.get(reader.short(r.name), 0),
                env_ttl_seconds=reader.revision_ttl_seconds(r),
            )
            for r in newest_first
        ),
        rollback_allowed=told.labels.get("lumen-rollback", "") != "never",
        latest_ready=reader.short(told.latest_ready_revision),
    )


def _shape(told: Any) -> InstanceShape | NoData:
    """All containers of an instance together."""
    limits = [container.resources.limits for container in told.template.containers]
    try:
        return InstanceShape(
            vcpu=sum(quantity(limit.get("cpu", DEFAULT_VCPU)) for limit in limits),
            gib=sum(quantity(limit.get("memory", DEFAULT_MEMORY)) for limit in limits) / GIB,
            min_instances=reader.min_instances(told),
            since=None if told.create_time is None else _plain(told.create_time),
        )
    except ValueError as error:
        return NoData(*with_remedy("source.limits_unreadable", service=reader.short(told.name), detail=str(error)))


def _plain(time: datetime) -> datetime:
    """Not the client's subclass."""
    return datetime.fromtimestamp(time.timestamp(), UTC)


def _unknown(service: ServiceId) -> NoData:
    where = f"{service.project}/{service.region}"
    return NoData(
        *with_remedy(
            "source.service_unknown", service=service.name, where=where, region=service.region, project=service.project
        )
    )
