"""Every edit that makes a revision is refused while traffic is pinned: it would have no effect."""

from typing import Any

from lumen.model.errors import ActuatorFailed
from lumen.model.message import message
from lumen.vendors import cloud_run_service as reader


def check_not_pinned(now: Any) -> None:
    """Raises ActuatorFailed with the revision that traffic is pinned to."""
    pinned = reader.pinned_revision(now)
    if pinned is not None:
        raise ActuatorFailed(
            message("actuator.traffic_pinned", revision=pinned), message("actuator.traffic_pinned_remedy")
        )
