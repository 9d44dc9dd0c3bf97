"""What people have set against changes: settings and what is stored, one truth table."""

from datetime import timedelta

import pytest

from lumen.model.incident import ControlState, Pause, SizeLock, TtlOverride
from lumen.model.proposal import LATEST, Knob, Value
from lumen.model.service import Person
from lumen.model.snapshot import Window
from lumen.policies.guard import Automation, Locks, Restraint
from tests.snapshots import NOW

HOUR = timedelta(hours=1)
KIM = Person("U1", "Kim", "T1")
FROZEN = Automation(freezes=(Window(NOW - HOUR, NOW + HOUR),))
STORED = TtlOverride(600, KIM, NOW - HOUR)
LOCKED = SizeLock(KIM, NOW - HOUR, NOW + HOUR, "migration")


def restraint(
    automation: Automation | None = None, locks: Locks | None = None, controls: ControlState | None = None
) -> Restraint:
    return Restraint(automation or Automation(), locks or Locks(), controls or ControlState(), NOW)


@pytest.mark.parametrize(
    ("locks", "stored", "pinned"),
    [
        (Locks(), None, None),
        (Locks(300), None, 300),
        (Locks(300), STORED, 600),
        (Locks(), STORED, 600),
        (Locks(), TtlOverride(600, KIM, NOW - HOUR, NOW + HOUR), 600),
        (Locks(), TtlOverride(600, KIM, NOW - HOUR, NOW), None),
        (Locks(300), TtlOverride(600, KIM, NOW - HOUR, NOW), 300),
    ],
)
def test_what_pins_the_ttl(locks: Locks, stored: TtlOverride | None, pinned: int | None) -> None:
    found = restraint(locks=locks, controls=ControlState(override=stored)).override
    assert (found.ttl_seconds if found else None) == pinned


@pytest.mark.parametrize(
    ("locks", "stored", "locked"),
    [
        (Locks(), None, False),
        (Locks(size=True), None, True),
        (Locks(), LOCKED, True),
        (Locks(), SizeLock(KIM, NOW - HOUR, NOW), False),
        (Locks(size=True), SizeLock(KIM, NOW - HOUR, NOW), True),
    ],
)
def test_what_locks_the_size(locks: Locks, stored: SizeLock | None, locked: bool) -> None:
    assert (restraint(locks=locks, controls=ControlState(size_lock=stored)).size_lock is not None) is locked


PINNED = restraint(controls=ControlState(override=STORED))
BY_SETTING = restraint(locks=Locks(600, size=True))
KEPT = restraint(controls=ControlState(size_lock=LOCKED))
IN_FREEZE = restraint(FROZEN, controls=ControlState(override=STORED))
STOPPED = restraint(
    Automation(disabled=True, observe_until=NOW + HOUR), controls=ControlState(pause=Pause(KIM, NOW, None))
)


@pytest.mark.parametrize(
    ("held", "knob", "wanted", "emergency", "code"),
    [
        (restraint(), Knob.TTL, 420, False, None),
        (PINNED, Knob.TTL, 420, False, "restraint.pinned"),
        (PINNED, Knob.TTL, 420, True, "restraint.pinned"),
        (PINNED, Knob.TTL, 600, False, None),
        (PINNED, Knob.CACHE_SIZE, 384, False, None),
        (BY_SETTING, Knob.TTL, 420, False, "restraint.pinned_by_setting"),
        (BY_SETTING, Knob.CACHE_SIZE, 384, True, "restraint.locked_by_setting"),
        (KEPT, Knob.CACHE_SIZE, 384, False, "restraint.locked_until"),
        (KEPT, Knob.TTL, 420, False, None),
        (KEPT, Knob.MEMORY, 1024, False, None),
        (IN_FREEZE, Knob.TRAFFIC, LATEST, False, "policy.held_frozen"),
        (IN_FREEZE, Knob.TRAFFIC, "r1", True, None),
        (IN_FREEZE, Knob.TTL, 600, False, "policy.held_frozen"),
        (IN_FREEZE, Knob.TTL, 600, True, None),
        (IN_FREEZE, Knob.TTL, 300, True, "restraint.pinned"),
        # What people approve is done although automation is stopped.
        (STOPPED, Knob.TTL, 420, False, None),
    ],
)
def test_what_is_held_whoever_wants_it(
    held: Restraint, knob: Knob, wanted: Value, emergency: bool, code: str | None
) -> None:
    against = held.against(knob, wanted, emergency=emergency)
    assert (against.reason.code if against else None) == code


def test_what_holds_automation() -> None:
    def codes(held: Restraint, *, observing: bool) -> list[str]:
        return [reason.code for reason in held.against_automation(observing=observing)]

    assert codes(STOPPED, observing=True) == ["policy.held_disabled", "policy.held_paused", "policy.held_observing"]
    assert codes(STOPPED, observing=False) == ["policy.held_disabled", "policy.held_paused"]
    assert codes(IN_FREEZE, observing=True) == ["policy.held_frozen"]
    over = ControlState(pause=Pause(KIM, NOW - HOUR, NOW))
    assert codes(restraint(controls=over), observing=True) == []
    assert restraint(controls=over).pause is None
