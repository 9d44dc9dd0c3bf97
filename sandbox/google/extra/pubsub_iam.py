"""google.iam.v1.IAMPolicy of topics and subscriptions, as far as Pub/Sub itself asks: who may forward dead letters."""

from collections.abc import Callable, Mapping
from typing import Any

from google.iam.v1 import iam_policy_pb2, policy_pb2

from sandbox.google.projects import number_of
from sandbox.google.refusal import aborted, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc

PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"


def agent_of(project: str) -> str:
    """Pub/Sub's own account in a project, as a member of policies."""
    return f"serviceAccount:service-{number_of(project)}@gcp-sa-pubsub.iam.gserviceaccount.com"


class Policies:
    """By resource; each edit has another etag, and one that was overtaken is refused."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self._exists = exists
        self._policies: dict[str, Any] = {}
        self._edits = 0
        path = "/google.iam.v1.IAMPolicy"
        self.rpcs: Mapping[str, Rpc] = {
            "GetIamPolicy": Rpc(f"{path}/GetIamPolicy", iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy),
            "SetIamPolicy": Rpc(f"{path}/SetIamPolicy", iam_policy_pb2.SetIamPolicyRequest, policy_pb2.Policy),
        }
        self.methods: Mapping[str, Method] = {"GetIamPolicy": self.get, "SetIamPolicy": self.set}

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
