"""Roles of Pub/Sub's own account on Lumen's topics and subscriptions, without which it forwards no dead letter.

A policy of access has no room for a mark: a role is Lumen's where the resource is, and whose account it is given to
tells the rest. Policies are read, changed and written with their etag, so that nobody's change is lost.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import NotFound

from lumen.adapters.google.errors import GoogleApi, reading
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.setup import Body, Found, Kind

API = GoogleApi("pubsub.googleapis.com", "roles/pubsub.admin", "roles/pubsub.admin")
#: The role that Pub/Sub needs there.
ROLES = {Kind.TOPIC: "roles/pubsub.publisher", Kind.SUBSCRIPTION: "roles/pubsub.subscriber"}


def name_of(body: Body) -> str:
    """As plans name it."""
    return f"{body['resource']}#{body['role']}"


@dataclass(frozen=True, slots=True)
class Grants:
    """`call`: a method of a resource's own client (its kind, the method, the request); `number`: of the project."""

    project: str
    number: Callable[[str], Awaitable[str]]
    call: Callable[[Kind, str, Any], Awaitable[Any]]

    async def read(self, resources: Sequence[Found]) -> Sequence[Found]:
        """Of those of `resources` that are Lumen's. Raises SourceUnavailable."""
        own = [one for one in resources if one.key]
        if not own:
            return []
        member, found = await self._member(), []
        for one in own:
            role = ROLES[one.kind]
            with reading(API, "pubsub", one.name):
                policy = await self.call(one.kind, "get_iam_policy", {"resource": one.name})
            if any(binding.role == role and member in binding.members for binding in policy.bindings):
                body = {"resource": one.name, "role": role}
                found.append(Found(Kind.GRANT, name_of(body), f"{role} · {one.title}", body, one.key))
        return found

    async def give(self, body: Body) -> str:
        """Its name. Raises what the client raises."""
        member = await self._member()

        def add(policy: Any) -> None:
            policy.bindings.add(role=body["role"], members=[member])

        await self._change(body, add)
        return name_of(body)

    async def take(self, body: Body) -> None:
        """It need not be there any more, nor the resource. Raises likewise."""
        member = await self._member()

        def remove(policy: Any) -> None:
            for binding in policy.bindings:
                if binding.role == body["role"] and member in binding.members:
                    binding.members.remove(member)
            kept = [binding for binding in policy.bindings if binding.members]
            del policy.bindings[:]
            policy.bindings.extend(kept)

        try:
            await self._change(body, remove)
        except NotFound:
            return

    async def _change(self, body: Body, change: Callable[[Any], None]) -> None:
        resource = str(body["resource"])
        kind = Kind.TOPIC if "/topics/" in resource else Kind.SUBSCRIPTION
        policy = await self.call(kind, "get_iam_policy", {"resource": resource})
        change(policy)
        await self.call(kind, "set_iam_policy", {"resource": resource, "policy": policy})

    async def _member(self) -> str:
        number = await self.number(self.project)
        if not number:
            raise SourceUnavailable(*with_remedy("setup.no_number", project=self.project))
        return f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
