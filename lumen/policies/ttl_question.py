"""What `/lumen ttl <seconds>` means: the change that it would be, or why it cannot be one."""

from dataclasses import dataclass

from lumen.model.message import Message, message
from lumen.model.proposal import Change, Knob
from lumen.policies.ttl import TtlLimits

#: Outside of these the cache table calls a TTL bad (mission 3.5).
SHORTEST_FAIR_SECONDS = 120
LONGEST_FAIR_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class TtlMeaning:
    """Exactly one of `change` and `problem` is there; `nearest_seconds` is what would be possible instead."""

    change: Change | None
    problem: Message | None
    nearest_seconds: int
    notes: tuple[Message, ...]


def meaning_of_ttl(current_seconds: int, wanted_seconds: int, limits: TtlLimits) -> TtlMeaning:
    """A person may ask for any step within the limits; what the policy would not do is only noted."""
    nearest = max(limits.min_seconds, min(limits.max_seconds, wanted_seconds))
    problem = _problem(current_seconds, wanted_seconds, nearest, limits)
    if problem is not None:
        return TtlMeaning(None, problem, nearest, ())
    return TtlMeaning(
        Change(Knob.TTL, current_seconds, wanted_seconds, "s"), None, nearest, _notes(current_seconds, wanted_seconds)
    )


def _problem(current: int, wanted: int, nearest: int, limits: TtlLimits) -> Message | None:
    if wanted != nearest:
        return message(
            "policy.ttl_out_of_range",
            wanted_seconds=wanted,
            min_seconds=limits.min_seconds,
            max_seconds=limits.max_seconds,
            nearest_seconds=nearest,
        )
    if limits.override_seconds is not None and wanted != limits.override_seconds:
        return message("policy.ttl_is_pinned", pinned_seconds=limits.override_seconds)
    if wanted == current:
        return message("policy.ttl_is_already", ttl_seconds=current)
    return None


def _notes(current: int, wanted: int) -> tuple[Message, ...]:
    step = wanted - current
    code = "policy.ttl_note_longer" if step > 0 else "policy.ttl_note_shorter"
    notes = [message(code, step_seconds=abs(step), current_seconds=current, wanted_seconds=wanted)]
    if current > 0 and wanted > 2 * current:
        notes.append(message("policy.ttl_note_more_than_doubled", factor=wanted / current))
    if not SHORTEST_FAIR_SECONDS <= wanted <= LONGEST_FAIR_SECONDS:
        notes.append(message("policy.ttl_note_outside_good", wanted_seconds=wanted))
    return tuple(notes)
