"""What people have set against changes, at one moment: the one place that the TTL policy, proposals of people,
`--apply`, the drift, the emergency steps and the execution obey.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from lumen.model.errors import NotPossible
from lumen.model.message import Message, message
from lumen.model.override import locked_by, pinned_by
from lumen.model.proposal import Knob, Value
from lumen.model.watching import Pause, SizeLock, Standing, TtlOverride, pause_in_force
from lumen.policies.guard import Automation, Situation, frozen, held_by_people


@dataclass(frozen=True, slots=True)
class Locks:
    """OVERRIDE_TTL (None: not pinned) and LOCK_CACHE_SIZE."""

    ttl_seconds: int | None = None
    size: bool = False


@dataclass(frozen=True, slots=True)
class Restraint:
    """Settings and what is stored, as they are `now`. A stored override is newer than the setting, so it goes first."""

    automation: Automation
    locks: Locks
    standing: Standing
    now: datetime

    @property
    def pause(self) -> Pause | None:
        """The one that is in force."""
        return pause_in_force(self.standing.pause, self.now)

    @property
    def override(self) -> TtlOverride | None:
        """What pins the TTL now."""
        stored = self.standing.override
        if stored is not None and not self._is_over(stored.until):
            return stored
        return None if self.locks.ttl_seconds is None else TtlOverride(self.locks.ttl_seconds)

    @property
    def size_lock(self) -> SizeLock | None:
        """What locks the size now."""
        stored = self.standing.size_lock
        if stored is not None and not self._is_over(stored.until):
            return stored
        return SizeLock() if self.locks.size else None

    @property
    def frozen_until(self) -> datetime | None:
        """The end of the freeze that it is now; None outside of one."""
        return frozen(self.automation, self.now)

    def against_automation(self, *, observing: bool = True) -> tuple[Message, ...]:
        """Against anything that Lumen does by itself; `observing`: also that a new installation only watches, which
        what a person has approved is not held back by (mission 2)."""
        pause = self.standing.pause
        situation = Situation(paused=pause is not None, paused_until=pause.until if pause else None)
        automation = self.automation if observing else replace(self.automation, observe_until=None)
        return held_by_people(automation, situation, self.now)

    def against(self, knob: Knob, wanted: Value, *, emergency: bool = False) -> NotPossible | None:
        """Against this change, whoever wants it. A freeze stops all but an `emergency` step that a person takes."""
        until = self.frozen_until
        if until is not None and not emergency:
            return NotPossible(
                message("policy.held_frozen", until_at=until.isoformat()), message("restraint.frozen_remedy")
            )
        override, lock = self.override, self.size_lock
        if knob is Knob.TTL and override is not None and wanted != override.ttl_seconds:
            remedy = message("apply.pinned_remedy" if override.by is None else "restraint.override_remedy")
            return NotPossible(pinned_by(override), remedy)
        if knob is Knob.CACHE_SIZE and lock is not None:
            remedy = message("apply.locked_remedy" if lock.by is None else "restraint.lock_remedy")
            return NotPossible(locked_by(lock), remedy)
        return None

    def _is_over(self, until: datetime | None) -> bool:
        return until is not None and until <= self.now
