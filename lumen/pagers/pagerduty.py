"""PagerDuty's Events API v2 (developer.pagerduty.com, "Send an alert event"): one event a call."""

from lumen.model.calling import PagerStep
from lumen.pagers.webhook import Json
from lumen.ports.calling import PagerCall

#: Limits of the API.
SUMMARY_MAX = 1024
DEDUP_KEY_MAX = 255


class PagerDutyEvents:
    """The routing key is an integration's; the dedup key is the incident's id, so that a repeated call is the same."""

    def __init__(self, routing_key: str) -> None:
        self._routing_key = routing_key

    def __call__(self, call: PagerCall) -> Json:
        event: dict[str, Json] = {
            "routing_key": self._routing_key,
            "event_action": str(call.step),
            "dedup_key": call.incident_id[:DEDUP_KEY_MAX],
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
