"""google.longrunning.Operations: one list of operations for every API on the port."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from sandbox.google.paging import page
from sandbox.google.refusal import not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc

KEEP = 1000  # finished operations are forgotten, the oldest first


@dataclass(slots=True)
class Operation:
    """One operation. `metadata` and `response` are the raw messages that travel inside it."""

    name: str
    metadata: Message
    response: Message | None = None
    error: Status | None = None

    @property
    def done(self) -> bool:
        return self.response is not None or self.error is not None

    def message(self) -> Any:
        """google.longrunning.Operation."""
        operation = operations_pb2.Operation(name=self.name, done=self.done)
        operation.metadata.Pack(self.metadata)
        if self.error is not None:
            operation.error.CopyFrom(self.error)
        elif self.response is not None:
            operation.response.Pack(self.response)
        return operation


def _rpc(method: str, request: str, response: type[Message]) -> Rpc:
    return Rpc(f"/google.longrunning.Operations/{method}", getattr(operations_pb2, request), response)


RPCS: Mapping[str, Rpc] = {
    "GetOperation": _rpc("GetOperation", "GetOperationRequest", operations_pb2.Operation),
    "WaitOperation": _rpc("WaitOperation", "WaitOperationRequest", operations_pb2.Operation),
    "ListOperations": _rpc("ListOperations", "ListOperationsRequest", operations_pb2.ListOperationsResponse),
    "DeleteOperation": _rpc("DeleteOperation", "DeleteOperationRequest", Empty),
    "CancelOperation": _rpc("CancelOperation", "CancelOperationRequest", Empty),
}


class Operations:
    """All operations by name. Cancelling is not served: none of these can be cancelled."""

    def __init__(self, advance: Callable[[], None]) -> None:
        """`advance` lets happen what is due by now."""
        self._advance = advance
        self._all: dict[str, Operation] = {}
        self.methods: Mapping[str, Method] = {
            "GetOperation": self.get,
            "WaitOperation": self.wait,
            "ListOperations": self.list,
            "DeleteOperation": self.delete,
        }

    def start(self, name: str, metadata: Message) -> Operation:
        """A new, running operation."""
        operation = Operation(name, metadata)
        self._all[name] = operation
        if len(self._all) > KEEP:
            finished = next((n for n, o in self._all.items() if o.done), None)
            if finished is not None:
                del self._all[finished]
        return operation

    def _named(self, name: str) -> Operation:
        found = self._all.get(name)
        if found is None:
            raise not_found(f"Operation '{name}' does not exist.")
        return found

    def get(self, request: Any) -> Any:
        return self._named(request.name).message()

    async def wait(self, request: Any) -> Any:
        """Answers when the operation is done, or after the request's timeout (at most 30 s of the wall)."""
        operation = self._named(request.name)
        given = request.timeout.seconds + request.timeout.nanos / 1e9
        rounds = int(min(given or 30.0, 30.0) / 0.05) + 1
        for _ in range(rounds):
            self._advance()
            if operation.done:
                break
            await asyncio.sleep(0.05)
        return operation.message()

    def list(self, request: Any) -> Any:
        """Operations under the request's name (a location), newest first."""
        under = [o for n, o in self._all.items() if n.startswith(request.name.rstrip("/"))]
        if "done=false" in request.filter.replace(" ", "").lower():
            under = [o for o in under if not o.done]
        shown, token = page(under[::-1], request.page_size, request.page_token, request.name.encode(), 100)
        response = operations_pb2.ListOperationsResponse(next_page_token=token)
        response.operations.extend(o.message() for o in shown)
        return response

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        del self._all[request.name]
        return Empty()
