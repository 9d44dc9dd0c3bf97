"""What is asked once more before a click on a proposal counts, and what it says that this does."""

from collections.abc import Mapping

from handlers.blocks.card import Confirm
from lumen.model.messages import Message, Param, message
from lumen.model.proposal import LATEST, Draft, Knob, Proposal
from lumen.wording.catalogue import change_params


def reject_dialog(proposal: Proposal) -> Confirm | None:
    """Says what does not happen by itself any more; None where nothing would have."""
    draft = proposal.draft
    params: dict[str, Param] = {"service": draft.service.name, **change_params(draft.change)}
    if draft.incident:
        return _dialog("reject_rollback", params)
    return _dialog("reject_unasked", params) if proposal.acts_at is not None else None


def approve_dialog(draft: Draft) -> Confirm:
    """Names the exact effect and the way back; where one approval is not enough, that nothing happens at once.

    Where it brings back a revision that was taken out, that is what it says.
    """
    change, needed = draft.change, draft.approvals_needed
    params: dict[str, Param] = {"service": draft.service.name, "needed": needed, **change_params(change)}
    back = draft.brings_back
    if back is not None:
        known = "brings_back" if "share" in back.params else "brings_back_unknown"
        return _dialog("traffic", {**params, **back.params}, known)
    if needed > 1:
        return _dialog("vote", {**params, "happens": _happens(draft)})
    if change.knob is Knob.TRAFFIC:
        return _dialog("traffic", params, "unpin" if change.new == LATEST else "traffic")
    return _dialog("approve", {**params, "happens": _happens(draft)})


def steps_dialog(draft: Draft) -> Confirm:
    """Of an approval in steps: what it does now, what comes without asking, and what ends that."""
    params: dict[str, Param] = {"service": draft.service.name, **change_params(draft.change)}
    return Confirm(
        Message("plan.confirm_title", params),
        Message("plan.confirm_text", {**params, "happens": _happens(draft), "most": draft.steps_to}),
        Message("plan.confirm_yes", params),
        message("views.confirm_no"),
    )


def undo_dialog(draft: Draft) -> Confirm:
    """Names what it brings back."""
    shown: dict[str, Param] = {"service": draft.service.name, **change_params(draft.change)}
    return _dialog("undo", {**shown, "happens": _happens(draft)})


#: What happens where nothing is deployed, by knob.
_HAPPENS = {
    Knob.TTL: "views.happens_ttl",
    Knob.CACHE_SIZE: "views.happens_size",
    Knob.MIN_INSTANCES: "views.happens_instances",
    Knob.TRAFFIC: "views.happens_traffic",
    # Both stand in a revision, also on a card of an earlier Lumen.
    Knob.MEMORY: "views.happens_deploy",
    Knob.L1_ENTRIES: "views.happens_deploy",
}


def _happens(draft: Draft) -> Message:
    """What carrying it out does beside: a new revision, a restart, or neither."""
    return message("views.happens_deploy") if draft.deploys else Message(_HAPPENS[draft.change.knob], {})


def _dialog(name: str, params: Mapping[str, Param], text: str = "") -> Confirm:
    return Confirm(
        Message(f"views.confirm_{name}_title", params),
        Message(f"views.confirm_{text or name}_text", params),
        Message(f"views.confirm_{name}_yes", params),
        message("views.confirm_no"),
    )
