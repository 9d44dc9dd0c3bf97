"""What stands around a change that a policy wants, from what is stored: what `policies.guard` holds it back for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lumen.effects.disturbance import CHANGED_SOMETHING
from lumen.effects.experiment import measuring
from lumen.effects.learning import direction
from lumen.exporters.operations import deployments
from lumen.model.alert import Severity
from lumen.model.nodata import NoData
from lumen.model.proposal import Change, Proposal, State
from lumen.model.snapshot import Deployment
from lumen.model.verdict import Verdict
from lumen.model.watching import Pause, StoredAlert
from lumen.policies.guard import Situation


@dataclass(frozen=True, slots=True)
class Stored:
    """Of one service, at one moment: `recent` the newest proposals first, `unfinished` what is open."""

    recent: Sequence[Proposal]
    unfinished: Sequence[Proposal]
    alerts: Sequence[StoredAlert]
    pause: Pause | None


def situation_of(change: Change, stored: Stored, deployment: Deployment | NoData, now: datetime) -> Situation:
    """For a wish to make `change` now."""
    page = next((one.alert for one in stored.alerts if one.alert.severity is Severity.PAGE), None)
    deployed = () if isinstance(deployment, NoData) else deployments(deployment)
    return Situation(
        paused=stored.pause is not None,
        paused_until=stored.pause.until if stored.pause else None,
        last_change_at=_newest(p.finished_at for p in stored.recent if p.state in CHANGED_SOMETHING),
        measuring=measuring(stored.recent, now),
        taken_back_at=_newest(_taken_back(change, stored.recent)),
        harmed_at=_newest(_harmed(change, stored.recent)),
        rejected_at=_newest(_rejected(change, stored.recent)),
        open_proposal=next((p.id for p in stored.unfinished), None),
        page_open=page.id if page else None,
        last_deployment_at=deployed[-1] if deployed else None,
    )


def _taken_back(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    """When undos of changes of this knob in this direction were applied."""
    of = {proposal.id: proposal.draft.change for proposal in recent}
    return [
        proposal.finished_at
        for proposal in recent
        if proposal.draft.undo_of is not None and proposal.state in CHANGED_SOMETHING - {State.FAILED}
        if direction(of.get(proposal.draft.undo_of) or _reversed(proposal.draft.change)) == direction(change)
    ]


def _harmed(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    return [
        proposal.measured.at
        for proposal in recent
        if proposal.measured is not None and proposal.measured.verdict is Verdict.HARMFUL
        if direction(proposal.draft.change) == direction(change)
    ]


def _rejected(change: Change, recent: Sequence[Proposal]) -> Sequence[datetime | None]:
    return [
        proposal.decided_at
        for proposal in recent
        if proposal.state is State.REJECTED and direction(proposal.draft.change) == direction(change)
    ]


def _reversed(change: Change) -> Change:
    return Change(change.knob, change.new, change.old, change.unit)


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
