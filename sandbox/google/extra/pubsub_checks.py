"""What Pub/Sub refuses of topics and subscriptions, and how it changes them."""

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.google.labels import check_labels
from sandbox.google.masks import copy_masked
from sandbox.google.refusal import invalid_argument

_NAME = re.compile(r"projects/[^/]+/(topics|subscriptions)/(?!goog)[A-Za-z][\w.~+%-]{2,254}", re.ASCII)
_FIXED = ("name", "topic", "filter", "enable_message_ordering")
_ACK_SECONDS = (10, 600)
_ATTEMPTS = (5, 100)
_MOST_BACKOFF_SECONDS = 600
_RETENTION_SECONDS = (600, 31 * 86_400)


def check_topic(topic: Any) -> None:
    """Raises Refusal."""
    _check_name(topic.name, "topics")
    check_labels(topic.labels, "topic.labels")


def check_subscription(subscription: Any) -> None:
    """Raises Refusal. Plain http is for this machine alone, as the sandbox's own bots have it."""
    _check_name(subscription.name, "subscriptions")
    check_labels(subscription.labels, "subscription.labels")
    least, most = _ACK_SECONDS
    if subscription.ack_deadline_seconds and not least <= subscription.ack_deadline_seconds <= most:
        raise invalid_argument(f"Invalid ack deadline given (seconds={subscription.ack_deadline_seconds}).")
    kept = subscription.message_retention_duration.seconds
    if kept and not _RETENTION_SECONDS[0] <= kept <= _RETENTION_SECONDS[1]:
        raise invalid_argument("The value for message_retention_duration is out of bounds: 10 minutes to 31 days.")
    _check_push(subscription.push_config)
    _check_retries(subscription)


def _check_retries(subscription: Any) -> None:
    attempts = subscription.dead_letter_policy.max_delivery_attempts
    if attempts and not _ATTEMPTS[0] <= attempts <= _ATTEMPTS[1]:
        raise invalid_argument(f"Invalid max delivery attempts given (value={attempts}): 5 to 100.")
    backoffs = subscription.retry_policy.minimum_backoff.seconds, subscription.retry_policy.maximum_backoff.seconds
    if not all(0 <= one <= _MOST_BACKOFF_SECONDS for one in backoffs) or (all(backoffs) and backoffs[0] > backoffs[1]):
        raise invalid_argument("Invalid retry policy: backoffs of 0 to 600 s, the minimum below the maximum.")


def _check_push(push: Any) -> None:
    url = urlsplit(push.push_endpoint)
    local = url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")
    if push.push_endpoint and not (url.hostname and (url.scheme == "https" or local)):
        raise invalid_argument(f"Invalid push endpoint given (endpoint={push.push_endpoint}): must be an https URL.")
    if push.HasField("oidc_token") and "@" not in push.oidc_token.service_account_email:
        raise invalid_argument(f"Invalid service account: {push.oidc_token.service_account_email!r}.")


def _check_name(name: str, kind: str) -> None:
    if not _NAME.fullmatch(name) or f"/{kind}/" not in name:
        raise invalid_argument(f"Invalid resource name given (name={name}).")


def updated(current: Any, wanted: Any, mask: Any) -> Any:
    """A copy with what the mask names. Raises Refusal for an empty mask and for what never changes."""
    if not mask.paths:
        raise invalid_argument("The update_mask in the request must be set, and must contain a field.")
    fixed = [path for path in mask.paths if path.partition(".")[0] in _FIXED]
    if fixed:
        raise invalid_argument(f"Invalid update_mask provided in the request: {', '.join(fixed)} cannot be updated.")
    changed = type(current)()
    changed.CopyFrom(current)
    copy_masked(wanted, changed, mask.paths)
    return changed
