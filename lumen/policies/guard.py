"""Restrictions on changes: what people set (pause, freeze, pin, lock), and what holds automation back.

`Restraint` is what people have set at one moment: proposals of people, `--apply`, the drift, the emergency steps and
the execution all obey it. `held_back` is about Lumen's own proposals alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.model.assessment import Assessment
from lumen.model.incident import ControlState, Pause, SizeLock, TtlOverride, pause_in_force
from lumen.model.messages import Message, NoData, NotPossible, message
from lumen.model.override import locked_by, pinned_by
from lumen.model.proposal import Knob, Value
from lumen.model.snapshot import SLICE, Deployment, Snapshot, TtlSetting, Window
from lumen.policies.freezes import WeeklyFreeze, frozen_until

#: A window normally ends four minutes ago; anything older than this is a stale picture.
STALE_AFTER = timedelta(minutes=15)
#: The window must have this share of its slices.
LEAST_SLICES_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Automation:
    """Settings of what Lumen may do of its own, and when."""

    #: DISABLE_AUTO_OPTIMIZATION.
    disabled: bool = False
    #: DRY_RUN: whatever is decided, nothing is changed (lumen/use_cases/acting.py).
    dry_run: bool = False
    #: OBSERVE_ONLY: a new installation only watches until then.
    observe_until: datetime | None = None
    #: FREEZE.
    freezes: tuple[Window, ...] = ()
    weekly_freezes: tuple[WeeklyFreeze, ...] = ()
    #: After a change of the knob: its effect is still being measured.
    cooldown: timedelta = timedelta(hours=24)
    #: After a step was taken back: what did harm once is not tried again at once.
    after_undo: timedelta = timedelta(days=14)
    #: After somebody said no: who is asked the same every day stops reading.
    after_rejection: timedelta = timedelta(days=7)
    #: After a step was measured to the end and its effect could not be told from none: the next one does no more.
    after_no_effect: timedelta = timedelta(days=14)
    #: After a deployment: its effect and that of a change could not be told apart.
    after_deployment: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Situation:
    """The circumstances of a proposal. Every default speaks for it."""

    paused: bool = False
    #: None with `paused` means until somebody resumes.
    paused_until: datetime | None = None
    #: When the knob was last changed, by anybody.
    last_change_at: datetime | None = None
    #: An earlier change of any knob has no verdict yet: one experiment at a time, or no effect can be told apart.
    measuring: bool = False
    #: When a change of this knob in this direction was last taken back.
    taken_back_at: datetime | None = None
    #: When such a one was last measured to do harm, and stayed all the same.
    harmed_at: datetime | None = None
    #: When one was last rejected.
    rejected_at: datetime | None = None
    #: When one was last measured to the end without a clear effect.
    no_effect_at: datetime | None = None
    #: The id of a proposal of any knob that is not finished.
    open_proposal: str | None = None
    #: The name of an open page.
    page_open: str | None = None
    #: When the newest image took traffic.
    last_deployment_at: datetime | None = None


def held_back(
    snapshot: Snapshot, assessment: Assessment, automation: Automation, situation: Situation, now: datetime
) -> tuple[Message, ...]:
    """All reasons against a proposal of Lumen's own now; empty: it may be made."""
    return (
        *_by_people(automation, situation, now),
        *_by_data(snapshot, assessment, now),
        *_by_events(automation, situation, now),
        *_by_deployment(automation, snapshot.deployment),
        *_by_service(snapshot.ttl),
    )


def frozen(automation: Automation, now: datetime) -> datetime | None:
    """Until when changes are frozen; None where they are not."""
    return frozen_until(automation.freezes, automation.weekly_freezes, now)


def _by_people(automation: Automation, situation: Situation, now: datetime) -> Iterator[Message]:
    if automation.disabled:
        yield message("policy.held_disabled")
    if situation.paused and situation.paused_until is None:
        yield message("policy.held_paused")
    elif situation.paused and situation.paused_until is not None and now < situation.paused_until:
        yield message("policy.held_paused_until", until_at=situation.paused_until.isoformat())
    if automation.observe_until is not None and now < automation.observe_until:
        yield message("policy.held_observing", until_at=automation.observe_until.isoformat())
    until = frozen(automation, now)
    if until is not None:
        yield message("policy.held_frozen", until_at=until.isoformat())


def _by_data(snapshot: Snapshot, assessment: Assessment, now: datetime) -> Iterator[Message]:
    if now - snapshot.window.end > STALE_AFTER:
        yield message("policy.held_stale", end_at=snapshot.window.end.isoformat())
    for part in (snapshot.traffic, snapshot.cache, snapshot.ttl):
        if isinstance(part, NoData):
            yield part.reason
    if not isinstance(snapshot.traffic, NoData):
        bounds = snapshot.traffic.bounds
        if not (bounds.is_judged and bounds.is_counted):
            yield message("policy.held_in_doubt", least=bounds.least_requests, most=bounds.most_requests)
        seen, wanted = len(snapshot.traffic.slices), snapshot.window.slices
        if seen < LEAST_SLICES_SHARE * wanted:
            minutes = round(SLICE / timedelta(minutes=1))
            yield message("policy.held_gaps", slices=seen, wanted=wanted, minutes=minutes)
    if assessment.gate.partial:
        yield message("policy.held_partial", coverage=assessment.gate.score.coverage)


def _by_events(automation: Automation, situation: Situation, now: datetime) -> Iterator[Message]:
    if situation.page_open is not None:
        yield message("policy.held_page", page=situation.page_open)
    if situation.open_proposal is not None:
        yield message("policy.held_open_proposal", proposal=situation.open_proposal)
    changed, deployed = situation.last_change_at, situation.last_deployment_at
    if changed is not None and now - changed < automation.cooldown:
        yield message("policy.held_cooldown", until_at=(changed + automation.cooldown).isoformat())
    elif situation.measuring:
        yield message("policy.held_measuring")
    yield from _by_experience(automation, situation, now)
    if deployed is not None and now - deployed < automation.after_deployment:
        yield message("policy.held_deployed", until_at=(deployed + automation.after_deployment).isoformat())


def _by_deployment(automation: Automation, deployment: Deployment | NoData) -> Iterator[Message]:
    # Where nobody knows when the last one was, it may have been a minute ago.
    if automation.after_deployment and isinstance(deployment, NoData):
        yield deployment.reason


def _by_experience(automation: Automation, situation: Situation, now: datetime) -> Iterator[Message]:
    back, harmed = situation.taken_back_at, situation.harmed_at
    if back is not None and now - back < automation.after_undo:
        until = back + automation.after_undo
        yield message("policy.held_taken_back", back_at=back.isoformat(), until_at=until.isoformat())
    elif harmed is not None and now - harmed < automation.after_undo:
        until = harmed + automation.after_undo
        yield message("policy.held_harmed", harmed_at=harmed.isoformat(), until_at=until.isoformat())
    rejected = situation.rejected_at
    if rejected is not None and now - rejected < automation.after_rejection:
        until = rejected + automation.after_rejection
        yield message("policy.held_rejected", rejected_at=rejected.isoformat(), until_at=until.isoformat())
    unclear = situation.no_effect_at
    if unclear is not None and now - unclear < automation.after_no_effect:
        until = unclear + automation.after_no_effect
        yield message("policy.held_no_effect", measured_at=unclear.isoformat(), until_at=until.isoformat())


def _by_service(ttl: TtlSetting | NoData) -> Iterator[Message]:
    # An acknowledgement of something else means that the service has not taken over the last change.
    if not isinstance(ttl, NoData) and ttl.acknowledged_version is not None and not ttl.followed:
        yield message("policy.held_not_followed", ttl_seconds=ttl.value_seconds)


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
    controls: ControlState
    now: datetime

    @property
    def pause(self) -> Pause | None:
        """The one that is in force."""
        return pause_in_force(self.controls.pause, self.now)

    @property
    def override(self) -> TtlOverride | None:
        """The pin of the TTL that is in force: what people stored, else the setting."""
        stored = self.controls.override
        if stored is not None and not self._is_over(stored.until):
            return stored
        return None if self.locks.ttl_seconds is None else TtlOverride(self.locks.ttl_seconds)

    @property
    def size_lock(self) -> SizeLock | None:
        """The lock of the size that is in force: what people stored, else the setting."""
        stored = self.controls.size_lock
        if stored is not None and not self._is_over(stored.until):
            return stored
        return SizeLock() if self.locks.size else None

    @property
    def frozen_until(self) -> datetime | None:
        """The end of the freeze that it is now; None outside of one."""
        return frozen(self.automation, self.now)

    @property
    def observing_until(self) -> datetime | None:
        """The end of OBSERVE_ONLY; None once it is over."""
        until = self.automation.observe_until
        return until if until is not None and self.now < until else None

    def against_automation(self, *, observing: bool = True) -> tuple[Message, ...]:
        """Against anything that Lumen does by itself; `observing`: also that a new installation only watches, which
        does not hold back what a person has approved."""
        pause = self.controls.pause
        situation = Situation(paused=pause is not None, paused_until=pause.until if pause else None)
        automation = self.automation if observing else replace(self.automation, observe_until=None)
        return tuple(_by_people(automation, situation, self.now))

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
