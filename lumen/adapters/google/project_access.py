"""Roles of Lumen's own account in projects.

A policy of access has no room for a mark: a role is Lumen's where its account has it and Lumen may have given it.
Policies are read, changed and written with their etag, so that nobody's change is lost, conditions among them.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.api_core.gapic_v1.method_async import wrap_method
from google.iam.v1.iam_policy_pb2 import GetIamPolicyRequest, SetIamPolicyRequest
from google.iam.v1.options_pb2 import GetPolicyOptions
from google.iam.v1.policy_pb2 import Policy

from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import GoogleApi, reading
from lumen.model.setup import Body, Found, Kind

API = GoogleApi(
    "cloudresourcemanager.googleapis.com", "roles/iam.securityReviewer", "roles/resourcemanager.projectIamAdmin"
)
_SERVICE = "/google.cloud.resourcemanager.v3.Projects/"
#: The one in which bindings have conditions.
WITH_CONDITIONS = 3


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """`account`: Lumen's, by its e-mail address; `roles`: those that Lumen may have given it in the project."""

    channel: grpc.aio.Channel
    project: str
    account: str
    roles: Collection[str]
    key_of: Callable[[Body], str]
    patience: Patience = PATIENCE

    async def read(self) -> Sequence[Found]:
        """Those of `roles` that the account has. Raises SourceUnavailable."""
        with reading(API, "IAM", self.project):
            policy = await self._policy(**self.patience.options)
        found = []
        for role in sorted({binding.role for binding in policy.bindings if self._is_own(binding)}):
            body = {"project": self.project, "role": role, "account": self.account}
            title = f"{role.rpartition('/')[2]} · {self.project}"
            found.append(Found(Kind.ACCESS, f"projects/{self.project}#{role}", title, body, self.key_of(body)))
        return found

    async def give(self, body: Body) -> str:
        """Its name. Raises what the client raises."""
        role = str(body["role"])

        def add(policy: Any) -> None:
            open_to = (one for one in policy.bindings if one.role == role and not one.HasField("condition"))
            binding = next(open_to, None)
            if binding is None:
                binding = policy.bindings.add(role=role)
            if self._member not in binding.members:
                binding.members.append(self._member)

        await self._change(add)
        return f"projects/{self.project}#{role}"

    async def take(self, body: Body) -> None:
        """It need not be there any more. Raises likewise."""

        def remove(policy: Any) -> None:
            for binding in policy.bindings:
                if binding.role == body["role"] and self._is_own(binding):
                    binding.members.remove(self._member)
            kept = [binding for binding in policy.bindings if binding.members]
            del policy.bindings[:]
            policy.bindings.extend(kept)

        await self._change(remove)

    @property
    def _member(self) -> str:
        return f"serviceAccount:{self.account}"

    def _is_own(self, binding: Any) -> bool:
        """One with a condition is somebody else's doing."""
        return binding.role in self.roles and self._member in binding.members and not binding.HasField("condition")

    async def _policy(self, **options: Any) -> Any:
        options_of_policy = GetPolicyOptions(requested_policy_version=WITH_CONDITIONS)
        request = GetIamPolicyRequest(resource=f"projects/{self.project}", options=options_of_policy)
        return await self._ask("GetIamPolicy", request, options)

    async def _change(self, change: Callable[[Any], None]) -> None:
        once = {"retry": None, "timeout": self.patience.attempt_seconds}
        policy = await self._policy(**once)
        change(policy)
        policy.version = WITH_CONDITIONS
        request = SetIamPolicyRequest(resource=f"projects/{self.project}", policy=policy)
        await self._ask("SetIamPolicy", request, once)

    def _ask(self, name: str, request: Any, options: Any) -> Awaitable[Any]:
        method = self.channel.unary_unary(
            _SERVICE + name,
            request_serializer=type(request).SerializeToString,
            response_deserializer=Policy.FromString,
        )
        ask: Any = wrap_method(method)  # type: ignore[no-untyped-call]
        routed = (("x-goog-request-params", f"resource={request.resource}"),)
        answer: Awaitable[Any] = ask(request, metadata=routed, **options)
        return answer
