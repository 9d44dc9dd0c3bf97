"""The calls of a client's transport: every RPC's path and message types, learned from the client package itself.

No .proto files are needed: the transport is built on a channel that only writes down what is asked of it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method: `path` is "/package.Service/Method"; both types are raw protobuf classes."""

    path: str
    request: Any
    response: Any

    @property
    def service(self) -> str:
        return self.path.split("/")[1]

    @property
    def method(self) -> str:
        return self.path.split("/")[2]


class _Recorder(grpc.aio.Channel):
    """A channel that never connects."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[Any, Any]] = {}
        self._unary_unary_interceptors: list[Any] = []

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> Any:
        self.calls[method] = (request_serializer, response_deserializer)
        return _never

    def unary_stream(self, *_args: Any, **_kwargs: Any) -> Any:
        return _never

    def stream_unary(self, *_args: Any, **_kwargs: Any) -> Any:
        return _never

    def stream_stream(self, *_args: Any, **_kwargs: Any) -> Any:
        return _never

    async def __aenter__(self) -> "_Recorder":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        return None

    async def close(self, grace: float | None = None) -> None:  # noqa: ARG002 - the base class's shape
        return None

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: ARG002 - the same
        return grpc.ChannelConnectivity.IDLE

    async def wait_for_state_change(
        self,
        last_observed_state: grpc.ChannelConnectivity,  # noqa: ARG002 - the same
    ) -> None:
        return None

    async def channel_ready(self) -> None:
        return None


def _never(*_args: Any, **_kwargs: Any) -> Any:
    raise AssertionError("a recording channel is never called")


def _message_class(codec: Callable[..., Any]) -> type[Message] | None:
    """The raw class behind `X.serialize`, `X.deserialize` (proto-plus) or `X.FromString` (raw); else None."""
    owner = getattr(codec, "__self__", None)
    if owner is None:
        return None
    if isinstance(owner, type) and issubclass(owner, Message):
        return owner
    meta = getattr(owner, "_meta", None)
    return None if meta is None else meta.pb


def learn(transport: Callable[..., Any]) -> dict[str, Rpc]:
    """Method name → Rpc, for the async transport class of a client (`Client.get_transport_class("grpc_asyncio")`).

    Methods whose request type cannot be told from the transport (IAM's, Operations') are left out.
    """
    recorder = _Recorder()
    built = transport(channel=recorder)
    for name, _ in inspect.getmembers(transport, lambda member: isinstance(member, property)):
        if name not in ("operations_client", "kind", "grpc_channel", "host"):
            getattr(built, name)
    rpcs = {}
    for path, (serializer, deserializer) in recorder.calls.items():
        request, response = _message_class(serializer), _message_class(deserializer)
        if request is not None and response is not None:
            rpc = Rpc(path, request, response)
            rpcs[rpc.method] = rpc
    return rpcs
