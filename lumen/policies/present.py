"""A turn's advice as it stands now: what was changed, pinned or locked since the turn is not advised once more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.messages import NoData, message
from lumen.model.override import locked_by
from lumen.model.proposal import WAS_IN_FORCE, Knob, Priority, Proposal, Value
from lumen.model.snapshot import TtlSetting
from lumen.model.turn import Recommendation, Turn
from lumen.policies.choose import Wanted, change_of
from lumen.policies.predicted import predicted
from lumen.policies.predicted_size import predicted_size
from lumen.policies.size import SizeAdvice, SizeLimits, recommend_size
from lumen.policies.ttl import Strategy, TtlLimits, pinned_ttl, recommend_ttl


@dataclass(frozen=True, slots=True)
class Present:
    """The present values and controls. `changed`: what each knob that was changed since the turn stands at."""

    ttl: TtlSetting | NoData
    changed: Mapping[Knob, Value]
    override: TtlOverride | None = None
    size_lock: SizeLock | None = None


def changed_since(turn: Turn, proposals: Iterable[Proposal]) -> dict[Knob, Value]:
    """The newest values that were applied after `turn` was measured."""
    later = [
        p for p in proposals if p.state in WAS_IN_FORCE and p.finished_at and p.finished_at > turn.snapshot.taken_at
    ]
    by_time = sorted(later, key=lambda p: p.finished_at or p.created_at)
    return {p.draft.change.knob: p.draft.change.new for p in by_time}


def present_ttl(turn: Turn, changed: Mapping[Knob, Value]) -> TtlSetting | NoData:
    """The TTL as it is known without asking the cache: as measured, or as it was applied since."""
    measured, applied = turn.snapshot.ttl, changed.get(Knob.TTL)
    if isinstance(measured, NoData) or not isinstance(applied, int) or applied == measured.value_seconds:
        return measured
    return TtlSetting(applied, measured.version + 1, applied, measured.version + 1)


def turn_now(turn: Turn, present: Present, limits: TtlLimits) -> Turn:
    """`turn` with the present TTL, and with advice that still holds."""
    changed, measured = dict(present.changed), turn.snapshot.ttl
    if not isinstance(present.ttl, NoData) and not isinstance(measured, NoData):
        is_other = present.ttl.value_seconds != measured.value_seconds  # by hand, too
        changed |= {Knob.TTL: present.ttl.value_seconds} if is_other else {}
    snapshot = replace(turn.snapshot, ttl=present.ttl)
    ttl = _ttl(replace(turn, snapshot=snapshot), present, limits, changed)
    is_pin = _strategy(ttl) == Strategy.OVERRIDE and change_of(ttl) is not None
    is_ttl = _is_of(turn.first, Knob.TTL) or (is_pin and not _is_of(turn.first, Knob.CACHE_SIZE))
    first = ttl if is_ttl else _unless_changed(turn.first, changed)
    if present.size_lock is not None and _is_of(first, Knob.CACHE_SIZE):
        first = Recommendation(None, "MAINTAIN", (locked_by(present.size_lock),), Priority.LOW)
    held = turn.held_back if first == turn.first else ()
    return replace(turn, snapshot=snapshot, ttl=ttl, wanted=first, held_back=held)


def size_now(turn: Turn, limits: SizeLimits, changed: Mapping[Knob, Value]) -> SizeAdvice | NoData:
    """The size policy on what `turn` measured, unless the size was changed since."""
    found = predicted_size(recommend_size(turn.snapshot, limits), turn.forecast)
    if isinstance(found, NoData):
        return found
    wanted = _unless_changed(found.recommendation, changed)
    if wanted is found.recommendation or isinstance(wanted, NoData):
        return found
    return SizeAdvice(wanted, 0.0, 0.0, 0.0)


def _ttl(turn: Turn, present: Present, limits: TtlLimits, changed: Mapping[Knob, Value]) -> Wanted:
    setting, override = present.ttl, present.override
    if isinstance(setting, NoData):
        return setting
    if override is not None:
        return pinned_ttl(setting.value_seconds, override.ttl_seconds)
    if _strategy(turn.ttl) == Strategy.OVERRIDE:  # the pin was lifted since
        limits = replace(limits, override_seconds=None)
        wanted = recommend_ttl(turn.snapshot, limits)
        return predicted(wanted, setting, turn.forecast, limits)
    return _unless_changed(turn.ttl, changed)


def _unless_changed(wanted: Wanted, changed: Mapping[Knob, Value]) -> Wanted:
    """A hold, where the knob was changed since: its effect is in none of the figures."""
    change = change_of(wanted)
    if change is None or change.knob not in changed:
        return wanted
    value = changed[change.knob]
    reason = message("policy.changed_since", knob=change.knob.value, value=value, unit=change.unit)
    return Recommendation(None, Strategy.HOLD, (reason,), Priority.LOW)


def _is_of(wanted: Wanted, knob: Knob) -> bool:
    change = change_of(wanted)
    return change is not None and change.knob is knob


def _strategy(wanted: Wanted) -> str:
    return "" if isinstance(wanted, NoData) else wanted.strategy
