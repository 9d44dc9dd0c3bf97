"""Projects, and who may do what in the whole of one."""

from collections.abc import Callable, Mapping, Set
from typing import Any

import grpc
from google.iam.v1 import iam_policy_pb2, policy_pb2

from sandbox.google.numbers import number_of
from sandbox.google.policies import Policies
from sandbox.google.refusal import Refusal, invalid_argument
from sandbox.google.surface import Rpc

_PATH = "/google.cloud.resourcemanager.v3.Projects"
_TEST_IAM = Rpc(
    f"{_PATH}/TestIamPermissions",
    iam_policy_pb2.TestIamPermissionsRequest,
    iam_policy_pb2.TestIamPermissionsResponse,
)
_GET_IAM = Rpc(f"{_PATH}/GetIamPolicy", iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy)
_SET_IAM = Rpc(f"{_PATH}/SetIamPolicy", iam_policy_pb2.SetIamPolicyRequest, policy_pb2.Policy)


class Projects:
    """google.cloud.resourcemanager.v3 Projects: what a caller may do in the whole of one, and its policy."""

    def __init__(
        self, project: str, others: Set[str], may: Callable[[str, str], bool], has_role: Callable[[str], bool]
    ) -> None:
        """`others`: projects that are here too; `may`: whether the caller has a permission in a project; `has_role`:
        whether a custom role, by its full name, is there.
        """
        self._project, self._others, self._may, self._has_role = project, others, may, has_role
        self.policies = Policies(lambda name: bool(self._named(name)))
        self.rpcs: Mapping[str, Rpc] = {rpc.method: rpc for rpc in (_TEST_IAM, _GET_IAM, _SET_IAM)}
        self.methods = {
            _TEST_IAM.method: self.test_iam_permissions,
            _GET_IAM.method: self.policies.get,
            _SET_IAM.method: self.set_iam_policy,
        }

    def test_iam_permissions(self, request: Any) -> Any:
        """Those of the permissions asked about that the caller has; of a strange project nothing is told."""
        project = self._named(request.resource)
        return _TEST_IAM.response(permissions=[one for one in request.permissions if self._may(one, project)])

    def set_iam_policy(self, request: Any) -> Any:
        """Custom roles must be there; Google's own are not looked up."""
        for binding in request.policy.bindings:
            if binding.role.startswith("projects/") and not self._has_role(binding.role):
                raise invalid_argument(f"Role {binding.role} does not exist in the resource's hierarchy.")
        return self.policies.set(request)

    def _named(self, name: str) -> str:
        """By its id or its number."""
        for project in (self._project, *self._others):
            if name in (f"projects/{project}", f"projects/{number_of(project)}"):
                return project
        raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "The caller does not have permission")
