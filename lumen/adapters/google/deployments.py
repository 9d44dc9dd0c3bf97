"""Cloud Run's configuration and revisions: one ListServices and one ListRevisions per project and region."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.run_v2 import GetServiceRequest, ListRevisionsRequest, RevisionsAsyncClient, ServicesAsyncClient

from lumen.adapters.checks import no_data
from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import RUN, reading
from lumen.adapters.google.listed_services import ListedServices, Place, all_of
from lumen.adapters.google.service_fields import DEFAULT_MEMORY, DEFAULT_VCPU, quantity
from lumen.model import ion_contract
from lumen.model.cost import InstanceShape
from lumen.model.messages import NoData, SourceUnavailable, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment, Revision
from lumen.ports.clock import Clock

GIB = 2**30
#: Enough for a rollback's memory; a service may have a thousand.
MOST_REVISIONS = 50
#: So long one answer of ListServices serves what tells of deployments; shapes and environments have it for a slice.
A_MOMENT = timedelta(minutes=1)

_NUMBERED = re.compile(r"-(\d{6,})\.[a-z0-9-]+\.run\.app")


@dataclass(frozen=True, slots=True)
class CloudRunDeployments:
    """Implements the DeploymentSource port; tells the size of an instance (for costs) and the environment's TTL."""

    services: ServicesAsyncClient
    revisions: RevisionsAsyncClient
    patience: Patience = PATIENCE
    #: None: nothing that was asked for before is told again.
    clock: Clock | None = None
    _listed: ListedServices = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_listed", ListedServices(self.services, self.patience, self.clock))

    def changed(self, service: ServiceId) -> None:
        """Lumen changes `service`: no answer of before that is told any more."""
        self._listed.changed((service.project, service.region))

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        """As they are now. Without the list of revisions a deployment is NoData: rollback would build on it."""
        told, revisions = await asyncio.gather(self._told(services, A_MOMENT), self._all_revisions(services))
        return {service: _deployment(told[service], revisions[service]) for service in services}

    async def shapes(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, InstanceShape | NoData]:
        """CPU and memory of one instance of each service."""
        told = await self._told(services, SLICE)
        return {service: one if isinstance(one, NoData) else _shape(one) for service, one in told.items()}

    async def project_number(self, project: str, region: str) -> str:
        """As the addresses of its services bear it, "NAME-NUMBER.REGION.run.app"; "" where none can be read."""
        try:
            listed = await self._listed.of((project, region), SLICE)
        except SourceUnavailable:
            return ""
        return next((found[1] for one in listed.values() for url in one.urls if (found := _NUMBERED.search(url))), "")

    async def environment_ttl(self, service: ServiceId) -> int | None:
        """DEFAULT_TTL_SECONDS of the running configuration, at most a slice old; None where it is not set.

        Raises SourceUnavailable where it cannot be read just now, or comes from a secret.
        """
        one = (await self._told([service], SLICE))[service]
        if isinstance(one, NoData):
            raise SourceUnavailable(one.reason, one.remedy)
        return _environment_ttl(one)

    async def environment_ttl_now(self, service: ServiceId) -> int | None:
        """The same, asked for afresh, as whoever changes something needs it: of the one service, however many there
        are beside it."""
        with reading(RUN, service.name, f"{service.project}/{service.region}"):
            request = GetServiceRequest(name=service.path)
            return _environment_ttl(await self.services.get_service(request, **self.patience.options))

    async def _told(self, services: Sequence[ServiceId], within: timedelta) -> Mapping[ServiceId, Any]:
        """Each service's `Service` (proto-plus), or NoData."""
        found: dict[ServiceId, Any] = {}
        for place, names in _by_place(services).items():
            try:
                listed = await self._listed.of(place, within)
            except SourceUnavailable as error:
                found |= dict.fromkeys(names, no_data(error))
                continue
            found |= {service: listed.get(service.name) or _unknown(service) for service in names}
        return found

    async def _all_revisions(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Sequence[Any] | NoData]:
        found: dict[ServiceId, Sequence[Any] | NoData] = {}
        for place, names in _by_place(services).items():
            try:
                listed = await self._list_revisions(place, names)
            except SourceUnavailable as error:
                found |= dict.fromkeys(names, no_data(error))
                continue
            by_name: dict[str, list[Any]] = {}
            for revision in listed:
                by_name.setdefault(reader.short(revision.service), []).append(revision)
            found |= {service: by_name.get(service.name, []) for service in names}
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
                return await all_of(pager, "revisions")


def _environment_ttl(one: Any) -> int | None:
    """Raises SourceUnavailable."""
    if reader.comes_from_secret(one, ion_contract.ENV_VARIABLE):
        raise SourceUnavailable(*with_remedy("source.ttl_is_secret", variable=ion_contract.ENV_VARIABLE))
    return reader.env_ttl_seconds(one)


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
