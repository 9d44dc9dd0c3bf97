"""People say of a closed incident whether it was real; which alerts wait because of that, and what was not told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.alert import Alert
from lumen.model.incident import IncidentLabel, LabelResult, Learnt
from lumen.model.messages import NotPossible, with_remedy
from lumen.model.service import Permit, ServiceId
from lumen.policies.labels import precision, told_late
from lumen.ports.clock import Clock
from lumen.ports.incidents import Alerts

#: What the digest counts over.
COUNTED_FOR = timedelta(days=30)
A_DAY = timedelta(hours=24)
#: So many newest incidents are looked through for what was not told.
NEWEST = 30


@dataclass(frozen=True, slots=True)
class Labelling:
    """Stored labels of incidents. Raises StoreUnavailable."""

    alerts: Alerts
    clock: Clock

    async def label(self, service: ServiceId, incident_id: str, permit: Permit, *, is_real: bool) -> LabelResult:
        """The newest word holds, so it can be taken back. Raises NotPossible while it is open, or where it is gone."""
        incident = await self.alerts.incident(service, incident_id)
        if incident is None:
            raise NotPossible(*with_remedy("incident.unknown", incident=incident_id))
        if not incident.is_over:
            raise NotPossible(*with_remedy("label.open"))
        names = tuple(dict.fromkeys(stored.alert.name for stored in incident.alerts))
        label = IncidentLabel(incident_id, names, is_real, permit.person, self.clock.now())
        before = await self.alerts.labels(service)
        changed = await self.alerts.label(service, label)
        after = [one for one in before if one.incident != incident_id]
        late = (told_late(known, label.at) for known in (before, [*after, label]))
        return LabelResult(changed, label, *map(_sorted, late))


async def learnt(alerts: Alerts, service: ServiceId, now: datetime) -> Learnt:
    """How often Lumen was right of late, which alerts wait, and which of the last day were over by then."""
    labels = await alerts.labels(service)
    late = told_late(labels, now)
    real, counted = precision(labels, now - COUNTED_FOR)
    untold: list[Alert] = []
    for incident_id in await alerts.incidents(service, NEWEST):
        incident = await alerts.incident(service, incident_id)
        stored = incident.alerts if incident is not None else ()
        if not any(now - one.alert.opened_at < A_DAY for one in stored):
            break
        untold += [one.alert for one in stored if one.late and one.silenced and one.alert.closed_at is not None]
    return Learnt(real, counted, _sorted(late), tuple(untold))


def _sorted(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
