"""Other events while a change was measured, which make any verdict on the change itself dishonest."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.effects.experiment import Experiment
from lumen.model.messages import Message, message
from lumen.model.proposal import CHANGED_SOMETHING, Proposal

#: What happened this shortly before the change still shows in what is compared with.
SETTLES_IN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that happened beside. `deployed`: when new images took traffic. `drift`: lost settings by the turns."""

    proposals: Sequence[Proposal]
    deployed: Sequence[datetime]
    drift: Sequence[Message] = ()


def disturbed(proposal_id: str, experiment: Experiment, around: Surroundings, until: datetime) -> Message | None:
    """The reason why a look that takes what was measured before `until` tells nothing, or None.

    A deployment, another change or a rollback since a day before it, or its own value lost or replaced meanwhile.
    """
    since = experiment.started_at - SETTLES_IN
    for at in around.deployed:
        if since < at < until:
            return message("effect.deployed", deployed_at=at.isoformat())
    other = next(_others(proposal_id, around.proposals, since, until), None)
    if other is not None:
        return message("effect.other_change", proposal_id=other.id, knob=other.draft.change.knob.value)
    if any(told.params.get("proposal_id") == proposal_id for told in around.drift):
        return message("effect.drifted")
    return None


def blamed_elsewhere(proposal_id: str, experiment: Experiment, around: Surroundings, page_at: datetime) -> bool:
    """Whether a later event is nearer to a page than the change is."""
    since = experiment.started_at
    deployed = any(since < at <= page_at for at in around.deployed)
    return deployed or any(True for _ in _others(proposal_id, around.proposals, since, page_at))


def _others(proposal_id: str, proposals: Iterable[Proposal], since: datetime, until: datetime) -> Iterator[Proposal]:
    for other in proposals:
        at = other.finished_at
        if other.id != proposal_id and other.state in CHANGED_SOMETHING and at is not None and since < at <= until:
            yield other
