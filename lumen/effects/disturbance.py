"""Other events while a change was measured, which make any verdict on the change itself dishonest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.effects.experiment import Experiment, begins_too_late, suspended
from lumen.effects.verdict import EffectVerdict, Judgement, LookFinding, guardrail
from lumen.model.alert import Alert
from lumen.model.messages import Message, Param, message
from lumen.model.proposal import CHANGED_SOMETHING, Proposal

#: What happened this shortly before the change still shows in what is compared with.
SETTLES_IN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that happened beside. `deployed`: when new images took traffic. `drift`: lost settings by the turns.
    `pages`: those of the time of a change, open or over."""

    proposals: Sequence[Proposal]
    deployed: Sequence[datetime]
    drift: Sequence[Message] = ()
    pages: Sequence[Alert] = ()

    def released_before(self, page_at: datetime) -> bool:
        """Whether other code began to serve within the day before."""
        return any(page_at - SETTLES_IN < at <= page_at for at in self.deployed)


def disturbed(proposal_id: str, experiment: Experiment, around: Surroundings, until: datetime) -> Message | None:
    """The reason why a look without a control that takes what was measured before `until` tells nothing, or None.

    A deployment, another change or a rollback since a day before it, or its own value lost or replaced meanwhile.
    """
    since = experiment.started_at - SETTLES_IN
    for at in around.deployed:
        if since < at < until:
            return message("effect.deployed", deployed_at=at.isoformat())
    other = next(_others(proposal_id, around.proposals, since, until), None)
    if other is not None:
        return message("effect.other_change", proposal_id=other.id, knob=other.draft.change.knob.value)
    return _drifted(proposal_id, around)


def _drifted(proposal_id: str, around: Surroundings) -> Message | None:
    is_lost = any(told.params.get("proposal_id") == proposal_id for told in around.drift)
    return message("effect.drifted") if is_lost else None


def spoiled(proposal_id: str, experiment: Experiment, around: Surroundings, until: datetime) -> Message | None:
    """The reason why a change that has a control can tell nothing any more, or None: the knob was turned again, or its
    value was lost or replaced, so that other keys are compared by now."""
    for other in _others(proposal_id, around.proposals, experiment.started_at, until):
        if other.draft.change.knob is experiment.change.knob:
            return message("effect.other_change", proposal_id=other.id, knob=other.draft.change.knob.value)
    return _drifted(proposal_id, around)


@dataclass(frozen=True, slots=True)
class Interruption:
    """Something else since a change, after which its keys are compared anew; `code` and `params` say it."""

    at: datetime
    code: str
    params: Mapping[str, Param]

    def said(self, look: int) -> Message:
        """The reason for no verdict after `look` hours."""
        return Message(self.code, {"hours": look, **self.params})


def interruption(
    proposal_id: str, experiment: Experiment, around: Surroundings, until: datetime
) -> Interruption | None:
    """The newest before `until`: other code, a change of another knob, the end of a page (now, while it is open)."""
    since, found = experiment.started_at, list[Interruption]()
    for at in around.deployed:
        found.append(Interruption(at, "effect.waits_deployed", {"deployed_at": at.isoformat()}))
    for other in _others(proposal_id, around.proposals, since, until):
        params: dict[str, Param] = {"proposal_id": other.id, "knob": other.draft.change.knob.value}
        found.append(Interruption(other.finished_at or since, "effect.waits_change", params))
    for page in around.pages:
        if page.opened_at < until:
            ended = min(page.closed_at or until, until)
            found.append(Interruption(ended, "effect.waits_page", {"kind": page.kind.value}))
    return max((one for one in found if since < one.at <= until), key=lambda one: one.at, default=None)


def begun_anew(
    proposal_id: str, experiment: Experiment, look: int, around: Surroundings, end: datetime
) -> datetime | LookFinding | None:
    """The moment from which a look at a change that has a control counts, after something else; None from the change
    on; a finding where too little time is left of it."""
    other = interruption(proposal_id, experiment, around, end)
    if other is None:
        return None
    is_too_late = begins_too_late(experiment, look, other.at)
    return suspended(look, experiment, other.said(look)) if is_too_late else other.at


@dataclass(frozen=True, slots=True)
class PageAfter:
    """A page soon after a change. `release_blamed`: a rollback is about this very page. `elsewhere`: another service
    whose page opened at the same time; "" for none. `is_unsure`: nobody can tell yet whether a release is to blame."""

    opened_at: datetime
    release_blamed: bool = False
    elsewhere: str = ""
    is_unsure: bool = False


def culprit(proposal_id: str, experiment: Experiment, around: Surroundings, page: PageAfter) -> Message | None:
    """The cause that is nearer to the page than the change is, or is blamed for it; None where nothing else is."""
    since = experiment.started_at
    minutes = (page.opened_at - since) / timedelta(minutes=1)
    if page.release_blamed:
        return message("effect.spared_release", minutes=minutes)
    deployed = next((at for at in around.deployed if since < at <= page.opened_at), None)
    if deployed is not None:
        return message("effect.spared_deployed", minutes=minutes, deployed_at=deployed.isoformat())
    other = next(_others(proposal_id, around.proposals, since, page.opened_at), None)
    if other is not None:
        return message("effect.spared_change", minutes=minutes, proposal_id=other.id)
    return message("effect.spared_elsewhere", minutes=minutes, service=page.elsewhere) if page.elsewhere else None


def judge_pages(
    proposal_id: str, experiment: Experiment, around: Surroundings, pages: Sequence[tuple[Alert, PageAfter]]
) -> Judgement | None:
    """A precaution against the change, or WAIT where something else is to blame for the first page; the oldest first.

    None: no page opened within two hours of it, or nobody can tell yet whether a release of that day is to blame.
    """
    followed = [(alert, page) for alert, page in pages if guardrail(experiment.started_at, [alert])]
    if any(page.is_unsure and around.released_before(page.opened_at) for _, page in followed):
        return None
    spared = [culprit(proposal_id, experiment, around, page) for _, page in followed]
    alone = [alert for (alert, _), other in zip(followed, spared, strict=True) if other is None]
    other = next(iter(spared), None)
    waits = Judgement(EffectVerdict.WAIT, False, other) if other is not None else None
    return guardrail(experiment.started_at, alone) or waits


def _others(proposal_id: str, proposals: Iterable[Proposal], since: datetime, until: datetime) -> Iterator[Proposal]:
    for other in proposals:
        at = other.finished_at
        if other.id != proposal_id and other.state in CHANGED_SOMETHING and at is not None and since < at <= until:
            yield other
