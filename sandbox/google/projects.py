"""Projects have an id, which people choose, and a number, by which Google names them in budgets and addresses."""

from collections.abc import Callable, Mapping, Set
from typing import Any
from zlib import crc32

import grpc
from google.iam.v1 import iam_policy_pb2

from sandbox.google.refusal import Refusal
from sandbox.google.surface import Rpc

_TEST_IAM = Rpc(
    "/google.cloud.resourcemanager.v3.Projects/TestIamPermissions",
    iam_policy_pb2.TestIamPermissionsRequest,
    iam_policy_pb2.TestIamPermissionsResponse,
)


def number_of(project: str) -> str:
    """The number of a project; a number is its own."""
    return project if project.isdigit() else str(100_000_000_000 + crc32(project.encode()))


class Projects:
    """google.cloud.resourcemanager.v3 Projects: what a caller may do in the whole of one."""

    def __init__(self, project: str, others: Set[str], may: Callable[[str, str], bool]) -> None:
        """`others`: projects that are here too; `may`: whether the caller has a permission in a project."""
        self._project, self._others, self._may = project, others, may
        self.rpcs: Mapping[str, Rpc] = {_TEST_IAM.method: _TEST_IAM}
        self.methods = {_TEST_IAM.method: self.test_iam_permissions}

    def test_iam_permissions(self, request: Any) -> Any:
        """Those of the permissions asked about that the caller has; of a strange project nothing is told."""
        project = self._named(request.resource)
        return _TEST_IAM.response(permissions=[one for one in request.permissions if self._may(one, project)])

    def _named(self, name: str) -> str:
        """By its id or its number."""
        for project in (self._project, *self._others):
            if name in (f"projects/{project}", f"projects/{number_of(project)}"):
                return project
        raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "The caller does not have permission")
