"""A project that refuses: the services of the other one are measured, and its own say why they are not."""

from datetime import timedelta

from lumen.adapters.google.clients import Patience
from lumen.adapters.google.monitoring_cache import MonitoringCache
from lumen.adapters.google.monitoring_query import MonitoringQueries
from lumen.adapters.google.monitoring_slices import MonitoringSlices
from lumen.adapters.google.monitoring_traffic import MonitoringTraffic
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.use_cases.collect import window_before
from tests.contract.google.test_sleepers import NOW, ONE, World, world

__all__ = ["world"]
#: The sandbox has one project, and tells nothing of any other.
STRANGE = ServiceId("shop-prod", "us-central1", "shop")


async def test_a_broken_project_costs_its_own_services_alone(world: World) -> None:
    services = [ServiceId(ONE.project, "us-central1", f"svc-{number}") for number in range(49)]
    for service in services:
        world.serves(service, lambda _: 10, 0.2)
    everybody = [*services[:20], STRANGE, *services[20:]]
    patience = Patience(attempt_seconds=5, retry_seconds=0)
    client = world.queries.client
    projects = {name: MonitoringQueries(client, name, patience) for name in (ONE.project, STRANGE.project)}
    window = window_before(NOW, timedelta(minutes=30))
    slices = await MonitoringSlices(projects, MonitoringCache(projects, {}), {}).slices(everybody, window)
    traffic = await MonitoringTraffic(projects, world.hourly).traffic(everybody, window)
    assert all(len(found) == 6 for one in services if not isinstance(found := slices[one], NoData))
    assert [one.name for one in everybody if isinstance(slices[one], NoData)] == [STRANGE.name]
    assert [one.name for one in everybody if isinstance(traffic[one], NoData)] == [STRANGE.name]
    told = traffic[STRANGE]
    assert isinstance(told, NoData)
    assert STRANGE.project in str(told.reason.params)
