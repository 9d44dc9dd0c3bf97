"""The TTL in the environment of the service: what holds where nobody has written the setting (docs/ion-contract.md)."""

from lumen.actuators.cloud_run import CloudRunEditor
from lumen.actuators.cloud_run_variable import CloudRunVariable
from lumen.model import ion


class CloudRunTtlActuator(CloudRunVariable):
    """`default_seconds`: what a service without DEFAULT_TTL_SECONDS uses."""

    def __init__(self, editor: CloudRunEditor, default_seconds: int) -> None:
        super().__init__(editor, ion.ENV_VARIABLE, default_seconds)
