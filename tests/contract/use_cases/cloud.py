"""A Cloud Run service and its metrics, in memory, at the clock of a test: what the watch and the rollback look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lumen.model.alert import Observation
from lumen.model.history import Day, folded
from lumen.model.incident import RevisionCount
from lumen.model.messages import Message, NoData, ValueMoved, message
from lumen.model.proposal import LATEST, Change
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Deployment, Revision, TtlSetting, Window
from lumen.ports.actuators import Reading

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GONE = NoData(message("policy.rollback_no_data"), message("approval.already_remedy"))


@dataclass
class Cloud:
    """`shares`: from when on which revision serves and which share of its requests fails; ascending.

    Implements SliceSource, DeploymentSource, TtlSource and the Actuator of the traffic.
    """

    shares: list[tuple[datetime, str, float]]
    names: list[str]  # newest first
    now: datetime
    requests_per_minute: int = 200
    pinned: str | None = None
    allowed: bool = True
    is_silent: bool = False  # Monitoring does not answer
    slow_from: datetime | None = None  # requests take three times as long from then on
    slice_usd: float | None = None  # what each slice costs
    priced: dict[datetime, float | None] = field(default_factory=dict)  # what each has cost, once it was asked for
    unpriced: set[ServiceId] = field(default_factory=set)  # of whom it is not known
    name: str = "traffic"
    asked: list[Window] = field(default_factory=list)
    long_ago: list[Observation] = field(default_factory=list)  # what is remembered of the time before the fortnight
    remembered: list[Window] = field(default_factory=list)

    @property
    def serving(self) -> str:
        return self.shares[-1][1]

    def fails(self, at: datetime, share: float) -> None:
        """What serves now fails `share` of its requests from `at` on."""
        self.shares.append((at, self.serving, share))

    def deploy(self, at: datetime, name: str, share: float) -> None:
        self.names.insert(0, name)
        if self.pinned is None:
            self.shares.append((at, name, share))

    def move(self, at: datetime, name: str | None, share: float = 0.0) -> None:
        """Somebody points the traffic: at a revision, or back at the latest (None)."""
        self.pinned = name
        self.shares.append((at, name or self.names[0], share))

    # SliceSource

    async def days(self, services: Sequence[ServiceId], window: Window) -> Mapping[ServiceId, Sequence[Day] | NoData]:
        found = await self.slices(services, window)
        return {service: one if isinstance(one, NoData) else folded(one) for service, one in found.items()}

    async def slices(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        if window.end <= self.now - HOUR:
            return self._long_ago(services, window)
        self.asked.append(window)
        if self.is_silent:
            return dict.fromkeys(services, GONE)
        found = []
        for start in _steps(window, SLICE):
            requests, errors = self._count(start, SLICE)
            slow = 3 if self.slow_from is not None and start >= self.slow_from else 1
            cost_usd = self.priced.setdefault(start, self.slice_usd)
            p95_ms, p99_ms = 80.0 * slow, 120.0 * slow
            found.append(Observation(start, requests, errors, 0, p95_ms=p95_ms, p99_ms=p99_ms, cost_usd=cost_usd))
        unpriced = [replace(one, cost_usd=None) for one in found]
        return {service: unpriced if service in self.unpriced else found for service in services}

    async def counts(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        return dict.fromkeys(services, ())

    def _long_ago(
        self, services: Sequence[ServiceId], window: Window
    ) -> Mapping[ServiceId, Sequence[Observation] | NoData]:
        self.remembered.append(window)
        found = [one for one in self.long_ago if window.start <= one.start < window.end]
        return dict.fromkeys(services, found)

    async def by_revision(
        self, services: Sequence[ServiceId], window: Window, period: timedelta
    ) -> Mapping[ServiceId, Sequence[RevisionCount] | NoData]:
        if self.is_silent:
            return dict.fromkeys(services, GONE)
        found = [
            RevisionCount(start, self._at(start)[0], *self._count(start, period)) for start in _steps(window, period)
        ]
        return dict.fromkeys(services, found)

    def _at(self, when: datetime) -> tuple[str, float]:
        _, name, share = next((s for s in reversed(self.shares) if s[0] <= when), self.shares[0])
        return name, share

    def _count(self, start: datetime, period: timedelta) -> tuple[int, int]:
        requests = round(self.requests_per_minute * (period / MINUTE))
        return requests, round(requests * self._at(start)[1])

    # DeploymentSource, TtlSource

    async def deployments(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Deployment | NoData]:
        revisions = tuple(
            Revision(name, self.now, f"image@{name}", 100 if name == self.serving else 0, 300) for name in self.names
        )
        told = Deployment("etag", 300, 512.0, 0, self.pinned, revisions, self.allowed)
        return dict.fromkeys(services, told)

    async def ttl(self, service: ServiceId) -> TtlSetting | NoData:
        del service
        return TtlSetting(300, 0, None, None)

    # Actuator

    async def read(self, service: ServiceId) -> Reading:
        del service
        return Reading(self.pinned or LATEST, self.serving)

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        del proposal_id
        present = await self.read(service)
        if present.value != change.new:
            if present != expected:
                raise ValueMoved(message("rollback.moved"), message("approval.already_remedy"))
            self.move(self.now, None if change.new == LATEST else str(change.new))
        return await self.read(service)

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return await self.read(service) == wanted

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        del service, change, expected
        return message("rollback.moved")


def _steps(window: Window, period: timedelta) -> list[datetime]:
    return [window.start + i * period for i in range(round((window.end - window.start) / period))]


def well_since(now: datetime) -> Cloud:
    """Three revisions, the newest of them serving for days, with nothing wrong."""
    at = now - timedelta(days=30)
    return Cloud([(at, "r1", 0.0), (at + timedelta(days=10), "r2", 0.0)], ["r2", "r1"], now)
