"""APScheduler only wakes (decision 1): which slots are due is told by the Clock, and who takes one by the store."""

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

#: Of service time. A slot is taken up at most this late.
WAKE_EVERY_SECONDS = 60.0


def start_scheduler(wake: Callable[[], Awaitable[None]], scale: float) -> AsyncIOScheduler:
    """Call `wake` once a minute of service time, never twice at once; the caller shuts the scheduler down."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(
        wake,
        IntervalTrigger(seconds=WAKE_EVERY_SECONDS / scale),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    scheduler.start()
    return scheduler
