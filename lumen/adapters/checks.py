"""Checks and sentences that adapters share, whomever they speak to."""

from lumen.model.messages import (
    ActuatorFailed,
    Message,
    NoData,
    SourceUnavailable,
    Unreachable,
    ValueMoved,
    message,
    with_remedy,
)
from lumen.model.proposal import Change
from lumen.ports.actuators import Reading


def check_moved(present: int, change: Change, expected: Reading) -> None:
    """Raise ValueMoved unless `present` is the premise, or already what is wanted."""
    if present not in (expected.value, change.new):
        raise ValueMoved(*with_remedy("actuator.moved", expected=expected.value, present=present, unit=change.unit))


def check_room(wanted_mb: int, used_mb: float) -> None:
    """Raise ActuatorFailed for a memory limit (0: none) below what is used."""
    if 0 < wanted_mb < used_mb:
        raise ActuatorFailed(*with_remedy("actuator.below_used", wanted_mb=wanted_mb, used_mb=used_mb))


def would(place: str, change: Change, *, anything: bool) -> Message:
    """The sentence of a dry run: what `set` would do at `place`."""
    if not anything:
        return message("actuator.would_nothing", place=place, new=change.new, unit=change.unit)
    return message("actuator.would", place=place, old=change.old, new=change.new, unit=change.unit)


def no_data(error: SourceUnavailable) -> NoData:
    """The same sentence where a measurement would stand."""
    return NoData(error.reason, error.remedy, isinstance(error, Unreachable))
