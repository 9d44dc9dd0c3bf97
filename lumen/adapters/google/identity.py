"""The Google account of this machine's credentials, as Google confirms it, and the permissions that it lacks."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import google.auth
import grpc.aio
from google.api_core.gapic_v1.method_async import wrap_method
from google.auth import credentials as auth_credentials
from google.auth import exceptions as auth_exceptions
from google.auth import jwt
from google.auth.transport.requests import Request
from google.cloud.run_v2 import GetServiceRequest, Service, ServicesAsyncClient
from google.iam.v1.iam_policy_pb2 import TestIamPermissionsRequest, TestIamPermissionsResponse

from lumen.adapters.checks import no_data
from lumen.adapters.clock import apart
from lumen.adapters.google.clients import PATIENCE, SCOPES, Patience
from lumen.adapters.google.errors import FAILURES, PROJECTS, RUN, reading
from lumen.model.messages import NoData, NotPossible, SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.ports.clock import Clock

CONFIRM_SECONDS = 30.0
#: Google's answer (OpenID Connect) about the account of an access token.
USERINFO = "https://openidconnect.googleapis.com/v1/userinfo"
#: Permissions that an actuator of Cloud Run needs. (Whether it may act as the runtime account cannot be asked.)
TO_CHANGE = ("run.services.get", "run.services.update")


async def google_account() -> str:
    """An e-mail address: of the service account, or of the person whom gcloud knows.

    The credentials are renewed first, so Google has just taken them. Raises SourceUnavailable (no credentials, or
    Google does not take them), NotPossible (they do not tell whose they are).
    """
    try:
        async with asyncio.timeout(CONFIRM_SECONDS):
            account = await asyncio.to_thread(_confirmed_account)
    except (auth_exceptions.GoogleAuthError, TimeoutError) as error:
        detail = " ".join(str(error).split())[:240] or f"no answer in {CONFIRM_SECONDS:.0f} s"
        raise SourceUnavailable(
            message("source.no_credentials", detail=detail), message("source.credentials_remedy")
        ) from error
    if not account:
        raise NotPossible(*with_remedy("source.no_account"))
    return account


def _confirmed_account() -> str:
    """Blocks: reads files and asks Google."""
    # No scopes of ours where a person logged in: theirs bring the ID token, which names the account.
    credentials, _ = google.auth.default()
    credentials = auth_credentials.with_scopes_if_required(  # type: ignore[no-untyped-call]
        credentials, list(SCOPES)
    )
    request = Request()
    credentials.refresh(request)
    return account_of(credentials, request)


def account_of(credentials: Any, request: Request) -> str:
    """From credentials that were just renewed; "" where Google does not tell. What their file says is no evidence."""
    if email := getattr(credentials, "service_account_email", None):
        return str(email)  # Google has just taken its key, or named it itself
    if token := getattr(credentials, "id_token", None):
        # It came from Google over TLS a moment ago, in the answer to these credentials: nothing is left to verify.
        return _email(jwt.decode(token, verify=False))  # type: ignore[no-untyped-call]
    answer = request(url=USERINFO, method="GET", headers={"Authorization": f"Bearer {credentials.token}"})
    return _email(json.loads(answer.data)) if answer.status == HTTPStatus.OK else ""


def _email(claims: Mapping[str, Any]) -> str:
    """Only one that Google has verified."""
    return str(claims.get("email", "")) if claims.get("email_verified", True) is True else ""


def user_of_this_machine() -> str:
    """The name of the operating system's user, where there is no Google to ask (a sandbox)."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return "somebody"


@dataclass(frozen=True, slots=True)
class RunPermissions:
    """Asks Google for permissions on a Cloud Run service, and for the time, for `lumen doctor`; changes nothing."""

    services: ServicesAsyncClient
    patience: Patience = PATIENCE

    async def lacking(self, service: ServiceId) -> Sequence[str] | NoData:
        """Those of `TO_CHANGE` that Lumen does not have; NoData where the server cannot be asked."""
        try:
            with reading(RUN, service.name, f"{service.project}/{service.region}"):
                answer = await self.services.test_iam_permissions(
                    TestIamPermissionsRequest(resource=service.path, permissions=list(TO_CHANGE)),
                    **self.patience.options,
                )
        except SourceUnavailable as error:
            return no_data(error)
        return [permission for permission in TO_CHANGE if permission not in answer.permissions]

    async def ahead_seconds(self, service: ServiceId, clock: Clock) -> float | None:
        """Seconds by which `clock` is ahead of Google's, beyond what the way takes; None where Google does not tell.

        Google's is the `date` of its answers, in whole seconds, which the clients do not hand out: hence the bare call.
        """
        transport: Any = self.services.transport
        ask = transport.grpc_channel.unary_unary(
            "/google.cloud.run.v2.Services/GetService",
            request_serializer=GetServiceRequest.serialize,
            response_deserializer=Service.deserialize,
        )
        before = clock.now().timestamp()
        try:
            call = ask(
                GetServiceRequest(name=service.path),
                timeout=self.patience.attempt_seconds,
                metadata=(("x-goog-request-params", f"location={service.region}"),),
            )
            told = dict(await call.initial_metadata())
            after = clock.now().timestamp()
            call.cancel()
            return apart(before - 1, parsedate_to_datetime(str(told["date"])).timestamp(), after)
        except (*FAILURES, KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class ProjectPermissions:
    """Asks Google for permissions in a whole project, for `lumen doctor`; changes nothing."""

    channel: grpc.aio.Channel
    patience: Patience = PATIENCE

    async def lacking(self, project: str, wanted: Sequence[str]) -> Sequence[str] | NoData:
        """Those of `wanted` that Lumen does not have; NoData where the server cannot be asked."""
        method = self.channel.unary_unary(
            "/google.cloud.resourcemanager.v3.Projects/TestIamPermissions",
            request_serializer=TestIamPermissionsRequest.SerializeToString,
            response_deserializer=TestIamPermissionsResponse.FromString,
        )
        ask: Any = wrap_method(method)  # type: ignore[no-untyped-call]
        request = TestIamPermissionsRequest(resource=f"projects/{project}", permissions=list(wanted))
        try:
            with reading(PROJECTS, project, project):
                routed = (("x-goog-request-params", f"resource={request.resource}"),)
                answer = await ask(request, metadata=routed, **self.patience.options)
        except SourceUnavailable as error:
            return no_data(error)
        return [permission for permission in wanted if permission not in answer.permissions]
