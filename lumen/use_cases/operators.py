"""Who may change anything from the command line: the Google accounts of APPROVERS, and nobody else."""

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.service import Approvers, Person, ServiceId
from lumen.ports.state import Audit


class Operators:
    """Asked before each step; a refusal is audited."""

    def __init__(self, approvers: Approvers, audit: Audit) -> None:
        self._approvers = approvers
        self._audit = audit

    async def check(self, service: ServiceId, person: Person, what: str) -> None:
        """Raises NotPossible for an account that is not listed. `what` is for the audit: `apply ttl 420`."""
        account = person.name
        if account in self._approvers.accounts:
            return
        refused = NotPossible(
            message("apply.no_right", account=account), message("apply.no_right_remedy", account=account)
        )
        await self._audit.add(service, "refused", person.user_id, f"{what}: {refused.reason.code}")
        raise refused
