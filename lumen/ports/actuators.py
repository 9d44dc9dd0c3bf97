"""The knobs of the world. An actuator reads the real value, compares, sets an absolute value, and reads back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from lumen.model.messages import Message
from lumen.model.proposal import Change, Value
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class Reading:
    """The real value of a knob now. `version` counts changes of this very value ("" where the place does not count).

    An etag is no version in this sense (it moves with every other edit): the adapter that needs one reads it itself.
    """

    value: Value
    version: str


class Actuator(Protocol):
    """One place where a knob's value lives. Raises ValueMoved, ActuatorFailed; each says what and how to mend it."""

    @property
    def name(self) -> str:
        """For people and the audit: "redis", "cloud_run"."""

    async def read(self, service: ServiceId) -> Reading:
        """The real value. Raises SourceUnavailable."""

    async def set(self, service: ServiceId, change: Change, expected: Reading, proposal_id: str) -> Reading:
        """Set `change.new` if the value still is `expected`; return what was read back.

        Effectively once: a second call after a lost answer finds the new value in place and changes nothing.
        """

    async def followed(self, service: ServiceId, wanted: Reading) -> bool:
        """Whether the running service is known to use `wanted` (acknowledged, or a ready revision that serves)."""

    async def rehearse(self, service: ServiceId, change: Change, expected: Reading) -> Message:
        """Check everything that `set` would check, change nothing, and say what it would do.

        Raises what `set` would raise before it writes: ValueMoved, ActuatorFailed.
        """


class Forgetful(Protocol):
    """A place that loses what was set there when its server is flushed, restarted or failed over."""

    async def lost(self, service: ServiceId, proposal_id: str, applied_ago: timedelta) -> bool:
        """Whether what this proposal set is gone by itself; False where somebody set another value, or may have.

        `applied_ago` is on the wall. Raises SourceUnavailable.
        """


class HoldingBack(Protocol):
    """A place that can keep the old value for a share of keys (`Change.held_permille`), so that a change has a control.

    The service ends it by itself after `HELD_FOR`. Raises SourceUnavailable.
    """

    async def holds_back(self, service: ServiceId) -> bool:
        """Whether the service would do so, and its accesses are seen."""

    async def end_hold_back(self, service: ServiceId, proposal_id: str) -> bool:
        """Give the new value to all keys now; False where nothing that this proposal set is held back any more.

        Raises ActuatorFailed.
        """


@dataclass(frozen=True, slots=True)
class Swept:
    """Keys under the prefix that were `seen` so far, and how many of them were `changed`."""

    seen: int
    changed: int


#: Told after each batch; what it raises ends the sweep there.
Progress = Callable[[Swept], None]


class CacheKeys(Protocol):
    """Goes through the service's keys in bounded, paced batches. Can be cancelled between any two of them.

    Raises ActuatorFailed (refused), SourceUnavailable (the server went away in the middle: call again).
    """

    async def flush(self, progress: Progress, *, dry_run: bool) -> Swept:
        """Remove the service's cached answers, and nothing else on that server."""

    async def retime(self, old_seconds: int, new_seconds: int, progress: Progress, *, dry_run: bool) -> Swept:
        """Let keys that were written with `old_seconds` live about as long as if they had `new_seconds`."""
