"""What Pub/Sub sends to a push endpoint: one message, wrapped in JSON."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lumen.adapters.google.budget import notice_of
from lumen.ports.sources import Pushed

_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_SUBSCRIPTION = re.compile(r"projects/[^/\s]{1,100}/subscriptions/[^/\s]{1,255}")


def pushed_message(body: bytes) -> Pushed:
    """Raises ValueError for what Pub/Sub does not send. What is said by a budget is told by its attributes."""
    try:
        said = json.loads(body)
        told, subscription = said["message"], said["subscription"]
        message_id, attributes = told["messageId"], dict(told.get("attributes") or {})
        if not _ID.fullmatch(message_id) or not _SUBSCRIPTION.fullmatch(subscription):
            raise ValueError("messageId, subscription")
        data = base64.b64decode(told.get("data") or "", validate=True)
        published_at = datetime.fromisoformat(told["publishTime"])
        notice = _notice(data, attributes, published_at, subscription)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return Pushed(message_id, subscription, notice, data, published_at)


def _notice(data: bytes, attributes: Mapping[str, str], published_at: datetime, subscription: str) -> Any:
    if published_at.tzinfo is None:
        raise ValueError("publishTime")
    return notice_of(data, attributes, published_at, subscription) if "budgetId" in attributes else None
