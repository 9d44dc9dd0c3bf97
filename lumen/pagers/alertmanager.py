"""Alertmanager's API v2 (`POST /api/v2/alerts`): a list of alerts, told again as long as they are open.

It knows no acknowledging: who is on it stands in an annotation. An alert ends by itself when it is not told again, so
an open one is said to end in an hour, and is told again long before.
"""

from datetime import timedelta

from lumen.model.calling import PagerStep
from lumen.pagers.webhook import Json
from lumen.ports.calling import PagerCall

#: How long an open alert outlives a Lumen that is gone.
HOLDS_FOR = timedelta(hours=1)


class AlertmanagerAlerts:
    """What identifies the alert are its labels, which are the same in every call of an incident."""

    def __call__(self, call: PagerCall) -> Json:
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
