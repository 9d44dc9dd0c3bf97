"""The outbox worker: what Slack shows converges to what is stored, one message per surface, in order, nothing lost.

One worker per service at a time (a lease). It reads which surfaces are behind, renders them from what is stored at
that moment, and posts or edits. A message that may have been posted is looked up before it is posted again.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from handlers.blocks.card import Shown, illustrated
from handlers.pictures import Pictures
from handlers.poster import DuplicateSweeper, Poster
from handlers.web_api import (
    RATE_LIMITED,
    CannotUpdate,
    NoAnswer,
    SlackRefused,
    SlackTrouble,
    Unreachable,
    guarded,
)
from lumen.model.messages import LumenError
from lumen.model.service import ServiceId
from lumen.ports.store import Dirty, Lease, Leases, Outbox, Surface

_log = structlog.get_logger(__name__)

LEASE_NAME = "outbox"
#: On the wall. A worker that died is replaced within this; one that lives renews it three times as often.
LEASE = timedelta(seconds=6)
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LONGEST_SECONDS = 30.0
#: After so many failures (about two minutes) a message is posted without its picture.
PICTURE_TRIES = 6


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the wall."""

    poll: float = 1.0
    #: A post without an answer may still be on its way: it is looked for so much later, each time afresh.
    look_after: Sequence[float] = (0.5, 2.0, 5.0)
    #: Slack may carry it out later still, when it has been posted again: the later one of the two is deleted then. It
    #: is looked for so long after the answer was given up.
    duplicates_after: Sequence[float] = (15.0, 60.0, 180.0, 600.0, 1800.0)


class Renderer(Protocol):
    """A Protocol, so that tests of the worker may render texts of their own (handlers.render is the real one)."""

    async def render(self, surface: Surface) -> Shown | None:
        """None: there is nothing to show any more. Raises LumenError when the store does not tell."""

    def replaced(self, shown: Shown, old_link: str | None) -> Shown:
        """`shown`, which says that it stands for an earlier message."""


class OutboxWorker:
    """Serves all of `services` in one channel; `run` ends only when it is cancelled."""

    def __init__(
        self,
        services: Sequence[ServiceId],
        outbox: Outbox,
        leases: Leases,
        renderer: Renderer,
        pictures: Pictures,
        poster: Poster,
        channel: str,
        timing: Timing = Timing(),
    ) -> None:
        self._services = services
        self._outbox = outbox
        self._leases = leases
        self._renderer = renderer
        self._pictures = pictures
        self._poster = poster
        self._channel = channel
        self._timing = timing
        self._kicked = asyncio.Event()
        self._duplicates = DuplicateSweeper(outbox, poster, timing.duplicates_after)
        self._parked: dict[Surface, _Parked] = {}
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Slack's last error while something is behind, or empty: for /readyz, metrics and doctor."""
        return self._trouble

    def kick(self) -> None:
        """Something was marked: look now rather than at the next poll."""
        self._kicked.set()

    async def run(self) -> None:
        """Serve every service at once; a slow one holds up no other."""
        async with asyncio.TaskGroup() as group:
            for service in self._services:
                group.create_task(self._serve(service))

    async def _serve(self, service: ServiceId) -> None:
        failures = 0
        while True:
            try:
                await self._while_ours(service)
                failures = 0
            except (LumenError, SlackTrouble) as error:
                # Where Slack says itself when to come back, the poster keeps to that.
                failures += 0 if str(error) == RATE_LIMITED else 1
                self._trouble = str(error)
                _log.warning("outbox_waits", service=service.key, kind=type(error).__name__, error=str(error))
            except Exception as error:
                # Something unforeseen must not end the bot: what is behind stays behind, and is tried again.
                failures += 1
                self._trouble = type(error).__name__
                _log.exception("outbox_broke", service=service.key)
            await asyncio.sleep(backoff_seconds(failures) if failures else self._timing.poll)

    async def _while_ours(self, service: ServiceId) -> None:
        """Returns at once while another replica is the worker. Raises what stops the work."""
        lease = await self._leases.acquire(service, LEASE_NAME, LEASE)
        if lease is None:
            return
        touched: set[Surface] = set()
        working = asyncio.create_task(self._work(service, touched))
        renewing = asyncio.create_task(self._renew(service, lease))
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                await _cancelled(working)
                await self._mark_again(touched)
                renewing.result()
            working.result()
        finally:
            await _cancelled(working, renewing)
            with guarded("outbox_lease_runs_out", service=service.key):
                await self._leases.release(service, lease)

    async def _renew(self, service: ServiceId, lease: Lease) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            await self._leases.renew(service, lease, LEASE)

    async def _mark_again(self, touched: set[Surface]) -> None:
        """A worker that was paused beyond its lease may have written an old state over a newer one: show both again."""
        for surface in touched:
            await self._outbox.mark(surface)

    async def _work(self, service: ServiceId, touched: set[Surface]) -> None:
        while True:
            self._kicked.clear()
            behind = await self._outbox.dirty(service)
            for dirty in behind:
                await self._show_or_park(dirty, touched)
            if not behind:
                self._trouble = ""
            await self._duplicates.look(service)
            try:
                async with asyncio.timeout(self._timing.poll):
                    await self._kicked.wait()
            except TimeoutError:
                continue

    async def _show_or_park(self, dirty: Dirty, touched: set[Surface]) -> None:
        """Set aside with a growing pause what Slack refuses, so that it holds up nothing else."""
        parked = self._parked.get(dirty.surface)
        if parked is not None and time.monotonic() < parked.until and parked.version == dirty.version:
            return
        touched.clear()
        touched.add(dirty.surface)
        try:
            await self._show(dirty, parked.failures if parked else 0)
            self._parked.pop(dirty.surface, None)
        except (SlackRefused, CannotUpdate) as error:
            self._park(dirty, parked, error.error)
        except (LumenError, SlackTrouble):
            # Nothing goes through now: that says nothing against the message or its picture.
            self._parked.pop(dirty.surface, None)
            raise
        except Exception as error:
            # A card that cannot be drawn must not keep the others from being shown.
            _log.exception("surface_failed", surface=_tag(dirty.surface))
            self._park(dirty, parked, type(error).__name__)

    def _park(self, dirty: Dirty, before: "_Parked | None", error: str) -> None:
        failures = before.failures + 1 if before else 1
        self._parked[dirty.surface] = _Parked(dirty.version, failures, time.monotonic() + backoff_seconds(failures + 3))
        self._trouble = error
        _log.error("surface_parked", surface=_tag(dirty.surface), error=error, failures=failures)

    async def _show(self, dirty: Dirty, failures: int) -> None:
        shown = await self._renderer.render(dirty.surface)
        if shown is None:
            await self._outbox.shown(dirty, dirty.channel, dirty.ts)
            return
        shown = await self._illustrated(shown, failures)
        if dirty.ts:
            await self._update(dirty, shown)
        else:
            await self._post(dirty, shown)

    async def _illustrated(self, shown: Shown, failures: int) -> Shown:
        """A picture that cannot be brought to Slack now sets its own message aside, and holds up no other."""
        if failures >= PICTURE_TRIES:
            return illustrated(shown, None)
        try:
            return await self._pictures.into(shown)
        except (Unreachable, NoAnswer) as error:
            raise SlackRefused(error.error) from error

    async def _update(self, dirty: Dirty, shown: Shown) -> None:
        try:
            await self._poster.update(dirty.channel, dirty.ts, shown, _tag(dirty.surface))
        except CannotUpdate:
            link = await self._poster.permalink(dirty.channel, dirty.ts)
            await self._post(dirty, self._renderer.replaced(shown, link))
            return
        await self._outbox.shown(dirty, dirty.channel, dirty.ts)

    async def _post(self, dirty: Dirty, shown: Shown) -> None:
        """An earlier process may have posted it and died before it could say so: look first, every time."""
        tag = _tag(dirty.surface)
        thread_ts = await self._thread(shown)
        found = await self._look(tag, dirty.ts, thread_ts)
        if found is None:
            try:
                channel, ts = await self._poster.post(self._channel, shown, tag, thread_ts)
            except NoAnswer:
                found = await self._look_later(tag, dirty.ts, thread_ts)
                if found is None:
                    self._duplicates.expect(dirty.surface, tag, thread_ts)
                    raise
            else:
                await self._outbox.shown(dirty, channel, ts)
                return
        # It shows what was stored when it was posted, which may be older by now.
        await self._poster.update(self._channel, found, shown, tag)
        await self._outbox.shown(dirty, self._channel, found)

    async def _thread(self, shown: Shown) -> str:
        """The ts of the message under which it stands, or empty. Raises SlackRefused until that one is posted."""
        if shown.under is None:
            return ""
        _, ts = await self._outbox.where(shown.under) or ("", "")
        if not ts:
            raise SlackRefused("the message above it is not posted yet")
        return ts

    async def _look_later(self, tag: str, not_ts: str, thread_ts: str) -> str | None:
        for wait_seconds in self._timing.look_after:
            await asyncio.sleep(wait_seconds)
            found = await self._look(tag, not_ts, thread_ts)
            if found is not None:
                return found
        return None

    async def _look(self, tag: str, not_ts: str, thread_ts: str) -> str | None:
        try:
            return await self._poster.find(self._channel, tag, not_ts, thread_ts)
        except SlackRefused as error:
            # Without the scope nothing can be looked up: a message that may come twice is better than none.
            _log.error("history_refused", error=error.error, scope="channels:history or groups:history")
            return None


@dataclass(frozen=True, slots=True)
class _Parked:
    """A surface that Slack refuses, and when it is tried again (monotonic seconds)."""

    version: int
    failures: int
    until: float


def _tag(surface: Surface) -> str:
    """Unique across services; stands in the message's metadata."""
    return f"{surface.service.key}/{surface.kind}/{surface.key}"


def backoff_seconds(failures: int) -> float:
    """Doubles up to half a minute, jittered so that replicas do not come back all at once."""
    longest = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def _cancelled(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
