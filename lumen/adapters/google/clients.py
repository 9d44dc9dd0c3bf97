"""The async clients of Google Cloud (own credentials, or another endpoint on loopback), and how patient calls are.

Build the clients inside the running loop (a channel belongs to the loop that made it) and close them there.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import google.auth
import grpc.aio
from google.api_core import grpc_helpers_async
from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import AsyncRetry, if_exception_type
from google.auth import exceptions as auth_exceptions
from google.cloud.billing.budgets_v1 import BudgetServiceAsyncClient
from google.cloud.monitoring_v3 import MetricServiceAsyncClient
from google.cloud.run_v2 import RevisionsAsyncClient, ServicesAsyncClient

from lumen.model.messages import SourceUnavailable, message

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
#: Answers for hundreds of services are larger than gRPC's default of 4 MiB; the real clients set no limit either.
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1),)


@dataclass(frozen=True, slots=True)
class GoogleClients:
    """One client per API that Lumen reads or changes, each with a channel of its own."""

    metrics: MetricServiceAsyncClient
    services: ServicesAsyncClient
    revisions: RevisionsAsyncClient
    budgets: BudgetServiceAsyncClient
    #: A CloudRedisAsyncClient, where it was asked for and the extra `memorystore` is installed.
    memorystore: Any = None
    #: A SubscriberAsyncClient, where it was asked for and the extra `pubsub` is installed.
    subscriber: Any = None

    async def close(self) -> None:
        """Close every channel; the clients cannot be used afterwards."""
        for client in (self.metrics, self.services, self.revisions, self.budgets, self.memorystore, self.subscriber):
            if client is None:
                continue
            transport: Any = client.transport
            await transport.close()


async def open_google(endpoint: str = "", *, memorystore: bool = False, subscriber: bool = False) -> GoogleClients:
    """The clients for Google itself, or for `endpoint` (host:port on loopback: plaintext gRPC, no credentials).

    Connects lazily: a server that is down shows in the first call. Raises SourceUnavailable when this machine has no
    Google credentials, ValueError for an endpoint that is not on loopback.
    """
    return _clients(await client_maker(endpoint), memorystore, subscriber)


async def client_maker(endpoint: str) -> Callable[[Any], Any]:
    """Makes a client of a class, as `open_google` says; raises what that raises."""
    if endpoint:
        _check_loopback(endpoint)
        return lambda cls: _plaintext(cls, endpoint)
    credentials = await _credentials()
    return lambda cls: cls(credentials=credentials)


async def open_channel(host: str, endpoint: str = "") -> grpc.aio.Channel:
    """To an API of Google's that has no client here; as `open_google` says."""
    if endpoint:
        _check_loopback(endpoint)
        return grpc.aio.insecure_channel(endpoint)
    channel: grpc.aio.Channel = grpc_helpers_async.create_channel(f"{host}:443", credentials=await _credentials())
    return channel


async def _credentials() -> Any:
    try:
        # Finding credentials reads files and may ask the metadata server: that would block the loop.
        credentials, _ = await asyncio.to_thread(google.auth.default, scopes=list(SCOPES))
    except auth_exceptions.GoogleAuthError as error:
        raise SourceUnavailable(
            message("source.no_credentials", detail=" ".join(str(error).split())[:240]),
            message("source.credentials_remedy"),
        ) from error
    return credentials


def _clients(make: Any, memorystore: bool, subscriber: bool) -> GoogleClients:
    return GoogleClients(
        metrics=make(MetricServiceAsyncClient),
        services=make(ServicesAsyncClient),
        revisions=make(RevisionsAsyncClient),
        budgets=make(BudgetServiceAsyncClient),
        memorystore=_memorystore(make) if memorystore else None,
        subscriber=_subscriber(make) if subscriber else None,
    )


def _memorystore(make: Any) -> Any:
    """None where the extra is not installed. Imported here, for most installations do without."""
    try:
        from google.cloud.redis_v1 import CloudRedisAsyncClient
    except ImportError:
        return None
    return make(CloudRedisAsyncClient)


def _subscriber(make: Any) -> Any:
    """Likewise."""
    try:
        from google.pubsub_v1 import SubscriberAsyncClient
    except ImportError:
        return None
    return make(SubscriberAsyncClient)


def _plaintext(cls: Any, endpoint: str) -> Any:
    """A client that needs no credentials. One channel each: every transport stacks an interceptor on its channel."""
    transport = cls.get_transport_class("grpc_asyncio")
    return cls(transport=transport(channel=grpc.aio.insecure_channel(endpoint, options=CHANNEL_OPTIONS)))


def _check_loopback(endpoint: str) -> None:
    host, _, port = endpoint.rpartition(":")
    host = host.strip("[]")
    try:
        on_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        on_loopback = False
    if not on_loopback or not port.isdigit():
        raise ValueError(f"{endpoint!r} is no host:port on loopback: plaintext gRPC never leaves the machine")


@dataclass(frozen=True, slots=True)
class Patience:
    """`attempt_seconds` bounds one attempt, `retry_seconds` all of them; both on the wall.

    Only reads are tried again, and only after UNAVAILABLE, with jittered backoff. 0 of `retry_seconds` means one
    attempt. A write is never repeated by the client: the actuator reads the real value first.
    """

    attempt_seconds: float = 10.0
    retry_seconds: float = 8.0

    @property
    def options(self) -> dict[str, Any]:
        """`retry` and `timeout` of a read, for any client."""
        return {"retry": self.retry, "timeout": self.attempt_seconds}

    @property
    def retry(self) -> AsyncRetry | None:
        """`retry=` of a read; None switches the client's own habit off."""
        if self.retry_seconds <= 0:
            return None
        return AsyncRetry(
            predicate=if_exception_type(ServiceUnavailable),
            initial=0.2,
            maximum=2.0,
            multiplier=2.0,
            timeout=self.retry_seconds,
        )

    @property
    def whole_seconds(self) -> float:
        """An upper bound for one read with all of its attempts and pages."""
        return 2 * self.attempt_seconds + self.retry_seconds


PATIENCE = Patience()
