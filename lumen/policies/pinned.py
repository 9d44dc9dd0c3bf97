"""While traffic is pinned to an older revision: which settings it carries otherwise than Lumen has set them."""

from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.snapshot import Deployment, Revision, TtlSetting


def differences(deployment: Deployment, setting: TtlSetting | NoData) -> tuple[Message, ...]:
    """In words, for people: the environment cannot be changed while traffic is pinned (it would have no effect)."""
    pinned = next((r for r in deployment.revisions if r.name == deployment.pinned_revision), None)
    if pinned is None:
        return ()
    return tuple(_ttl(pinned, deployment, setting))


def _ttl(pinned: Revision, deployment: Deployment, setting: TtlSetting | NoData) -> list[Message]:
    own = pinned.env_ttl_seconds
    if own is None:
        return []
    if not isinstance(setting, NoData) and setting.version > 0:
        # The service reads the setting first: the revision's own TTL only counts where the setting is lost.
        if own == setting.value_seconds:
            return []
        return [
            message(
                "rollback.ttl_setting_holds", revision=pinned.name, own_seconds=own, set_seconds=setting.value_seconds
            )
        ]
    if deployment.env_ttl_seconds is not None and own != deployment.env_ttl_seconds:
        wanted = deployment.env_ttl_seconds
        return [message("rollback.ttl_differs", revision=pinned.name, own_seconds=own, set_seconds=wanted)]
    return []
