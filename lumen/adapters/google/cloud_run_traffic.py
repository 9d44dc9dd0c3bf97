"""The traffic of a Cloud Run service as a knob: the revision that it is pinned to (a rollback), or LATEST."""

from dataclasses import dataclass
from typing import Any

from google.cloud.run_v2 import TrafficTarget

from lumen.adapters.google import service_fields as reader
from lumen.adapters.google.cloud_run_editor import CloudRunEditor, Edit
from lumen.model.messages import Message, ValueMoved, message
from lumen.model.proposal import LATEST, Change
from lumen.model.service import ServiceId
from lumen.ports.actuators import Reading


@dataclass(frozen=True, slots=True)
class CloudRunTraffic:
    """Implements the Actuator port. A reading's version is the revision with the largest share: a deploy moves the
    premise. Tags keep their addresses and get no share.
    """

    editor: CloudRunEditor

    name = "traffic"

    async def read(self, service: ServiceId) -> Reading:
        """The traffic as it is served now, by `traffic_statuses`. Raises SourceUnavailable."""
        return _reading(await self.editor.read(service))

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """100 % to one revision or to the latest, verified in what is served. A repeat finds it in place.

        Raises ValueMoved (somebody's own rollback or deploy is respected), ActuatorFailed, SourceUnavailable.
        """
        del proposal_id
        return _reading(await self.editor.make(service, _edit(_revision(change), expected)))

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        return await self.read(service) == wanted

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        revision = _revision(change)
        anything = await self.editor.rehearse(service, _edit(revision, expected))
        code = ("actuator.would_pin" if revision else "actuator.would_unpin") if anything else "actuator.would_not_move"
        return message(code, service=service.name, revision=revision or "LATEST", serving=expected.version)


def _revision(change: Change) -> str | None:
    return None if change.new == LATEST else str(change.new)


def _reading(now: Any) -> Reading:
    shares = reader.traffic_shares(now)
    serving = max(shares, key=lambda name: shares[name]) if shares else ""
    return Reading(reader.pinned_revision(now) or LATEST, serving)


def _edit(revision: str | None, expected: Reading) -> Edit:
    wanted_type = reader.REVISION if revision else reader.LATEST

    def wanted(now: Any) -> bool:
        shares = [t for t in now.traffic if t.percent > 0]
        if not shares:
            return revision is None
        return (
            len(shares) == 1
            and shares[0].type_ == wanted_type
            and reader.short(shares[0].revision) == (revision or reader.short(shares[0].revision))
        )

    def check(now: Any) -> None:
        present = _reading(now)
        if not wanted(now) and present != expected:
            raise ValueMoved(
                message("actuator.traffic_moved", expected=expected.version, present=present.version),
                message("actuator.moved_remedy"),
            )

    def apply(now: Any) -> None:
        tagged = [TrafficTarget(type_=t.type_, revision=t.revision, percent=0, tag=t.tag) for t in now.traffic if t.tag]
        now.traffic = [TrafficTarget(type_=wanted_type, revision=revision or "", percent=100), *tagged]

    def in_force(now: Any) -> bool:
        target = revision or reader.short(now.latest_ready_revision)
        return wanted(now) and reader.traffic_shares(now).get(target, 0) == 100

    return Edit(wanted=wanted, check=check, apply=apply, paths=("traffic",), in_force=in_force)
