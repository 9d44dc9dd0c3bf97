"""The part of the control client that is about the service's world: its clock, its incidents, Google's moods.

`SandboxClient.world` is one; all durations are of service time unless they say otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]
LOOK_SECONDS = 0.05  # of the wall, between two looks at the clock


@dataclass(frozen=True)
class ClockReading:
    """Service time is `origin` + (wall - `origin`) * `scale`; all of them UTC."""

    now: datetime
    wall: datetime
    scale: float
    origin: datetime


@dataclass(frozen=True)
class ProcessCacheState:
    """The first cache (L1) of one revision's instances; `answers` in all of them together."""

    service: str
    revision: str
    entries: int
    instances: int
    answers: int


@dataclass(frozen=True)
class IonState:
    """The service: rates 0-1 by minutes looked back (5, 10, 30, 60), None without data; `raw` is the whole JSON."""

    ttl_seconds: int
    ttl_setting: int | None
    hit_rate: dict[int, float | None]
    in_process_rate: dict[int, float | None]
    in_process: tuple[ProcessCacheState, ...]
    requests_last_minute: int
    errors_last_minute: int
    month_usd: float
    raw: Json = field(repr=False)


@dataclass(frozen=True)
class IncidentState:
    """`until` and `ended_at` in seconds since 1970, None where there is none."""

    number: int
    kind: str
    started_at: float
    until: float | None
    ended_at: float | None


class WorldClient:
    """`get` and `post` are SandboxClient's; every method raises its SandboxRefused."""

    def __init__(self, get: Callable[..., Awaitable[Json]], post: Callable[..., Awaitable[Json]]) -> None:
        self._get = get
        self._post = post

    # ---- looking

    async def clock(self) -> ClockReading:
        return _clock(await self._get("world/clock"))

    async def state(self) -> Json:
        return await self._get("world/state")

    async def ion(self) -> IonState:
        """Raises LookupError where the sandbox runs without ION."""
        ion = (await self.state())["ion"]
        if ion is None:
            raise LookupError("the sandbox runs without ION (--no-ion)")
        return _ion(ion)

    async def calls(self) -> dict[str, int]:
        """Calls of Google's APIs by "Service/Method"."""
        return {name: int(count) for name, count in (await self._get("world/calls")).items()}

    async def incidents(self) -> list[IncidentState]:
        """Those that go on."""
        return [_incident(i) for i in (await self._get("world/incidents"))["active"]]

    # ---- time

    async def run_at(self, scale: float) -> ClockReading:
        """Another pace from now on. The reading is what every process that shares the clock must be told."""
        return _clock(await self._post("world/clock", scale=scale))

    async def pass_time(self, duration: timedelta, *, within_seconds: float = 60.0) -> None:
        """Wait until so much service time has gone by, at the present pace. Raises TimeoutError (seconds of the
        wall)."""
        target = (await self.clock()).now + duration
        async with asyncio.timeout(within_seconds):
            while (reading := await self.clock()).now < target:
                left = (target - reading.now).total_seconds() / reading.scale
                await asyncio.sleep(max(LOOK_SECONDS, left))

    # ---- what goes wrong

    async def start_incident(self, kind: str, *, lasts: str | None = None, **parameters: float | str) -> IncidentState:
        """`lasts` such as "45m"; without it, until it is stopped."""
        body: Json = {"kind": kind, "for": lasts, **parameters}
        return _incident(await self._post("world/incident", **body))

    async def stop_incident(self, number: int) -> IncidentState:
        return _incident(await self._post("world/incident/stop", number=number))

    async def stop_incidents(self) -> None:
        """All of them, planned ones included."""
        await self._post("world/incident/stop", all=True)

    async def play(self, scenario: str) -> None:
        """A scenario that comes with the sandbox."""
        await self._post("world/scenario", name=scenario)

    async def play_yaml(self, text: str) -> None:
        await self._post("world/scenario", yaml=text)

    async def fault(
        self, method: str, *, code: str | None = None, times: int | None = None, delay_seconds: float | None = None,
        after: bool = False,
    ) -> None:  # fmt: skip
        """`method` such as "Services/UpdateService" or "*"; the delay is on the wall; `after` loses the answer only."""
        await self._post(
            "world/fault", method=method, code=code, times=times, delay_seconds=delay_seconds, after=after or None
        )

    async def updates(self, *outcomes: str) -> None:
        """Of Cloud Run, the next ones, one each: "fails", "never_ends" (until `mend`), "never_ready"."""
        await self._post("world/updates", outcomes=list(outcomes))

    async def deny(self, permissions: Sequence[str]) -> None:
        """The IAM permissions that the caller lacks from now on; patterns are allowed."""
        await self._post("world/permissions", denied=list(permissions))

    async def quota(self, limits: dict[str, int]) -> None:
        """Calls a minute of service time by pattern; {} sets the usual ones."""
        await self._post("world/quota", limits=limits)

    async def demand(self, factor: float) -> None:
        await self._post("world/demand", factor=factor)

    async def follow_ttl(self, on: bool) -> None:
        await self._post("world/ttl-follow", on=on)

    async def pause_users(self, on: bool) -> None:
        await self._post("world/pause", on=on)

    async def deploy(self, *, error_share: float = 0.0, slow_factor: float = 1.0, fails: bool = False) -> str:
        """A release by the service's own pipeline; returns the revision's name."""
        body = {"error_share": error_share, "slow_factor": slow_factor, "fails": fails}
        return str((await self._post("world/deploy", **body))["revision"])

    async def mend(self) -> None:
        """No faults, all permissions, nothing stuck, metrics on time, usual demand."""
        await self._post("world/clear")


def _clock(raw: Json) -> ClockReading:
    return ClockReading(
        datetime.fromisoformat(raw["now"]),
        datetime.fromisoformat(raw["wall"]),
        float(raw["scale"]),
        datetime.fromisoformat(raw["origin"]),
    )


def _rates(raw: Json) -> dict[int, float | None]:
    return {int(minutes): rate for minutes, rate in raw.items()}


def _ion(raw: Json) -> IonState:
    return IonState(
        ttl_seconds=raw["ttl_seconds"],
        ttl_setting=raw["ttl_setting"],
        hit_rate=_rates(raw["hit_rate"]),
        in_process_rate=_rates(raw["in_process_rate"]),
        in_process=tuple(ProcessCacheState(**each) for each in raw["in_process"]),
        requests_last_minute=raw["requests_last_minute"],
        errors_last_minute=raw["errors_last_minute"],
        month_usd=raw["month_usd"],
        raw=raw,
    )


def _incident(raw: Json) -> IncidentState:
    return IncidentState(raw["number"], raw["kind"], raw["started_at"], raw["until"], raw["ended_at"])
