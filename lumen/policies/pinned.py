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
    own, wanted = pinned.env_ttl_seconds, deployment.env_ttl_seconds
    if own is None or wanted is None or own == wanted:
        return []
    if isinstance(setting, NoData) or setting.version == 0:
        return [message("rollback.ttl_differs", revision=pinned.name, own_seconds=own, set_seconds=wanted)]
    # The service reads the setting first: the revision's own TTL only counts where the setting is lost.
    held = setting.value_seconds
    return [message("rollback.ttl_setting_holds", revision=pinned.name, own_seconds=own, set_seconds=held)]
