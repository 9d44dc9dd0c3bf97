"""Change freezes: spans of time, and spans of every week, in which nothing is proposed or applied.

As people write them: `2026-12-20T00:00Z/2027-01-02T00:00Z` (any offset), `Fri 16:00/Mon 08:00` (every week, in the
zone that is given); several are separated by commas.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from lumen.model.snapshot import Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WeeklyFreeze:
    """From a day (0 Monday) and time to another, every week, on the clocks of `zone`. Start and end differ."""

    start_day: int
    start_time: time
    end_day: int
    end_time: time
    zone: tzinfo

    def end_at(self, now: datetime) -> datetime | None:
        """The end (UTC) of the freeze that `now` lies in; None outside of it."""
        here = now.astimezone(self.zone)
        for weeks_ago in (0, 1):
            monday = here.date() - timedelta(days=here.weekday()) - weeks_ago * _WEEK
            start = self._at(monday + timedelta(days=self.start_day), self.start_time)
            later = (self.end_day, self.end_time) <= (self.start_day, self.start_time)
            end = self._at(monday + timedelta(days=self.end_day) + (_WEEK if later else timedelta()), self.end_time)
            if start <= now < end:
                return end
        return None

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Freezes:
    """The setting FREEZE."""

    windows: tuple[Window, ...] = ()
    weekly: tuple[WeeklyFreeze, ...] = ()


def frozen_until(windows: Iterable[Window], weekly: Iterable[WeeklyFreeze], now: datetime) -> datetime | None:
    """The end of the last of the freezes that `now` lies in; None where nothing is frozen."""
    ends = [window.end for window in windows if window.start <= now < window.end]
    ends += [end for end in (each.end_at(now) for each in weekly) if end is not None]
    return max(ends, default=None)


def parse_freezes(text: str, zone: tzinfo) -> Freezes:
    """Raises ValueError, which names the part and says how to write it."""
    windows: list[Window] = []
    weekly: list[WeeklyFreeze] = []
    for part in (each.strip() for each in text.split(",")):
        if not part:
            continue
        sides = [side.strip() for side in part.split("/")]
        if len(sides) != 2:
            raise ValueError(f"{part}: give start/end, e.g. 2026-12-20T00:00Z/2027-01-02T00:00Z or Fri 16:00/Mon 08:00")
        if sides[0][:3].lower() in DAYS:
            weekly.append(_weekly(part, sides, zone))
        else:
            windows.append(_window(part, sides))
    return Freezes(tuple(windows), tuple(weekly))


def _window(part: str, sides: Sequence[str]) -> Window:
    try:
        start, end = (datetime.fromisoformat(side) for side in sides)
    except ValueError as error:
        raise ValueError(f"{part}: give two instants, e.g. 2026-12-20T00:00Z/2027-01-02T00:00Z") from error
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError(f"{part}: give the time zone too, e.g. 2026-12-20T00:00Z or 2026-12-20T00:00+09:00")
    if not start < end:
        raise ValueError(f"{part}: the end must come after the start")
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def _weekly(part: str, sides: Sequence[str], zone: tzinfo) -> WeeklyFreeze:
    found: list[tuple[int, time]] = []
    for side in sides:
        day, _, clock = side.partition(" ")
        try:
            found.append((DAYS.index(day.lower()), time.fromisoformat(clock.strip())))
        except ValueError as error:
            raise ValueError(f"{part}: give day and time twice, e.g. Fri 16:00/Mon 08:00 (Mon to Sun)") from error
        if found[-1][1].tzinfo is not None:
            raise ValueError(f"{part}: a weekly freeze goes by DIGEST_TIMEZONE: leave the offset out")
    if found[0] == found[1]:
        raise ValueError(f"{part}: the end must be another moment than the start")
    return WeeklyFreeze(*found[0], *found[1], zone)
