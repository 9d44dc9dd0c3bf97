"""Which permissions on a Cloud Run service Lumen lacks, asked of Google itself, for `lumen doctor`."""

from collections.abc import Sequence

from google.cloud.run_v2 import ServicesAsyncClient
from google.iam.v1.iam_policy_pb2 import TestIamPermissionsRequest

from lumen.model.errors import SourceUnavailable
from lumen.model.nodata import NoData
from lumen.model.service import ServiceId
from lumen.vendors.google_calls import Patience
from lumen.vendors.google_errors import RUN, no_data, reading

#: What an actuator of Cloud Run needs. (That it may act as the runtime account cannot be asked this way.)
TO_CHANGE = ("run.services.get", "run.services.update")


class RunPermissions:
    """Asks; changes nothing."""

    def __init__(self, services: ServicesAsyncClient, patience: Patience | None = None) -> None:
        self._services = services
        self._patience = patience or Patience()

    async def lacking(self, service: ServiceId) -> Sequence[str] | NoData:
        """Those of `TO_CHANGE` that Lumen does not have; NoData where the server cannot be asked."""
        try:
            with reading(RUN, service.name, f"{service.project}/{service.region}"):
                answer = await self._services.test_iam_permissions(
                    TestIamPermissionsRequest(resource=service.path, permissions=list(TO_CHANGE)),
                    retry=self._patience.retry,
                    timeout=self._patience.attempt_seconds,
                )
        except SourceUnavailable as error:
            return no_data(error)
        return [permission for permission in TO_CHANGE if permission not in answer.permissions]
