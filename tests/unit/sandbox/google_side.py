"""The Google side in the test's own process, with a clock that the test sets, and the real async clients against it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc.aio

from sandbox.clock import Clock
from sandbox.google.cloud import GoogleCloud

PROJECT = "naeda-genesis"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
ACCOUNT = "billingAccounts/01ABCD-2EF345-678901"
START = 1_800_000_000.0  # 2027-01-15 08:00 UTC, a whole hour and a Friday

Client = TypeVar("Client")


class SetClock(Clock):
    """Service time stands where the test puts it."""

    def __init__(self, at: float = START, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.at = at

    def seconds(self) -> float:
        return self.at


@dataclass
class GoogleSide:
    """The server's parts, its address, and clients for it."""

    clock: SetClock
    cloud: GoogleCloud
    target: str
    applied: "list[Mapping[str, str]]" = field(default_factory=list)  # what reached the cache server

    def client(self, kind: Callable[..., Client]) -> Client:
        """A client as the product makes one for another endpoint."""
        transport: Any = kind.get_transport_class("grpc_asyncio")  # type: ignore[attr-defined]
        return kind(transport=transport(channel=grpc.aio.insecure_channel(self.target)))


@asynccontextmanager
async def google_side(**options: Any) -> AsyncIterator[GoogleSide]:
    """Start it on a free port, stop it at the end."""
    clock = SetClock()
    settings: dict[str, Any] = {
        "clock": clock,
        "project": PROJECT,
        "billing_account": ACCOUNT,
        "seed": 1,
        "ingest_delay_seconds": 120.0,
        "deploy_seconds": 20.0,
        "change_seconds": 3.0,
    }
    cloud = GoogleCloud(**(settings | options))
    port = await cloud.server.start("127.0.0.1", 0)
    try:
        yield GoogleSide(clock, cloud, f"127.0.0.1:{port}")
    finally:
        await cloud.server.stop()
