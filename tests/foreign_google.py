"""A Google of the test's own: answers just what the test says, by the name of the method, and UNIMPLEMENTED else.

The sandbox is the world that behaves; this one misbehaves: it hangs, refuses, answers nothing or too much.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from google.protobuf.message import Message

#: Takes the raw request, returns the raw answer's message; raises Refused, or waits for ever.
Answer = Callable[[bytes], Awaitable[Message]]


class Refused(Exception):
    """What the server answers instead."""

    def __init__(self, code: grpc.StatusCode, detail: str = "said so") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class ForeignGoogle(grpc.GenericRpcHandler):
    """`answers`: method name ("ListTimeSeries") -> what to do. `calls` counts each method."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.calls: list[str] = []
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((self,))
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(0)

    def refuse(self, method: str, code: grpc.StatusCode, detail: str = "said so", times: int = -1) -> None:
        """Refuse `method`, for ever or the first `times` calls; afterwards what it answered before goes on."""
        before = self.answers.get(method)
        left = [times]

        async def answer(request: bytes) -> Message:
            if left[0] == 0 and before is not None:
                return await before(request)
            left[0] -= 1
            raise Refused(code, detail)

        self.answers[method] = answer

    def hang(self, method: str) -> None:
        """Never answer `method`."""

        async def answer(_request: bytes) -> Message:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets that event")

        self.answers[method] = answer

    def service(self, handler_call_details: Any) -> Any:
        """grpc asks this for each call."""
        method = str(handler_call_details.method).rsplit("/", 1)[-1]

        async def behave(request: bytes, context: Any) -> Message | None:
            self.calls.append(method)
            try:
                if method not in self.answers:
                    raise Refused(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not known here")
                return await self.answers[method](request)
            except Refused as refused:
                await context.abort(refused.code, refused.detail)
                return None

        return grpc.unary_unary_rpc_method_handler(
            behave,
            request_deserializer=bytes,
            response_serializer=lambda message: message.SerializeToString(),
        )
