"""Policies of access by resource; each edit has another etag, and one that was overtaken is refused."""

from collections.abc import Callable
from typing import Any

from google.iam.v1 import policy_pb2

from sandbox.google.refusal import aborted, not_found


class Policies:
    """By resource; each edit has another etag, and one that was overtaken is refused."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self._exists = exists
        self._policies: dict[str, Any] = {}
        self._edits = 0

    def get(self, request: Any) -> Any:
        if not self._exists(request.resource):
            raise not_found(f"Resource not found (resource={request.resource.rsplit('/', 1)[-1]}).")
        return self._policies.get(request.resource, policy_pb2.Policy(version=1, etag=b"0"))

    def set(self, request: Any) -> Any:
        current = self.get(request)
        if request.policy.etag and request.policy.etag != current.etag:
            raise aborted("There were concurrent policy changes. Please retry the whole read-modify-write.")
        self._edits += 1
        kept = policy_pb2.Policy()
        kept.CopyFrom(request.policy)
        kept.etag = str(self._edits).encode()
        self._policies[request.resource] = kept
        return kept

    def may(self, member: str, role: str, resource: str) -> bool:
        policy = self._policies.get(resource)
        return policy is not None and any(one.role == role and member in one.members for one in policy.bindings)

    def forget(self, resource: str) -> None:
        """It was deleted."""
        self._policies.pop(resource, None)
