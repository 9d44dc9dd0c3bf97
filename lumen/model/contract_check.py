"""Observations of `lumen contract check` on a running service."""

from collections.abc import Sequence
from dataclasses import dataclass

from lumen.model.accesses import ALL_KEYS, Batch, Malformed


@dataclass(frozen=True, slots=True)
class TestSetting:
    """The setting that the service was given: a TTL, the one before it, its version, the share held back, and the
    limit below which upper hash bits are reported."""

    __test__ = False  # no test of pytest's

    value_seconds: int
    old_seconds: int
    version: int
    permille: int
    below: int = ALL_KEYS


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The hash of an acknowledgement as text; `contract` "" in version 1."""

    value: str
    version: str
    contract: str


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Of a key that was just written: its TTL in seconds lies between these; None: it never expires."""

    least: float | None
    most: float | None

    def may_be(self, seconds: int) -> bool:
        """Whether it was written with this TTL. A second is lost to rounding."""
        return self.least is not None and self.most is not None and self.least - 1 <= seconds <= self.most + 1


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything of one check. `own` and `shared`: acknowledgements that came after the setting was written."""

    setting: TestSetting
    waited_seconds: float
    own: Acknowledged | None
    shared: Acknowledged | None
    lifetimes: Sequence[Lifetime]
    #: In the order in which they came.
    batches: Sequence[Batch | Malformed]
    #: By how much the newest batch's beginning is ahead of the clock that counts, in seconds.
    ahead_seconds: float = 0.0
