"""What people have set against changes, in words: in every report, and as an answer of its own."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lumen.model.answers import InSteps, StatusReadout, Trusted
from lumen.model.incident import Pause, Silence, SizeLock, TtlOverride
from lumen.model.messages import Message, Param, message
from lumen.model.override import PinnedTtl, locked_by, pinned_by, quoted
from lumen.wording.catalogue import Catalogue, iso


def held(readout: StatusReadout) -> Iterator[tuple[str, Message]]:
    """A sign and a sentence each for a dry run, a freeze, a pause, an override, a lock, and for automation that is
    disabled or only observes; nothing where there is none."""
    if readout.dry_run:
        yield "🧪", message("restraint.dry_run")
    if readout.frozen_until is not None:
        yield "❄️", message("restraint.frozen", until_at=iso(readout.frozen_until))
    if readout.pause is not None:
        yield "⏸️", _paused(readout.pause)
    if readout.disabled:
        yield "⏸️", message("policy.held_disabled")
    if readout.observing_until is not None:
        yield "👀", message("policy.held_observing", until_at=iso(readout.observing_until))
    if readout.override is not None:
        yield "📍", pinned_by(readout.override)
    if readout.size_lock is not None:
        yield "🔒", locked_by(readout.size_lock)


def in_short(words: Catalogue, readout: StatusReadout) -> str:
    """All that `held` says, and what is silenced, in one line (mrkdwn) without who and why; "" for nothing."""
    pin, lock = readout.override, readout.size_lock
    told: list[Message] = []
    if readout.dry_run:
        told.append(message("restraint.short_dry_run"))
    if readout.frozen_until is not None:
        told.append(message("restraint.short_frozen", until=_until(readout.frozen_until)))
    if readout.pause is not None:
        told.append(message("restraint.short_pause", until=_until(readout.pause.until)))
    if readout.disabled:
        told.append(message("restraint.short_disabled"))
    if readout.observing_until is not None:
        told.append(message("restraint.short_observing", until=_until(readout.observing_until)))
    if pin is not None:
        told.append(message("restraint.short_pin", ttl_seconds=pin.ttl_seconds, until=_until(pin.until)))
    if lock is not None:
        told.append(message("restraint.short_lock", until=_until(lock.until)))
    told += silenced(readout.silences)
    return " · ".join(words.say(one) for one in told)


def silenced(silences: Sequence[Silence]) -> list[Message]:
    """What is silenced, and until when the last of it is, as one piece of a line; nothing for none."""
    if not silences:
        return []
    until = _until(max(one.until for one in silences))
    code = "restraint.short_silence" if len(silences) <= NAMED_SILENCES else "restraint.short_silences"
    names = ", ".join(one.name for one in silences)
    return [Message(code, {"names": names, "count": len(silences), "until": until})]


def _until(until: datetime | None) -> Param:
    return "" if until is None else message("control.until", until_at=iso(until))


#: So many silences are named in a line; of more, how many there are.
NAMED_SILENCES = 3
#: What `held` says where it says nothing.
NOTHING_HELD = (message("override.none"), message("override.no_lock"), message("override.not_frozen"))


def held_lines(words: Catalogue, readout: StatusReadout) -> Iterator[str]:
    """The same as Slack shows it."""
    return (f"{sign} {words.say(sentence)}" for sign, sentence in held(readout))


def trusted(words: Catalogue, one: Trusted) -> Message:
    """Whether changes of a knob in one direction are made without asking, or may be, with the record."""
    if not one.trials:
        return message("unasked.untried", knob=one.knob.value)
    params: dict[str, Param] = {
        "knob": one.knob.value,
        "helped": one.helped,
        "trials": one.trials,
        "chance": one.chance,
    }
    way = "up" if one.up else "down"
    if not one.named:
        return Message(f"unasked.could_{way}", {**params, "setting": one.setting})
    if one.against:
        reasons = " ".join(words.plain(reason) for reason in one.against)
        return Message(f"unasked.asks_{way}", {**params, "reason": reasons})
    return Message(f"unasked.now_{way}", params)


def unasked_lines(words: Catalogue, readout: StatusReadout) -> Iterator[str]:
    """What is done without asking, for a report; nothing where people are asked."""
    if readout.in_steps is not None:
        yield words.say(in_steps(readout.in_steps))
    done = (one for one in readout.trusted if one.named and not one.against)
    yield from (f"🤖 {words.say(trusted(words, one))}" for one in done)


def in_steps(found: InSteps) -> Message:
    """What goes on by itself, how far, as whom, and what stops it."""
    approved = found.approved
    person = approved.decision.person if approved.decision is not None else None
    return message(
        "plan.running",
        most=approved.draft.steps_to,
        until_at=iso(found.until),
        who_mention="" if person is None else person.user_id,
        proposal_id=approved.id,
    )


def lifted(still: TtlOverride | None) -> Message:
    """What holds after `/lumen override off`."""
    if still is None:
        return message("override.lifted")
    return message("override.still", ttl_seconds=still.ttl_seconds)


def unlocked(still: SizeLock | None) -> Message:
    """What holds after `/lumen unlock`."""
    return message("override.unlocked" if still is None else "override.still_locked")


def pinned_messages(words: Catalogue, pinned: PinnedTtl) -> tuple[Message, ...]:
    """To what, by whom, until when and why; and whether the value is on its way."""
    return (pinned_by(pinned.override), *_proposed(words, pinned))


def _proposed(words: Catalogue, pinned: PinnedTtl) -> tuple[Message, ...]:
    if pinned.proposed is not None:
        return (message("override.proposed", proposal_id=pinned.proposed.id),)
    if pinned.not_proposed is not None:
        return (message("override.not_proposed", reason=words.plain(pinned.not_proposed)),)
    return ()


def _paused(pause: Pause) -> Message:
    who, at, why = pause.by.user_id, iso(pause.at), quoted(pause.why)
    if pause.until is None:
        return message("views.report_paused", who_mention=who, paused_at=at, why=why)
    return message("views.report_paused_until", who_mention=who, paused_at=at, until_at=iso(pause.until), why=why)
