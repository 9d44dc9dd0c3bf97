"""Pages in a store without the five hundred slices that it takes to make one."""

from dataclasses import replace
from datetime import datetime, timedelta

from lumen.adapters.store.alerts import RedisAlerts
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import StoredAlert
from lumen.model.messages import message
from lumen.ports.incidents import Look
from tests.contract.store.builders import SERVICE, Store

LOOK = timedelta(seconds=30)
BURN = message("alert.burn", burn=34.4, minutes=15, bad=122, valid=3547, share=0.0344)


def page(opened_at: datetime, severity: Severity = Severity.PAGE, kind: AlertKind = AlertKind.AVAILABILITY) -> Alert:
    return Alert(f"ion-api:{kind}:{opened_at.isoformat()}", "ion-api", kind, "", severity, opened_at, BURN)


def over(alert: Alert, at: datetime) -> Alert:
    return replace(alert, closed_at=at, close_reason=message("alert.recovered", minutes=30))


async def told(store: Store, *alerts: StoredAlert) -> None:
    """As a look of the watch stores them."""
    lease = await store.leases.acquire(SERVICE, "look", LOOK)
    assert lease is not None
    assert await RedisAlerts(store.redis, store.clock).look(SERVICE, lease, Look(None, (), alerts))
    await store.leases.release(SERVICE, lease)


async def events(store: Store, *names: str) -> list[tuple[str, str, str]]:
    """Event, actor and detail of the audit, oldest first; of these events alone."""
    found = reversed(await store.audit.entries(SERVICE, 200))
    return [(entry.event, entry.actor, entry.detail) for entry in found if entry.event in names]


async def behind(store: Store, kind: str) -> list[str]:
    return [one.surface.key for one in await store.outbox.dirty(SERVICE) if one.surface.kind == kind]
