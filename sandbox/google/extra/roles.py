"""google.iam.admin.v1.IAM, as far as custom roles of a project go."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from google.cloud.iam_admin_v1 import IAMAsyncClient

from sandbox.google.masks import copy_masked
from sandbox.google.paging import page
from sandbox.google.refusal import aborted, already_exists, failed_precondition, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

MAX_TITLE, MAX_DESCRIPTION = 100, 300
UNDELETE_SECONDS = 7 * 86_400.0
_ID = re.compile(r"[a-zA-Z0-9_.]{3,64}")
_PERMISSION = re.compile(r"[a-z][a-zA-Z0-9]*\.[a-zA-Z0-9]+\.[a-zA-Z0-9]+")
#: Permissions on billing accounts are for roles of organisations alone.
_NOT_OF_PROJECTS = ("billing.", "resourcemanager.organizations.", "resourcemanager.folders.")
_FULL = 1
_MUTABLE = ("title", "description", "included_permissions", "stage")


class Roles:
    """A role that is deleted keeps its id, and can be brought back for seven days."""

    def __init__(self, project: str, now: Callable[[], float]) -> None:
        self._parent = f"projects/{project}"
        self._now = now
        self._roles: dict[str, Any] = {}
        self._deleted_at: dict[str, float] = {}
        self._edits = 0
        self.rpcs: Mapping[str, Rpc] = learn(IAMAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListRoles": self.list,
            "GetRole": lambda request: self._named(request.name),
            "CreateRole": self.create,
            "UpdateRole": self.update,
            "DeleteRole": self.delete,
            "UndeleteRole": self.undelete,
        }

    def _named(self, name: str) -> Any:
        found = self._roles.get(name)
        if found is None:
            raise not_found(f"The role named {name} was not found.")
        return found

    def has(self, name: str) -> bool:
        """Also one that was deleted: policies keep it."""
        return name in self._roles

    def list(self, request: Any) -> Any:
        """Without the full view the permissions are left out."""
        roles = [role for role in self._roles.values() if request.show_deleted or not role.deleted]
        mark = f"{request.parent} {request.view} {request.show_deleted}".encode()
        shown, token = page(roles, request.page_size, request.page_token, mark, 1000)
        response = self.rpcs["ListRoles"].response(next_page_token=token)
        for role in shown:
            told = response.roles.add()
            told.CopyFrom(role)
            if request.view != _FULL:
                told.ClearField("included_permissions")
        return response

    def create(self, request: Any) -> Any:
        if request.parent != self._parent:
            raise not_found(f"Cannot find project '{request.parent}'; this sandbox has '{self._parent}'.")
        if not _ID.fullmatch(request.role_id):
            raise invalid_argument(f"The role_id '{request.role_id}' must match [a-zA-Z0-9_.]{{3,64}}.")
        name = f"{self._parent}/roles/{request.role_id}"
        if name in self._deleted_at:
            raise failed_precondition(
                f"You can't create a role with role_id ({request.role_id}) where there is an existing role with that "
                "role_id in a deleted state."
            )
        if name in self._roles:
            raise already_exists(f"A role named {request.role_id} in {self._parent} already exists.")
        role = type(request.role)()
        copy_masked(request.role, role, _MUTABLE)
        role.name = name
        return self._keep(role)

    def update(self, request: Any) -> Any:
        current = self._named(request.name)
        if current.deleted:
            raise failed_precondition(f"The role {request.name} is deleted.")
        if request.role.etag and request.role.etag != current.etag:
            raise aborted(
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
                "backoff."
            )
        wanted = type(current)()
        wanted.CopyFrom(current)
        copy_masked(request.role, wanted, list(request.update_mask.paths) or _MUTABLE)
        return self._keep(wanted)

    def delete(self, request: Any) -> Any:
        role = self._named(request.name)
        if role.deleted:
            raise failed_precondition(f"The role {request.name} is deleted already.")
        role.deleted = True
        self._deleted_at[role.name] = self._now()
        return self._keep(role)

    def undelete(self, request: Any) -> Any:
        role = self._named(request.name)
        deleted_at = self._deleted_at.get(role.name)
        if deleted_at is None:
            raise failed_precondition(f"The role {request.name} is not deleted.")
        if self._now() - deleted_at > UNDELETE_SECONDS:
            raise failed_precondition(f"The role {request.name} was deleted more than seven days ago.")
        del self._deleted_at[role.name]
        role.deleted = False
        return self._keep(role)

    def _keep(self, role: Any) -> Any:
        if len(role.title) > MAX_TITLE or len(role.description) > MAX_DESCRIPTION:
            raise invalid_argument(
                f"The title has at most {MAX_TITLE} characters, the description at most {MAX_DESCRIPTION}."
            )
        for permission in role.included_permissions:
            if not _PERMISSION.fullmatch(permission) or permission.startswith(_NOT_OF_PROJECTS):
                raise invalid_argument(f"Permission {permission} is not valid.")
        self._edits += 1
        role.etag = sha256(f"{role.name}/{self._edits}".encode()).digest()[:9]
        self._roles[role.name] = role
        return role
