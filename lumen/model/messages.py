"""Messages as codes with parameters, the errors that carry them, and NoData, which stands for a missing measurement.

The words are in `lumen/wording/texts`. An adapter wraps its vendor's error in a LumenError and chains it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

#: A message inside another one is said in the same language, as part of its sentence.
Param = Union[str, int, float, "Message"]


@dataclass(frozen=True, slots=True)
class Message:
    """A code of the message catalogue with the values that its template names.

    Names carry units (`ttl_seconds`, `hit_rate`). A name that ends in `_at` holds an instant as ISO 8601 in UTC,
    which the edge shows in the reader's zone.
    """

    code: str
    params: Mapping[str, Param]

    def as_data(self) -> Mapping[str, object]:
        """As JSON takes it, for the audit."""
        return {"code": self.code, "params": dict(self.params)}


def message(code: str, /, **params: Param) -> Message:
    """Build a `Message`; reads well where it is used: `message("cache.unreachable", host=host)`."""
    return Message(code, params)


def with_remedy(code: str, /, **params: Param) -> tuple[Message, Message]:
    """A reason, and the remedy `<code>_remedy` with the same values: `NoData(*with_remedy("source.no_budget"))`."""
    return Message(code, params), Message(f"{code}_remedy", params)


class LumenError(Exception):
    """A failure with one clear sentence for people: what happened, where, and how to mend it."""

    def __init__(self, reason: Message, remedy: Message) -> None:
        super().__init__(reason.code, dict(reason.params))
        self.reason = reason
        self.remedy = remedy


class SourceUnavailable(LumenError):
    """A measurement could not be read (server down, permission denied, series absent)."""


class Unreachable(SourceUnavailable):
    """A server did not answer at all; whoever asks it again at once waits as long again."""


class ActuatorFailed(LumenError):
    """A change was refused or failed; the real value must be read before anything else is believed."""


class ValueMoved(LumenError):
    """Compare-and-set lost: the value is no longer what the proposal was made for. Nothing was changed."""


class StoreUnavailable(LumenError):
    """The state store cannot be used (unreachable, wrong epoch, wrong durability). Nothing was decided."""


class NotPrepared(StoreUnavailable):
    """The store knows nothing of one service, which nobody takes for "no proposals"; the others are served."""


class OtherSchema(StoreUnavailable):
    """Another version of Lumen has given the store its layout; this one can never use it."""


class OutcomeUnknown(LumenError):
    """A transition was sent and no answer came: it may or may not have happened. Settle it by its click id."""


class LeaseLost(LumenError):
    """The fencing token is no longer the newest: someone else holds the lease, and this holder must stop."""


class SomeFailed(LumenError):
    """Work on several services failed for some, by name; the others had their turn. It says what the first one said."""

    def __init__(self, failures: Mapping[str, Exception]) -> None:
        first = next((error for error in failures.values() if isinstance(error, LumenError)), None)
        kinds = ", ".join(sorted({type(error).__name__ for error in failures.values()}))
        told = with_remedy("state.some_failed", services=", ".join(failures), kinds=kinds)
        super().__init__(*(told if first is None else (first.reason, first.remedy)))
        self.failures = failures


class NotPossible(LumenError):
    """A request that cannot be done (out of range, unknown id, locked); the remedy says what can."""


class NotPermitted(NotPossible):
    """This person may not do what they asked for; says who may."""


class NotVerified(NotPermitted):
    """Nobody knows who asks: what says so is missing, forged, or has run out."""


class PagerUnavailable(LumenError):
    """A pager outside of Slack did not take a call now; the same call may be made again later."""

    def __init__(self, reason: Message, remedy: Message, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason, remedy)
        #: How long the pager asked us to wait, on the wall; 0 where it did not say.
        self.retry_after_seconds = retry_after_seconds


class PagerRefused(LumenError):
    """A pager outside of Slack will never take this call: its address, its key or its format is wrong."""


@dataclass(frozen=True, slots=True)
class NoData:
    """Stands where a measurement would stand. Nothing automatic is ever done on it.

    `unreachable`: the measured thing itself did not answer (a dead Redis), not merely its measurement.
    `known_absent`: nothing is missing, for it is known that there is nothing to measure (no limit is set, nothing was
    deployed).
    """

    reason: Message
    remedy: Message
    unreachable: bool = False
    known_absent: bool = False
