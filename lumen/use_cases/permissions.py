"""Permits for what not everybody may do; refusals are audited here, whichever door was tried."""

from lumen.model.messages import NotPermitted
from lumen.model.service import Permit, Person, ServiceId
from lumen.ports.store import Audit


async def permit_or_refuse(
    audit: Audit, service: ServiceId, person: Person, what: str, refusal: NotPermitted | None
) -> Permit:
    """`refusal`: why the door that `person` came through says no; None when they may. `what`: "pause", "apply ttl 420".

    Raises NotPermitted; StoreUnavailable, OutcomeUnknown when the refusal cannot be audited.
    """
    if refusal is None:
        return Permit(person)
    await audit.add(service, "refused", person.user_id, f"{what}: {refusal.reason.code}")
    raise refusal
