"""What should change, of all that can be turned: one change to one knob at a time (mission 4)."""

from dataclasses import dataclass, replace

from lumen.model.assessment import Assessment
from lumen.model.errors import NotPossible, SourceUnavailable
from lumen.model.nodata import NoData
from lumen.model.proposal import Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import Snapshot
from lumen.policies.choose import Wanted, first_of, next_of, only_up
from lumen.policies.instances import recommend_min_instances
from lumen.policies.l1 import recommend_l1
from lumen.policies.restraint import Restraint
from lumen.policies.size import SizeLimits, recommend_size
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.use_cases.knobs import Knobs, find


@dataclass(frozen=True, slots=True)
class Advised:
    """`ttl` as it is shown by itself, and `first`: the one of all knobs that would be proposed now (or a hold)."""

    ttl: Wanted
    first: Wanted


class Advice:
    """Asks every policy whose knob can be turned here. `ttl` and `size` without what people pinned or locked."""

    def __init__(self, knobs: Knobs, ttl: TtlLimits, size: SizeLimits) -> None:
        self._knobs = knobs
        self._ttl = ttl
        self._size = size

    async def of(self, snapshot: Snapshot, assessment: Assessment, restraint: Restraint) -> Advised:
        """Changes nothing. What is missing for one knob does not stop another."""
        override = restraint.override
        limits = replace(self._ttl, override_seconds=override.ttl_seconds if override else None)
        ttl = recommend_ttl(snapshot, assessment, limits)
        size = recommend_size(snapshot, replace(self._size, locked=restraint.size_lock is not None))
        first = first_of(ttl, size)
        if not _holds(first):
            return Advised(ttl, first)
        others: list[Wanted] = []
        if Knob.MIN_INSTANCES in self._knobs:
            others.append(recommend_min_instances(snapshot, assessment))
        if Knob.L1_ENTRIES in self._knobs:
            others.append(only_up(recommend_l1(await self._l1_entries(snapshot.service), snapshot.cache)))
        return Advised(ttl, next_of(first, *others))

    async def _l1_entries(self, service: ServiceId) -> int | NoData:
        try:
            reading = await find(self._knobs, Knob.L1_ENTRIES).places[0].read(service)
        except (SourceUnavailable, NotPossible) as error:
            return NoData(error.reason, error.remedy)
        return int(reading.value)


def _holds(wanted: Wanted) -> bool:
    return isinstance(wanted, NoData) or wanted.change is None
