"""Google's exceptions, as sentences that name the call, the place, and what mends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from lumen.model.messages import ActuatorFailed, Message, SourceUnavailable, message, with_remedy

#: Google's own words are helpful and sometimes a page long.
LONGEST_DETAIL = 240


@dataclass(frozen=True, slots=True)
class GoogleApi:
    """One API: its host name (as `gcloud services enable` wants it) and the roles that reading and changing need."""

    host: str
    read_role: str
    write_role: str = ""
    #: The texts of what mends a missing permission, and a thing that does not exist.
    denied: str = "source.permission_denied_remedy"
    absent: str = "source.not_found_remedy"


MONITORING = GoogleApi("monitoring.googleapis.com", "roles/monitoring.viewer", "roles/monitoring.metricWriter")
RUN = GoogleApi("run.googleapis.com", "roles/run.viewer", "roles/run.developer, roles/iam.serviceAccountUser")
BUDGETS = GoogleApi(
    "billingbudgets.googleapis.com",
    "roles/billing.viewer",
    "roles/billing.costsManager",
    denied="source.billing_denied_remedy",
    absent="source.billing_absent_remedy",
)
MEMORYSTORE = GoogleApi(
    "redis.googleapis.com", "roles/redis.viewer", "roles/redis.editor", absent="source.instance_unknown_remedy"
)
PUBSUB = GoogleApi("pubsub.googleapis.com", "roles/pubsub.subscriber")
PROJECTS = GoogleApi("cloudresourcemanager.googleapis.com", "roles/browser")
LOGGING = GoogleApi("logging.googleapis.com", "roles/logging.viewer")
# What `lumen setup` needs of the account that calls it.
MONITORING_SETUP = GoogleApi(
    "monitoring.googleapis.com",
    "roles/monitoring.viewer",
    "roles/monitoring.editor",
    absent="setup.not_found_remedy",
)
PUBSUB_SETUP = GoogleApi("pubsub.googleapis.com", "roles/pubsub.viewer", "roles/pubsub.editor")
SCHEDULER = GoogleApi("cloudscheduler.googleapis.com", "roles/cloudscheduler.viewer", "roles/cloudscheduler.admin")
IAM = GoogleApi("iam.googleapis.com", "roles/iam.roleViewer", "roles/iam.roleAdmin")

#: Everything that a call through the clients may raise, besides bugs.
FAILURES = (
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    grpc.RpcError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """Reason and remedy of a failure. `unanswered`: it is not known whether the server carried the call out."""

    reason: Message
    remedy: Message
    unanswered: bool = False


def explain(error: BaseException, api: GoogleApi, what: str, where: str, role: str = "") -> Explained:
    """Say what `error` means for the call named `what` (a metric, a service) in `where` (a project, an account)."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        error = error.cause
    detail = _detail(error)
    if _is_credentials(error, detail):
        return Explained(*with_remedy("source.credentials", what=what, where=where, detail=detail))
    if isinstance(error, exceptions.PermissionDenied | exceptions.Forbidden):
        return _denied(error, api, what, where, role or api.read_role, detail)
    return _by_kind(error, api, what, where, detail)


def _denied(
    error: exceptions.GoogleAPICallError, api: GoogleApi, what: str, where: str, role: str, detail: str
) -> Explained:
    disabled = error.reason == "SERVICE_DISABLED" or "has not been used in project" in detail or "disabled" in detail
    if disabled:
        return Explained(*with_remedy("source.api_disabled", what=what, where=where.partition("/")[0], api=api.host))
    return Explained(
        message("source.permission_denied", what=what, where=where, detail=detail),
        message(api.denied, where=where, role=role, command=grant(where, role)),
    )


def grant(where: str, role: str) -> str:
    """The command that gives the (first) role to Lumen's account: on a billing account, a subscription, a project."""
    kind, _, rest = where.partition("/")
    on = {
        "billingAccounts": f"billing accounts add-iam-policy-binding {rest}",
        "projects": f"pubsub subscriptions add-iam-policy-binding {where}",
    }.get(kind, f"projects add-iam-policy-binding {kind}")
    return f"gcloud {on} --member=serviceAccount:LUMEN_ACCOUNT --role={role.partition(',')[0]}"


#: The text for each kind of error that Google's clients raise, and whether the call may have been carried out.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], str, bool], ...] = (
    ((exceptions.DeadlineExceeded, exceptions.GatewayTimeout, TimeoutError), "timeout", True),
    ((exceptions.ServiceUnavailable,), "unavailable", True),
    ((exceptions.MethodNotImplemented,), "unimplemented", False),
    ((exceptions.NotFound,), "not_found", False),
    ((exceptions.ResourceExhausted, exceptions.TooManyRequests), "quota", False),
    ((exceptions.ServerError, exceptions.Cancelled), "google_error", True),
    ((exceptions.GoogleAPICallError,), "google_error", False),
    ((BaseException,), "unavailable", True),
)


def _by_kind(error: BaseException, api: GoogleApi, what: str, where: str, detail: str) -> Explained:
    name, unanswered = next((name, unknown) for types, name, unknown in _KINDS if isinstance(error, types))
    code = ""
    if isinstance(error, exceptions.GoogleAPICallError):
        code = error.grpc_status_code.name if error.grpc_status_code else str(error.code)
    return Explained(
        message(f"source.{name}", what=what, where=where, detail=detail, code=code),
        message(api.absent if name == "not_found" else f"source.{name}_remedy", what=what, where=where, api=api.host),
        unanswered,
    )


def _is_credentials(error: BaseException, detail: str) -> bool:
    """Also when grpc disguises a failed token refresh as UNAVAILABLE."""
    if isinstance(error, auth_exceptions.TransportError):
        return False
    return (
        isinstance(error, auth_exceptions.GoogleAuthError | exceptions.Unauthenticated | exceptions.Unauthorized)
        or "Getting metadata from plugin failed" in detail
    )


def _detail(error: BaseException) -> str:
    text = error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error)
    text = " ".join(str(text or type(error).__name__).split())
    return text if len(text) <= LONGEST_DETAIL else text[: LONGEST_DETAIL - 1] + "…"


@contextmanager
def reading(api: GoogleApi, what: str, where: str) -> Iterator[None]:
    """Around a read: raises SourceUnavailable for whatever the client raises, chained."""
    try:
        yield
    except FAILURES as error:
        said = explain(error, api, what, where)
        raise SourceUnavailable(said.reason, said.remedy) from error


def refusal(error: BaseException, api: GoogleApi, what: str, where: str) -> ActuatorFailed | SourceUnavailable:
    """For a write: ActuatorFailed when Google said no, SourceUnavailable when nobody knows whether it was done."""
    said = explain(error, api, what, where, role=api.write_role)
    kind = SourceUnavailable if said.unanswered else ActuatorFailed
    return kind(said.reason, said.remedy)
