"""Pagers over HTTP: PagerDuty's Events API v2 and Alertmanager's API v2.

One POST a call, bounded, never redirected, never repeated: the caller tries again, from what is stored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp

from lumen.model.incident import PagerStep
from lumen.model.messages import PagerRefused, PagerUnavailable, message
from lumen.ports.incidents import PagerCall

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"
Form = Callable[[PagerCall], Json]

REQUEST_SECONDS = 10.0
#: What is believed of a pager that wants us to wait.
RETRY_AFTER_LONGEST_SECONDS = 600.0
#: Characters of a refusal that are kept: enough to see why.
SAID_MAX = 200
#: "Not now" rather than "no".
_LATER = frozenset({408, 425, 429})
#: Time by which an open alert outlives a Lumen that is gone.
HOLDS_FOR = timedelta(hours=1)
#: Limits of PagerDuty's API.
SUMMARY_MAX, DEDUP_KEY_MAX = 1024, 255


class WebhookPager:
    """A `Pager`. `form` makes the body; `must_hear_again`: a pager that forgets what is not told."""

    def __init__(self, url: str, form: Form, *, must_hear_again: bool) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""  # the rest of the URL may be a secret
        self._form = form
        self.must_hear_again = must_hear_again

    async def call(self, call: PagerCall) -> None:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.post(self._url, json=self._form(call), allow_redirects=False) as answer,
            ):
                status, headers = answer.status, answer.headers
                said = "" if status < 300 else (await answer.text(errors="replace"))[:SAID_MAX]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise PagerUnavailable(
                message("pager.no_answer", host=self._host, error=type(error).__name__), message("pager.remedy")
            ) from error
        if status < 300:
            return
        reason = message("pager.refused", host=self._host, status=status, said=" ".join(said.split()))
        if status >= 500 or status in _LATER:
            raise PagerUnavailable(reason, message("pager.remedy"), _retry_after_seconds(headers))
        raise PagerRefused(reason, message("pager.remedy"))


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0  # a date: our own pace will do
    return min(RETRY_AFTER_LONGEST_SECONDS, max(0.0, seconds)) if math.isfinite(seconds) else 0.0


def alertmanager_alerts(call: PagerCall) -> Json:
    """`POST /api/v2/alerts`: a list of one alert, identified by labels that are the same in every call of an incident.

    Alertmanager knows no acknowledging: who is on it stands in an annotation. An alert ends by itself when it is not
    told again, so an open one is said to end in an hour, and is told again long before.
    """
    over = call.step is PagerStep.RESOLVE
    ends_at = call.closed_at or call.at if over else call.at + HOLDS_FOR
    annotations: dict[str, Json] = {"summary": call.title, "description": call.said}
    if call.by:
        annotations["acknowledged_by"] = call.by
    return [
        {
            "labels": {
                "alertname": "LumenPage",
                "incident": call.incident_id,
                "project": call.service.project,
                "region": call.service.region,
                "service": call.service.name,
                "severity": "critical",
            },
            "annotations": annotations,
            "startsAt": call.opened_at.isoformat(),
            "endsAt": ends_at.isoformat(),
        }
    ]


def pagerduty_event(routing_key: str, call: PagerCall) -> Json:
    """One event (developer.pagerduty.com, "Send an alert event"). `routing_key`: an integration's.

    The dedup key is the incident's id after the service's project and region, for names repeat over these: a repeated
    call is the same, and another service's is not.
    """
    event: dict[str, Json] = {
        "routing_key": routing_key,
        "event_action": str(call.step),
        "dedup_key": f"{call.service.project}/{call.service.region}/{call.incident_id}"[:DEDUP_KEY_MAX],
    }
    if call.step is not PagerStep.TRIGGER:
        return event
    return {
        **event,
        "client": "Lumen",
        "payload": {
            "summary": f"{call.title}. {call.said}"[:SUMMARY_MAX],
            "source": call.service.key,
            "severity": "critical",
            "timestamp": call.opened_at.isoformat(),
            "component": call.service.name,
            "group": call.service.project,
            "class": ", ".join(call.kinds),
            "custom_details": {"incident": call.incident_id, "said": call.said},
        },
    }
