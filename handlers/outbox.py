"""The outbox worker: what Slack shows converges to what is stored, one message per surface, in order, nothing lost.

One worker per service at a time (a lease). It reads which surfaces are behind, renders them from what is stored at
that moment, and posts or edits. A message that may have been posted is looked up before it is posted again.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from handlers.blocks.card import Shown
from handlers.places import PLACE_REFUSED, Places, Renderer, place_trouble
from handlers.poster import DuplicateSweeper, Poster, ThreadGone, tag_of
from handlers.web_api import (
    RATE_LIMITED,
    CannotUpdate,
    NoAnswer,
    SlackRefused,
    SlackTrouble,
    guarded,
)
from lumen.model.incident import Unheard
from lumen.model.messages import LumenError, Message
from lumen.model.service import ServiceId
from lumen.ports.store import Dirty, Lease, Leases, Outbox, Surface

_log = structlog.get_logger(__name__)

LEASE_NAME = "outbox"
#: On the wall. A worker that died is replaced within this; one that lives renews it three times as often.
LEASE = timedelta(seconds=6)
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_LONGEST_SECONDS = 30.0
#: A call of the people on call goes to the channel itself after so many failures in its thread, ...
THREAD_TRIES = 2
#: ... and counts as unheard when the channel does not take it either, or after so long.
UNHEARD_TRIES = 3
UNHEARD_SECONDS = 120.0
CALL_KIND = "mention"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the wall."""

    poll: float = 1.0
    #: A post without an answer may still be on its way: it is looked for so much later, each time afresh.
    look_after: Sequence[float] = (0.5, 2.0, 5.0)
    #: Slack may carry it out later still, when it has been posted again: the later one of the two is deleted then. It
    #: is looked for so long after the answer was given up.
    duplicates_after: Sequence[float] = (15.0, 60.0, 180.0, 600.0, 1800.0)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """For /readyz and the metrics: how many messages are behind, and the longest of them, in seconds on the wall.

    `refused`: Slack's (or the store's) last word while something is behind, or empty. `unheard`: calls of the people on
    call that Slack does not take.
    """

    behind: int
    oldest_seconds: float
    refused: str
    unheard: tuple[Unheard, ...]


class OutboxWorker:
    """Serves all of `services` in one channel; `run` ends only when it is cancelled."""

    def __init__(
        self,
        services: Sequence[ServiceId],
        outbox: Outbox,
        leases: Leases,
        renderer: Renderer,
        poster: Poster,
        channel: str,
        timing: Timing = Timing(),
    ) -> None:
        self._services = services
        self._outbox = outbox
        self._leases = leases
        self._renderer = renderer
        self.poster = poster
        self._channel = channel
        self._timing = timing
        self._kicked = asyncio.Event()
        self.duplicates = DuplicateSweeper(outbox, poster, timing.duplicates_after)
        self._places = Places(outbox, poster, renderer, channel)
        self._parked: dict[Surface, _Parked] = {}
        #: Since when a surface is behind (monotonic seconds), as far as this process has seen it, and its version.
        self._behind: dict[Surface, tuple[float, int]] = {}
        self._trouble = ""

    def state(self) -> OutboxState:
        """As it is now; other replicas see the same, whichever of them is the worker."""
        now = time.monotonic()
        lag = max((now - since for since, _ in self._behind.values()), default=0.0)
        unheard = [call for service in self._services for call in self.unheard(service)]
        return OutboxState(len(self._behind), lag, self._trouble, tuple(unheard))

    def unheard(self, service: ServiceId) -> tuple[Unheard, ...]:
        """Calls that Slack takes neither in their thread nor in the channel, or has not taken for minutes."""
        calls = [surface for surface in self._behind if surface.service == service and surface.kind == CALL_KIND]
        return tuple(self._unheard(call) for call in calls if self._is_unheard(call))

    def _is_unheard(self, call: Surface) -> bool:
        parked = self._parked.get(call)
        is_late = time.monotonic() - self._behind[call][0] >= UNHEARD_SECONDS
        return is_late or (parked is not None and parked.failures >= UNHEARD_TRIES)

    def _unheard(self, call: Surface) -> Unheard:
        parked = self._parked.get(call)
        return Unheard(call.key, call.key.rpartition("#")[0], parked.error if parked else self._trouble)

    def place_trouble(self) -> tuple[Message, Message] | None:
        """The reason why Slack refuses messages in the channel, and what mends it."""
        refused = [parked.error for parked in self._parked.values() if parked.is_of_the_place]
        return place_trouble(refused[-1], self._channel) if refused else None

    async def tidy(self, surface: Surface, channel: str, posted: Mapping[str, Any]) -> None:
        """After a click on a message that says that it shows `surface`: end it where it does not. Never raises."""
        with guarded("clicked_message_stays", surface=tag_of(surface)):
            if not await self._places.retire(surface, channel, posted):
                await self.duplicates.tidy(surface, channel, str(posted["ts"]))

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
                if isinstance(error, LumenError):
                    self._places.look_again(service)
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
            await self._listed(service, ours=False)
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
            for dirty in await self._listed(service, ours=True):
                await self._show_or_park(dirty, touched)
            if not self._behind:
                self._trouble = ""
            await self._places.look(service)
            await self.duplicates.look(service)
            try:
                async with asyncio.timeout(self._timing.poll):
                    await self._kicked.wait()
            except TimeoutError:
                continue

    async def _listed(self, service: ServiceId, *, ours: bool) -> Sequence[Dirty]:
        """All that are behind; what is not any more is forgotten.

        Where another replica is the worker, one that was marked again may have been shown between two looks.
        """
        listed = await self._outbox.dirty(service)
        found = {dirty.surface for dirty in listed}
        for surface in [known for known in self._behind if known.service == service and known not in found]:
            self._behind.pop(surface)
            self._parked.pop(surface, None)
        for dirty in listed:
            since, version = self._behind.get(dirty.surface, (time.monotonic(), dirty.version))
            since = since if ours or version == dirty.version else time.monotonic()
            self._behind[dirty.surface] = since, dirty.version
        return listed

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
            self._behind.pop(dirty.surface, None)
        except (SlackRefused, CannotUpdate) as error:
            self._park(dirty, parked, error.error)
        except (LumenError, SlackTrouble):
            # Nothing goes through now: that says nothing against the message.
            self._parked.pop(dirty.surface, None)
            raise
        except Exception as error:
            # A card that cannot be drawn must not keep the others from being shown.
            _log.exception("surface_failed", surface=tag_of(dirty.surface))
            self._park(dirty, parked, type(error).__name__)

    def _park(self, dirty: Dirty, before: "_Parked | None", error: str) -> None:
        failures = before.failures + 1 if before else 1
        until = time.monotonic() + backoff_seconds(failures + 3)
        self._parked[dirty.surface] = _Parked(dirty.version, failures, until, error)
        self._trouble = error
        tell = _log.warning if failures == 1 else _log.error  # the next try often does it
        tell("surface_parked", surface=tag_of(dirty.surface), error=error, failures=failures)

    async def _show(self, dirty: Dirty, failures: int) -> None:
        shown = await self._renderer.render(dirty.surface)
        if shown is None or (shown.is_rest and not dirty.ts):
            await self._outbox.shown(dirty, dirty.channel, dirty.ts)
            return
        if dirty.surface.kind == CALL_KIND and failures >= THREAD_TRIES:
            shown = replace(shown, under=None)
        if dirty.ts and dirty.channel != self._channel:
            await self._move(dirty, shown)
        elif dirty.ts:
            await self._update(dirty, shown)
        else:
            await self._post(dirty, shown)

    async def _update(self, dirty: Dirty, shown: Shown) -> None:
        try:
            await self.poster.update(dirty.channel, dirty.ts, shown, tag_of(dirty.surface))
        except CannotUpdate:
            link = await self.poster.permalink(dirty.channel, dirty.ts)
            await self._post(dirty, self._renderer.replaced(shown, link))
            return
        await self._outbox.shown(dirty, dirty.channel, dirty.ts)

    async def _move(self, dirty: Dirty, shown: Shown) -> None:
        """SLACK_CHANNEL is another one now: go on there, and say so where it stood."""
        await self._post(dirty, shown)
        channel, ts = await self._outbox.where(dirty.surface) or ("", "")
        with guarded("old_place_stays", surface=tag_of(dirty.surface)):
            link = await self.poster.permalink(channel, ts)
            await self.poster.update(dirty.channel, dirty.ts, self._renderer.moved(link), "")

    async def _post(self, dirty: Dirty, shown: Shown) -> None:
        """An earlier process may have posted it and died before it could say so: look first, every time."""
        try:
            await self._post_under(dirty, shown, await self._places.above(shown.under))
        except ThreadGone:
            if shown.under is not None:
                await self._places.forget(shown.under)
            raise

    async def _post_under(self, dirty: Dirty, shown: Shown, thread_ts: str) -> None:
        tag = tag_of(dirty.surface)
        found = await self._look(tag, dirty.ts, thread_ts)
        if found is None:
            try:
                _, ts = await self.poster.post(self._channel, shown, tag, thread_ts)
            except NoAnswer:
                found = await self._look_later(tag, dirty.ts, thread_ts)
                if found is None:
                    self.duplicates.expect(dirty.surface, tag, thread_ts)
                    raise
            else:
                await self._outbox.shown(dirty, self._channel, ts)
                return
        # It shows what was stored when it was posted, which may be older by now.
        await self.poster.update(self._channel, found, shown, tag)
        await self._outbox.shown(dirty, self._channel, found)

    async def _look_later(self, tag: str, not_ts: str, thread_ts: str) -> str | None:
        for wait_seconds in self._timing.look_after:
            await asyncio.sleep(wait_seconds)
            found = await self._look(tag, not_ts, thread_ts)
            if found is not None:
                return found
        return None

    async def _look(self, tag: str, not_ts: str, thread_ts: str) -> str | None:
        try:
            return await self.poster.find(self._channel, tag, not_ts, thread_ts)
        except ThreadGone:
            raise
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
    error: str

    @property
    def is_of_the_place(self) -> bool:
        """Whether Slack has something against the channel rather than against the message."""
        return self.error in PLACE_REFUSED


def backoff_seconds(failures: int) -> float:
    """Doubles up to half a minute, jittered so that replicas do not come back all at once."""
    longest = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def _cancelled(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
