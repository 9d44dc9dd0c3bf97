"""google.iam.v1.IAMPolicy of topics and subscriptions, as far as Pub/Sub itself asks: who may forward dead letters."""

from collections.abc import Callable, Mapping

from google.iam.v1 import iam_policy_pb2, policy_pb2

from sandbox.google.numbers import number_of
from sandbox.google.policies import Policies
from sandbox.google.server import Method
from sandbox.google.surface import Rpc

PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"


def agent_of(project: str) -> str:
    """Pub/Sub's own account in a project, as a member of policies."""
    return f"serviceAccount:service-{number_of(project)}@gcp-sa-pubsub.iam.gserviceaccount.com"


class PubSubPolicies(Policies):
    """Those of topics and subscriptions."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        super().__init__(exists)
        path = "/google.iam.v1.IAMPolicy"
        self.rpcs: Mapping[str, Rpc] = {
            "GetIamPolicy": Rpc(f"{path}/GetIamPolicy", iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy),
            "SetIamPolicy": Rpc(f"{path}/SetIamPolicy", iam_policy_pb2.SetIamPolicyRequest, policy_pb2.Policy),
        }
        self.methods: Mapping[str, Method] = {"GetIamPolicy": self.get, "SetIamPolicy": self.set}
