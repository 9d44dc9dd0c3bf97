"""The gRPC server: joins learned methods with implementations, faults and a count of the calls."""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.status_pb2 import Status

from sandbox.google.faults import Faults, refusal_of
from sandbox.google.refusal import Refusal
from sandbox.google.surface import Rpc

# Takes the raw request, returns the raw response; may be a coroutine function.
Method = Callable[[Any], Any]

OPTIONS = (
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
)


class GoogleServer:
    """Plaintext gRPC on loopback."""

    def __init__(self, faults: Faults, before_call: Callable[[], None], now: Callable[[], float]) -> None:
        """`before_call` runs before every method: what is due by now (deploys, samples) happens first.

        `now`: service time in Unix seconds, for the `date` that each answer bears as Google's do.
        """
        self.calls: Counter[str] = Counter()
        self._faults = faults
        self._before_call = before_call
        self._now = now
        self._server = grpc.aio.server(options=OPTIONS)
        #: Ended with it.
        self.at_stop: list[Callable[[], Awaitable[None]]] = []

    def handlers(self, rpcs: Mapping[str, Rpc], methods: Mapping[str, Method]) -> dict[str, Any]:
        """Path → handler of one API, for whoever mounts it by itself."""
        return {rpc.path: self._handler(rpc, methods.get(name)) for name, rpc in rpcs.items()}

    def mount(self, api: grpc.GenericRpcHandler) -> None:
        """Add an API that finds its own handlers."""
        self._server.add_generic_rpc_handlers([api])

    def serve(self, rpcs: Mapping[str, Rpc], methods: Mapping[str, Method]) -> None:
        """Serve one API. A learned method without an implementation answers UNIMPLEMENTED and says so."""
        by_service: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        for name, rpc in rpcs.items():
            handler = self._handler(rpc, methods.get(name))
            by_service.setdefault(rpc.service, {})[rpc.method] = handler
        handlers = [grpc.method_handlers_generic_handler(service, each) for service, each in by_service.items()]
        self._server.add_generic_rpc_handlers(handlers)

    def _handler(self, rpc: Rpc, method: Method | None) -> Any:
        call = f"{rpc.service.rsplit('.', 1)[-1]}/{rpc.method}"
        run = self._runner(call, method)
        return grpc.unary_unary_rpc_method_handler(
            run,
            request_deserializer=rpc.request.FromString,
            response_serializer=rpc.response.SerializeToString,
        )

    def _runner(self, call: str, method: Method | None) -> Callable[[Any, Any], Awaitable[Any]]:
        async def run(request: Any, context: Any) -> Any:
            self.calls[call] += 1
            try:
                if method is None:
                    raise Refusal(grpc.StatusCode.UNIMPLEMENTED, f"The sandbox does not serve {call}.")
                self._before_call()
                await context.send_initial_metadata((("date", formatdate(self._now(), usegmt=True)),))
                fault = await self._faults.before(call, _project_of(request))
                answer = method(request)
                if inspect.isawaitable(answer):
                    answer = await answer
                if fault is not None and fault.code is not None:
                    raise refusal_of(fault)
                return answer
            except Refusal as refusal:
                await _refuse(context, refusal)

        return run

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises RuntimeError when it is taken."""
        bound = self._server.add_insecure_port(f"{host}:{port}")
        await self._server.start()
        return bound

    async def stop(self) -> None:
        """Stop at once: nobody waits for a sandbox."""
        for end in self.at_stop:
            await end()
        await self._server.stop(None)


def _project_of(request: Any) -> str:
    """The project in the name of what is asked for, or of what holds it; "" where there is none."""
    name = next((told for field in ("parent", "name", "resource") if (told := getattr(request, field, ""))), "")
    kind, _, rest = str(name).partition("/")
    return rest.partition("/")[0] if kind == "projects" else ""


async def _refuse(context: Any, refusal: Refusal) -> None:
    """End the call with the refusal's status; rich details travel as google.rpc.Status, as Google's do."""
    await context.abort(refusal.code, refusal.message, _trailers(refusal))


def _trailers(refusal: Refusal) -> Sequence[tuple[str, bytes]]:
    if not refusal.details:
        return ()
    status = Status(code=refusal.code.value[0], message=refusal.message)
    for detail in refusal.details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)
