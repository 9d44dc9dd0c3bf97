"""Whether the hourly report is posted anew, or the last one updated in place, so that the channel stays quiet."""

from datetime import datetime, timedelta

from lumen.model.assessment import CacheHealth, HealthLevel
from lumen.model.turn import Turn
from lumen.policies.choose import change_of

REPOST_AFTER = timedelta(hours=24)


def should_repost(previous: Turn | None, turn: Turn, last_posted_at: datetime | None, now: datetime) -> bool:
    """On a change of health, recommendation, data quality or of what was lost against the last turn, or after a day."""
    if previous is None or last_posted_at is None or now - last_posted_at >= REPOST_AFTER:
        return True
    return (
        _health(previous) != _health(turn)
        or change_of(previous.first) != change_of(turn.first)
        or _missing(previous) != _missing(turn)
        or any(each not in previous.drift for each in turn.drift)
    )


def _health(turn: Turn) -> tuple[HealthLevel, CacheHealth]:
    return turn.assessment.gate.health, turn.assessment.cache.health


def _missing(turn: Turn) -> frozenset[str]:
    return frozenset(missing.what for missing in turn.missing)
