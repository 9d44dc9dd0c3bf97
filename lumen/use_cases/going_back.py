"""Which revision a person's rollback goes to: the one that was named, or the newest one that is known to be good."""

from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.policies.rollback_evidence import good_revision
from lumen.ports.measurements import DeploymentSource
from lumen.ports.watching import Standings


class GoingBack:
    """Changes nothing."""

    def __init__(self, deployments: DeploymentSource, standings: Standings) -> None:
        self._deployments = deployments
        self._standings = standings

    async def target(self, service: ServiceId, revision: str) -> str:
        """`revision` where there is such a one; for "" the newest that served within its objectives, older than the
        one that serves now, and that nobody has left. Raises NotPossible."""
        deployment = (await self._deployments.deployments((service,)))[service]
        if isinstance(deployment, NoData):
            raise NotPossible(deployment.reason, deployment.remedy)
        names = [one.name for one in deployment.revisions]
        if revision and revision not in names:
            raise NotPossible(
                message("rollback.unknown_revision", service=service.name, revision=revision),
                message("rollback.unknown_revision_remedy", names=", ".join(names[:10])),
            )
        records = (await self._standings.read(service)).revisions or {}
        serving = next((one.name for one in deployment.revisions if one.traffic_percent > 0), "")
        target = revision or good_revision(records, deployment.revisions, serving)
        if target is None:
            raise NotPossible(
                message("rollback.no_good_revision", service=service.name), message("rollback.no_good_revision_remedy")
            )
        return target
