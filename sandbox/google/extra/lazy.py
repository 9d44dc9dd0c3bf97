"""Mounts an API at its first call, so that its package costs nothing at the start, nor where nobody has it."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

Handlers = Mapping[str, Any]  # path → grpc handler


class LazyApi(grpc.GenericRpcHandler):
    """Everything under `prefix` ("/google.cloud.redis.v1.CloudRedis/")."""

    def __init__(self, prefix: str, package: str, build: Callable[[], Handlers]) -> None:
        """`build` imports the package and makes the handlers; ImportError means that it is not installed."""
        self._prefix = prefix
        self._package = package
        self._build = build
        self._handlers: Handlers | None = None

    def service(self, handler_call_details: Any) -> Any:
        """grpc's hook: the handler of a call, or None for other APIs'."""
        if not handler_call_details.method.startswith(self._prefix):
            return None
        if self._handlers is None:
            try:
                self._handlers = self._build()
            except ImportError:
                return grpc.unary_unary_rpc_method_handler(self._missing)
        return self._handlers.get(handler_call_details.method)

    async def _missing(self, _request: Any, context: Any) -> None:
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"The sandbox serves {self._prefix.strip('/')} where the package {self._package} is installed.",
        )
