"""Give the keys that are cached already the new lifetime too: in paced batches, with the progress told.

Each expiry only moves in one direction, so a sweep that was cut short is simply done again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from lumen.model.proposal import Change, number
from lumen.ports.actuators import CacheKeys, Swept

#: On the wall: often enough for whoever watches the card, seldom enough for Slack.
TELL_EVERY_SECONDS = 5.0


async def retime(keys: CacheKeys, change: Change, tell: Callable[[Swept], Awaitable[None]]) -> Swept:
    """Sweep once; `tell` hears every few seconds how far it is.

    Raises ActuatorFailed (refused), SourceUnavailable (the server went away: do it again), and what `tell` raises;
    the sweep then ends between two batches.
    """
    so_far = Swept(0, 0)

    def heard(swept: Swept) -> None:
        nonlocal so_far
        so_far = swept

    sweeping = asyncio.ensure_future(keys.retime(number(change.old), number(change.new), heard, dry_run=False))
    try:
        while not (await asyncio.wait({sweeping}, timeout=TELL_EVERY_SECONDS))[0]:
            await tell(so_far)
        return sweeping.result()
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await sweeping


async def countable(keys: CacheKeys, change: Change) -> int:
    """How many keys a sweep would go through. Raises as `retime` does."""
    return (await keys.retime(number(change.old), number(change.new), _quiet, dry_run=True)).seen


def _quiet(_swept: Swept) -> None:
    """Counting is quick."""
