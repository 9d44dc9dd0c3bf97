"""A change of the TTL of which a share of the keys is spared, and what that says of its effect."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

A_DAY = timedelta(days=1)
#: Keys are held back for so long, unless a verdict ends it (service time).
HELD_FOR = timedelta(hours=72)
#: An effect fades where it has lost a quarter of itself, and 0.3 points.
FADED, FADED_POINTS = 0.25, 0.003


@dataclass(frozen=True, slots=True)
class HoldBack:
    """A change of the TTL (s) after which `permille` of 1,000 keys keep the old one until `until`."""

    old_ttl: int
    new_ttl: int
    permille: int
    changed_at: datetime
    until: datetime

    def days(self, end: datetime) -> tuple[date, ...]:
        """The kept days that a look up to `end` needs, from the day before the change on: whatever is asked for once a
        day is seen before it."""
        first = (self.changed_at - A_DAY).date()
        return tuple(first + number * A_DAY for number in range((end.date() - first).days + 1))

    def days_to_last(self, end: datetime) -> tuple[date, ...]:
        """The kept days that are needed to tell at `end` whether the effect lasts."""
        last = ((end - number * A_DAY).date() for number in range(3))
        return tuple(sorted({*self.days(self.changed_at + A_DAY + self.settles_in), *last}))

    def window(self, end: datetime) -> tuple[datetime, datetime]:
        """The time that tells: by then whatever was cached before the change is gone."""
        return self.changed_at + self.settles_in, min(end, self.until)

    @property
    def settles_in(self) -> timedelta:
        """The longest time that entries of another TTL last."""
        return timedelta(seconds=max(self.old_ttl, self.new_ttl))


@dataclass(frozen=True, slots=True)
class EffectByReplay:
    """By how much the hit rate is higher than with the old TTL, in shares (0.05: five points); `low` to `high` is its
    two-sided interval. `replayed` is what the replay alone says."""

    effect: float
    low: float
    high: float
    replayed: float


@dataclass(frozen=True, slots=True)
class Lasting:
    """By replay alone, without a control: the effect on the last 24 hours, and on the first ones (shares)."""

    effect: float
    at_first: float
    lookups: int

    @property
    def is_fading(self) -> bool:
        """Whether clearly less of the effect is left, whichever way it went."""
        gone = abs(self.at_first) - self.effect * (1 if self.at_first > 0 else -1)
        return gone > max(FADED * abs(self.at_first), FADED_POINTS)
