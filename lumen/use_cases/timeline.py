"""An incident's timeline: what the audit holds of its alerts, of who was called and came, and of its rollback."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.service import ServiceId
from lumen.model.watching import Incident
from lumen.ports.calling import Timeline
from lumen.ports.state import Audit, AuditEntry
from lumen.ports.watching import Alerts

#: So many lines of the audit are looked through at a time, and at most in all.
PIECE = 500
MOST = 50_000
#: Alerts of one incident open this close together; nothing of it is older.
BEFORE = timedelta(hours=2)
_OF_ALERTS = frozenset({"alert-open", "alert-closed", "page-open", "page-closed"})


class Timelines:
    """Changes nothing."""

    def __init__(self, alerts: Alerts, audit: Audit) -> None:
        self._alerts = alerts
        self._audit = audit

    async def of(self, service: ServiceId, incident_id: str) -> Timeline:
        """By the id as it stands at the foot of its message; with spaces for colons too. Raises NotPossible."""
        wanted = incident_id.strip().replace(" ", ":")
        incident = await self._alerts.incident(service, wanted)
        if incident is None:
            raise NotPossible(message("incident.unknown", incident=incident_id), message("incident.unknown_remedy"))
        since = min(stored.alert.opened_at for stored in incident.alerts) - BEFORE
        return Timeline(incident, _of(incident, await self._back_to(service, since)))

    async def newest(self, service: ServiceId, limit: int) -> tuple[Incident, ...]:
        """The newest first."""
        found = [await self._alerts.incident(service, one) for one in await self._alerts.incidents(service, limit)]
        return tuple(one for one in found if one is not None)

    async def _back_to(self, service: ServiceId, since: datetime) -> list[AuditEntry]:
        """Oldest first."""
        found: list[AuditEntry] = []
        while len(found) < MOST:
            piece = await self._audit.entries(service, PIECE, found[-1].id if found else "")
            found += piece
            if len(piece) < PIECE or piece[-1].at < since:
                break
        return [entry for entry in reversed(found) if entry.at >= since]


def _of(incident: Incident, entries: list[AuditEntry]) -> tuple[AuditEntry, ...]:
    """Those that speak of it: of its alerts, of itself, and of the proposals that were made to end it."""
    alert_ids = {stored.alert.id for stored in incident.alerts}
    proposals = {
        entry.proposal_id
        for entry in entries
        if entry.event == "proposed" and _data(entry).get("incident") in alert_ids
    }
    return tuple(
        entry
        for entry in entries
        if (entry.proposal_id and entry.proposal_id in proposals)
        or (entry.event in _OF_ALERTS and _data(entry).get("incident") == incident.id)
        or (not entry.proposal_id and entry.detail == incident.id)
    )


def _data(entry: AuditEntry) -> Mapping[str, Any]:
    """What belongs to the entry; empty where it is nothing that can be read."""
    try:
        found = json.loads(entry.data or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
