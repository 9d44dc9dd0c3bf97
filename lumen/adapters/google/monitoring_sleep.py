"""Services that are asleep: Cloud Run writes no points without requests, so that a silence may be sleep.

A service slept through a period of which it has no point at all (none counted, timed, started or billed), while other
series of the same project have points up to its last minute: else Monitoring is late. Asked only where it is silent.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from datetime import timedelta

from lumen.adapters.google import monitoring_cache, monitoring_query
from lumen.adapters.google.monitoring_query import Aligner, MonitoringQueries, Query, Reducer, by_service
from lumen.adapters.google.monitoring_series import summed
from lumen.adapters.google.monitoring_witnesses import Witnesses
from lumen.model.messages import SourceUnavailable
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.model.witnesses import MISSED

MINUTE = timedelta(minutes=1)
#: Of anybody in the project, one series each, the next one asked where the last one leaves something open.
_ALIVE = (
    (monitoring_query.REQUESTS, monitoring_query.RESOURCE, Aligner.ALIGN_DELTA),
    (monitoring_cache.USAGE, monitoring_cache.RESOURCE, Aligner.ALIGN_MEAN),
    (monitoring_query.INSTANCES, monitoring_query.RESOURCE, Aligner.ALIGN_MEAN),
)


async def asleep(
    queries: MonitoringQueries, told: Mapping[ServiceId, Witnesses], window: Window, period: timedelta
) -> Mapping[ServiceId, Set[int]]:
    """The periods of the window through which each service slept; none where that cannot be asked."""
    silent: dict[ServiceId, set[int]] = {}
    for service, one in told.items():
        silent[service] = one.silent()
        await asyncio.sleep(0)  # clicks get their turn
    quiet = [service for service, periods in silent.items() if periods and not told[service].lacks_classes]
    nobody: dict[ServiceId, Set[int]] = dict.fromkeys(told, frozenset())
    if not quiet:
        return nobody
    try:
        billed, started = await asyncio.gather(
            *(_of_instances(queries, metric, quiet, window, period)
              for metric in (monitoring_query.BILLABLE, monitoring_query.STARTS))
        )  # fmt: skip
    except SourceUnavailable:
        return nobody
    wanted: dict[ServiceId, Set[int]] = {}
    for service in quiet:
        at_work = billed[service] | started[service]
        wanted[service] = {at for at in silent[service] if at not in at_work or _lingers(told[service], at)}
    alive = await _alive(queries, set().union(*wanted.values()), window, period)
    return nobody | {service: periods & alive for service, periods in wanted.items()}


def _lingers(told: Witnesses, at: int) -> bool:
    """An instance is billed on for a quarter of an hour after its last request; a few are not missed by then."""
    return 0 < told.before(at) < MISSED


async def _of_instances(
    queries: MonitoringQueries, metric: str, services: Sequence[ServiceId], window: Window, period: timedelta
) -> Mapping[ServiceId, set[int]]:
    series = await queries.series(by_service(metric, services, period), window)
    of = monitoring_query.per_service(services, series)
    return {service: {at for at, value in summed(mine).items() if value > 0} for service, mine in of.items()}


async def _alive(queries: MonitoringQueries, wanted: Set[int], window: Window, period: timedelta) -> set[int]:
    """The periods in whose last minute (of hours: in whose last slice) anything in the project has a point."""
    step = MINUTE if period <= SLICE else SLICE
    steps, found = round(period / step), set[int]()
    for metric, resource, aligner in _ALIVE:
        if wanted <= found:
            break
        reducer = Reducer.REDUCE_SUM if aligner == Aligner.ALIGN_DELTA else Reducer.REDUCE_MEAN
        query = Query(metric, resource, step, ("resource.labels.project_id",), ("", ()), aligner, reducer)
        try:
            points = summed(await queries.series(query, window))
        except SourceUnavailable:
            continue
        found |= {at // steps for at in points if at % steps == steps - 1}
    return found
