"""The card of one proposal: what would change, what it would do, why; later who decided, and what became of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from handlers.blocks.before_after import before_after
from handlers.blocks.card import Button, Card, Shown, clip
from handlers.blocks.dialogs import approve_dialog, reject_dialog, steps_dialog, undo_dialog
from lumen.effects.experiment import experiment_of
from lumen.model.incident import Pinned
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import LATEST, Change, Choice, Draft, Expectation, Knob, Origin, Proposal, State
from lumen.model.turn import Turn
from lumen.wording.catalogue import (
    Catalogue,
    change_params,
    expected_params,
    expected_parts,
    held_params,
    iso,
    no_data,
    value_of,
    word,
)

APPROVE = "proposal.approve"
IN_STEPS = "proposal.approve_in_steps"
REJECT = "proposal.reject"
DETAILS = "proposal.details"
UNDO = "proposal.undo"
SNOOZE = "proposal.snooze"
#: A card shows so many reasons, cut to two lines of a phone each; Details shows all of them.
REASONS_SHOWN = 2
REASON_MAX = 110
#: After the first reason: whose step it is, how such changes went before, and that the keys change that are there too.
SHOWN_FIRST = ("plan.step", "effect.record", "approval.existing_too")
MINUTE_SECONDS = 60
#: A reason that says no more than who asked, which stands in the small print.
ASKED = "approval.asked_by_person"
#: What a click on a deciding button means; an undo is proposed and approved by the same click.
CHOICES = {APPROVE: Choice.APPROVE, IN_STEPS: Choice.APPROVE, REJECT: Choice.REJECT, UNDO: Choice.APPROVE}

STATE_SIGNS = {
    State.PENDING: "💡",
    State.APPROVED: "⏳",
    State.APPROVED_BY_TIMER: "⏳",
    State.APPLYING: "⏳",
    State.APPLIED: "✅",
    State.KEPT: "✅",
    State.INCONCLUSIVE: "✅",
    State.HARMFUL: "⚠️",
    State.UNDONE: "↩️",
    State.REJECTED: "🚫",
    State.EXPIRED: "⌛",
    State.WITHDRAWN: "🚫",
    State.SUPERSEDED: "⏭️",
    State.FAILED: "❌",
    State.ABANDONED: "🔀",
}


def card(words: Catalogue, proposal: Proposal, pinned: Pinned | None = None, turns: Sequence[Turn] = ()) -> Shown:
    """The message in the channel: two thirds of a phone's screen; what is longer stands behind Details.

    Buttons that decide are there while PENDING, and gone for ever after. `pinned`: what traffic is pinned to now.
    `turns`: of the days around a change that was measured, for its chart.
    """
    built, draft = Card(words), proposal.draft
    built.header(
        message(
            "views.proposal_header",
            sign=STATE_SIGNS[proposal.state],
            service=draft.service.name,
            knob=words.plain(Message(f"word.knob_{draft.change.knob}", {})),
            moved=moved(words, draft.change),
            state=words.plain(Message(f"word.state_{proposal.state}", {})),
        )
    )
    is_open = proposal.state is State.PENDING
    if is_open or not isinstance(draft.expected, NoData):
        built.lines([f"*{words.say(message('views.proposal_expected'))}*: {_expected_in_short(words, draft.expected)}"])
    if is_open:
        # The card that was approved in steps has said of each of them what is held back; Details says it again.
        held = [] if draft.step_of else held_back(words, draft.change)
        built.lines([*followed(words, draft), *held, *offered_steps(words, draft)])
    stands = proposal.can_be_undone
    reasons = _warnings(words, draft) if stands else reasons_in_short(words, draft, has_details=is_open)
    built.titled(message("views.proposal_reasons"), reasons)
    built.lines(fate(words, proposal))
    seen = before_after(words, proposal, turns) if turns else None
    if seen is not None:
        built.chart(seen)
    built.context([small_print(words, proposal)])
    add_buttons(built, proposal, pinned=pinned)
    return built.shown()


def add_buttons(built: Card, proposal: Proposal, of: str = "", pinned: Pinned | None = None) -> None:
    """The row of buttons that fits the state: to decide, or the way back of what stands; nothing for the rest.

    `of`: the name of the service, where proposals of several services stand together; ids count anew in each.
    """
    undo = undo_button(proposal, pinned)
    if proposal.state is State.PENDING:
        found = [*deciding_buttons(proposal), _details(proposal)]
    elif proposal.can_be_undone:
        found = [*([undo] if undo is not None else []), _details(proposal)]
    else:
        return
    if of:
        found = [
            replace(one, spoken=message("views.spoken_of", service=of, spoken=one.spoken or one.label)) for one in found
        ]
    key = f"{proposal.draft.service.key} " if of else ""
    built.buttons(found, block_id=f"proposal:{key}{proposal.id}")


def moved(words: Catalogue, change: Change) -> str:
    """`300 s → 420 s (7 min)`: the change in words; plain text."""
    told = words.plain(Message("views.moved", change_params(change)))
    if change.unit != "s" or not isinstance(change.new, int) or change.new < MINUTE_SECONDS:
        return told
    hours, minutes, seconds = change.new // 3600, change.new % 3600 // 60, change.new % 60
    pieces = [
        *([message("views.length_hours", hours=hours)] if hours else []),
        *([message("views.length_minutes", minutes=minutes)] if minutes else []),
        *([message("views.length_seconds", seconds=seconds)] if seconds else []),
    ]
    return f"{told} ({' '.join(map(words.plain, pieces))})"


def held_back(words: Catalogue, change: Change) -> list[str]:
    """That a share of the keys keeps the old value for a while, where it does."""
    if not change.held_permille:
        return []
    return [words.say(message("views.held_back", **held_params(change)))]


def offered_steps(words: Catalogue, draft: Draft) -> list[str]:
    """How far approving in steps goes; nothing where that is not offered. Details has it at length."""
    return [words.say(message("plan.offered", most=draft.steps_to))] if draft.steps_to else []


def _expected_in_short(words: Catalogue, expected: Expectation | NoData) -> str:
    """The same in short; Details has it at length."""
    if isinstance(expected, NoData):
        return words.say(expected.reason)
    return words.say(Message("views.expected_short", expected_params(expected)))


def followed(words: Catalogue, draft: Draft) -> list[str]:
    """What usually follows such a change; nothing where nobody knows."""
    return [] if draft.follows is None else [words.say(draft.follows)]


def _warnings(words: Catalogue, draft: Draft) -> list[str]:
    return [f"⚠️ {words.say(one)}" for one in (draft.goes_over, draft.brings_back) if one is not None]


def reasons_in_short(words: Catalogue, draft: Draft, *, has_details: bool) -> list[str]:
    """The first ones, cut where they are long; in full whatever warns, for nobody should have to look for that."""
    warnings = _warnings(words, draft)
    beside = (draft.goes_over, draft.brings_back, draft.follows)
    others = [one for one in draft.reasons if one not in beside and one.code != ASKED]
    others = [*others[:1], *sorted(others[1:], key=_rank)]
    shown = others[: max(0, REASONS_SHOWN - len(warnings))]
    left = len(others) - len(shown)
    more = [words.say(message("views.proposal_more", count=left))] if left and has_details else []
    return [
        *warnings,
        *(f"• {clip(words.say(one), REASON_MAX)}" for one in shown),
        *more,
    ]


def _rank(reason: Message) -> int:
    """The place among those that are shown first; all others come after them."""
    return SHOWN_FIRST.index(reason.code) if reason.code in SHOWN_FIRST else len(SHOWN_FIRST)


def line(words: Catalogue, proposal: Proposal, *, is_timed: bool = True) -> str:
    """The proposal in one line, for lists and answers; of a countdown, when it acts (if `is_timed`)."""
    change, is_countdown = proposal.draft.change, proposal.state is State.PENDING and proposal.acts_at is not None
    told = words.say(
        message(
            "views.proposal_line",
            sign=STATE_SIGNS[proposal.state],
            knob=word(words, "knob", change.knob),
            state=word(words, "state", "COUNTDOWN" if is_countdown else proposal.state),
            proposal_id=proposal.id,
            **change_params(change),
        )
    )
    if proposal.acts_at is None or not (is_countdown and is_timed):
        return told
    return f"{told} · {words.say(message('views.proposal_acts', acts_at=iso(proposal.acts_at)))}"


def _asked_by(words: Catalogue, proposal: Proposal) -> str:
    draft = proposal.draft
    priority = word(words, "priority", draft.priority)
    if draft.asked_by is not None:
        code = "views.proposal_undo_asked" if draft.origin is Origin.UNDO else "views.proposal_asked"
        return words.say(Message(code, {"who_mention": draft.asked_by.user_id, "priority": priority}))
    return words.say(message("views.proposal_by_lumen", priority=priority))


def expected_lines(words: Catalogue, expected: Expectation | NoData) -> list[str]:
    """What it would do, with its interval, or why that cannot be said yet."""
    if isinstance(expected, NoData):
        return [no_data(words, expected)]
    params = expected_params(expected)
    return [words.say(Message(f"views.expected_{part}", params)) for part in expected_parts(expected)]


def fate(words: Catalogue, proposal: Proposal) -> list[str]:
    """Who decided and when, then how far the execution is; nothing while it is PENDING."""
    lines = []
    if proposal.state is State.PENDING and proposal.acts_at is not None:
        code = "views.countdown" if proposal.draft.change.step is None else "views.countdown_sets"
        params = {**change_params(proposal.draft.change), "acts_at": iso(proposal.acts_at)}
        lines.append(words.say(Message(code, params)))
    if proposal.state is State.PENDING and proposal.snoozes:
        who, times = " ".join(dict.fromkeys(one.user_id for one in proposal.snoozes)), len(proposal.snoozes)
        lines.append(words.say(message("views.snoozed", who_mentions=who, times=times)))
    if proposal.state is State.PENDING and proposal.votes:
        who = " ".join(voter.user_id for voter in proposal.votes)
        needed = proposal.draft.approvals_needed
        lines.append(words.say(message("views.votes", who_mentions=who, votes=len(proposal.votes), needed=needed)))
    elif proposal.state is State.PENDING and proposal.draft.approvals_needed > 1:
        lines.append(words.say(message("views.votes_none", needed=proposal.draft.approvals_needed)))
    noted = None if proposal.decision is None else proposal.decision.note
    is_for_incident = proposal.state is State.REJECTED and bool(proposal.draft.incident)
    kept = message("views.rejected_for_incident") if is_for_incident else None
    found = _found_before(proposal)
    told = (
        _decided(proposal),
        kept,
        noted,
        _progress(proposal),
        found,
        proposal.note,
        _measured_until(proposal),
    )
    return [*lines, *(words.say(each) for each in told if each is not None)]


def _found_before(proposal: Proposal) -> Message | None:
    """What the verdict rests on, where the note is what was found a week later."""
    measured = proposal.measured
    return measured.reason if measured is not None and measured.lasting not in (None, measured.reason) else None


def _decided(proposal: Proposal) -> Message | None:
    decision, at = proposal.decision, proposal.decided_at
    if decision is None or at is None:
        return None
    when = iso(at)
    if decision.person is not None and decision.in_steps:
        most = proposal.draft.steps_to
        return message("plan.decided", who_mention=decision.person.user_id, decided_at=when, most=most)
    if decision.person is not None and decision.choice in (Choice.APPROVE, Choice.REJECT):
        code = "views.decided_approved" if decision.choice is Choice.APPROVE else "views.decided_rejected"
        return Message(code, {"who_mention": decision.person.user_id, "decided_at": when})
    codes = {
        Choice.TIMER: "views.decided_timer",
        Choice.EXPIRE: "views.decided_expired",
        Choice.WITHDRAW: "views.decided_withdrawn" if decision.note is None else "views.decided_withdrawn_because",
        Choice.SUPERSEDE: "views.decided_superseded",
    }
    # An approval on the command line has no Slack user: it is said without a mention.
    code = codes.get(decision.choice, "views.decided_elsewhere")
    return Message(code, {"decided_at": when})


def _progress(proposal: Proposal) -> Message | None:
    codes = {
        State.APPROVED: "views.progress_approved",
        State.APPROVED_BY_TIMER: "views.progress_approved",
        State.APPLYING: "views.progress_applying",
        State.FAILED: "views.progress_failed",
        State.ABANDONED: "views.progress_abandoned",
        State.KEPT: "views.progress_kept",
        State.INCONCLUSIVE: "views.progress_inconclusive",
        State.HARMFUL: "views.progress_harmful",
        State.UNDONE: "views.progress_undone",
    }
    if proposal.state is State.APPLIED and proposal.finished_at is not None:
        return message("views.progress_applied", finished_at=iso(proposal.finished_at))
    if proposal.is_unmeasured:
        return None  # its note says why
    if proposal.state is State.KEPT and proposal.measured is not None and proposal.measured.lost_as_announced:
        return message("views.progress_announced")
    code = "views.progress_partly" if proposal.left_something else codes.get(proposal.state)
    return Message(code, {}) if code else None


def _measured_until(proposal: Proposal) -> Message | None:
    """When the next look at its effect comes, and the last one; None where nothing is measured (any more)."""
    applied_at, done = proposal.finished_at, proposal.measured.look_hours if proposal.measured else 0
    experiment = None if applied_at is None else experiment_of(proposal, applied_at)
    if applied_at is None or experiment is None:
        return None
    looks = [iso(applied_at + timedelta(hours=hours)) for hours in experiment.looks if hours > done]
    if not looks:
        return None
    if not experiment.is_controlled:
        return message("views.uncontrolled_until", until_at=looks[-1])
    return message("views.measured_until", next_at=looks[0], until_at=looks[-1], **held_params(proposal.draft.change))


def small_print(words: Catalogue, proposal: Proposal) -> str:
    """Its id, when it expires or was made, and who asked for it."""
    if proposal.state is State.PENDING:
        told = message("views.proposal_print_open", proposal_id=proposal.id, expires_at=iso(proposal.expires_at))
    else:
        told = message("views.proposal_print", proposal_id=proposal.id, created_at=iso(proposal.created_at))
    return f"{words.say(told)} · {_asked_by(words, proposal)}"


def deciding_buttons(proposal: Proposal) -> list[Button]:
    """Those of a PENDING proposal that decide it or put it off."""
    value, change = value_of(proposal), proposal.draft.change
    spoken = change_params(change)
    return [
        Button(
            APPROVE,
            message("views.button_approve" if proposal.acts_at is None else "views.button_approve_now"),
            value,
            style="primary",
            spoken=Message("views.spoken_approve", spoken),
            confirm=approve_dialog(proposal.draft),
        ),
        *_in_steps(proposal),
        Button(
            REJECT,
            message("views.button_reject"),
            value,
            style="danger",
            spoken=Message("views.spoken_reject", spoken),
            confirm=reject_dialog(proposal),
        ),
        *_snooze(proposal),
    ]


def _in_steps(proposal: Proposal) -> list[Button]:
    """Approves further steps too, where that is offered."""
    draft = proposal.draft
    if not draft.steps_to:
        return []
    return [
        Button(
            IN_STEPS,
            message("plan.button"),
            value_of(proposal),
            spoken=Message("plan.spoken", change_params(draft.change)),
            confirm=steps_dialog(draft),
        )
    ]


def _details(proposal: Proposal) -> Button:
    spoken = Message("views.spoken_details", change_params(proposal.draft.change))
    return Button(DETAILS, message("views.button_details"), value_of(proposal), spoken=spoken)


def _snooze(proposal: Proposal) -> list[Button]:
    """Only a countdown can be put off."""
    if proposal.acts_at is None:
        return []
    value = f"{value_of(proposal)} {iso(proposal.acts_at)}"  # a second tap on the same card wants nothing more
    return [Button(SNOOZE, message("views.button_snooze"), value, spoken=message("views.spoken_snooze"))]


def undo_button(proposal: Proposal, pinned: Pinned | None = None) -> Button | None:
    """The way back, on the card and in reports.

    None where nothing stands, and where it would bring back a revision that was taken out.
    """
    if not proposal.can_be_undone:
        return None
    change = proposal.draft.change
    out = pinned.taken_out if pinned is not None else ""
    if change.knob is Knob.TRAFFIC and out and change.old in (LATEST, out):
        return None
    return Button(
        UNDO,
        Message("views.button_undo", change_params(change)),
        value_of(proposal),
        spoken=Message("views.spoken_undo", change_params(change)),
        confirm=undo_dialog(proposal.draft),
    )
