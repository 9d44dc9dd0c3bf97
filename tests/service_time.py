"""At what hour of service time tests take place: demand has a daily and a weekly curve, tests have not."""

from datetime import UTC, datetime, timedelta

WEDNESDAY = 2
QUIET_HOUR = 1


def origin_of_a_quiet_hour(scale: float) -> str:
    """The origin (ISO 8601) of a clock that runs `scale` times as fast and shows Wednesday, 01:00 UTC, now.

    A day of service time begins with other questions, and so with a cold cache: no test comes near midnight.
    """
    now = datetime.now(UTC)
    shown = now.replace(hour=QUIET_HOUR, minute=0, second=0, microsecond=0) + timedelta(
        days=(WEDNESDAY - now.weekday()) % 7
    )
    if shown < now:
        shown += timedelta(days=7)
    return (now - (shown - now) / (scale - 1)).isoformat()


def began(now: datetime) -> datetime:
    """When the world whose clock shows `now` began to live: what lies before was written at once, and is whole."""
    return now.replace(hour=QUIET_HOUR, minute=0, second=0, microsecond=0)
