"""When people are reminded that something ends by itself: once, while there is still time to do something."""

from datetime import datetime, timedelta

#: A tenth of how long it lasts before its end, and at most a day before.
SHARE = 0.1
LONGEST = timedelta(days=1)
#: What lasts no longer than this was set a moment ago: nobody has forgotten it.
TOO_SHORT = timedelta(minutes=30)


def remind_at(began: datetime, ends: datetime) -> datetime | None:
    """None for what is too short."""
    lasts = ends - began
    return None if lasts <= TOO_SHORT else ends - min(LONGEST, SHARE * lasts)
