"""The outbox worker: what Slack shows converges to what is stored, one message per surface, in order, nothing lost.

One worker per service at a time (a lease). It reads which surfaces are behind, waits for a turn at Slack (the most
urgent first, handlers/pacing.py), renders them from what is stored at that moment, and posts or edits. A message that
may have been posted is looked up before it is posted again.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from handlers.blocks.card import Shown
from handlers.pacing import Rank, Turn, Urgency
from handlers.places import PLACE_REFUSED, Places, Renderer, place_trouble
from handlers.poster import DuplicateSweeper, Poster, tag_of
from handlers.posting import Posting
from handlers.serving import Serving
from handlers.web_api import (
    EDIT,
    POST,
    RATE_LIMITED,
    CannotUpdate,
    SlackRefused,
    SlackTrouble,
    Unreachable,
    guarded,
)
from lumen.model.incident import Unheard
from lumen.model.messages import LumenError, Message
from lumen.model.service import ServiceId
from lumen.ports.store import Dirty, Lease, Leases, Outbox, Surface
from lumen.use_cases.active import Active

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
INCIDENT_KIND = "alert"
#: What nobody waits for.
_CALM_KINDS = frozenset({"report", "digest"})
#: A worker that begins with more than this does not see all that its predecessor may have posted.
LONG_LIST = 100


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
    """Serves all that `active` tells of, each in its channel; `run` ends only when it is cancelled."""

    def __init__(
        self,
        active: Active,
        outbox: Outbox,
        leases: Leases,
        renderer: Renderer,
        poster: Poster,
        channel_of: Callable[[ServiceId], str],
        timing: Timing = Timing(),
    ) -> None:
        self._outbox = outbox
        self._leases = leases
        self._renderer = renderer
        self.poster = poster
        self._channel_of = channel_of
        self._timing = timing
        self.duplicates = DuplicateSweeper(outbox, poster, timing.duplicates_after)
        self._places = Places(outbox, poster, renderer, channel_of)
        self._posting = Posting(outbox, poster, self._places, self.duplicates, timing.look_after)
        self._serving = Serving(active, self._serve, self._left_here, self._places.look_again, timing.poll)
        self._parked: dict[Surface, _Parked] = {}
        #: A process that was stopped for longer posts nothing before its lease is renewed (monotonic seconds).
        self._ours_until: dict[ServiceId, float] = {}
        #: Since when a surface is behind (monotonic seconds), as far as this process has seen it, and its version.
        self._behind: dict[Surface, tuple[float, int]] = {}
        self._trouble = ""

    def state(self) -> OutboxState:
        """As it is now; other replicas see the same, whichever of them is the worker."""
        now = time.monotonic()
        lag = max((now - since for since, _ in self._behind.values()), default=0.0)
        unheard = [call for service in {one.service for one in self._behind} for call in self.unheard(service)]
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

    def place_trouble(self, asked_in: str = "") -> tuple[Message, Message] | None:
        """The reason why Slack refuses messages in a channel, and what mends it; elsewhere only where it is of no
        service's channel that somebody asks."""
        refused = {self._channel_of(at.service): one.error for at, one in self._parked.items() if one.is_of_the_place}
        if asked_in not in refused and asked_in in map(self._channel_of, self._serving.active.services):
            return None
        channel = asked_in if asked_in in refused else next(reversed(refused), "")
        return place_trouble(refused[channel], channel) if refused else None

    async def tidy(self, surface: Surface, channel: str, posted: Mapping[str, Any]) -> None:
        """After a click on a message that says that it shows `surface`: end it where it does not. Never raises."""
        with guarded("clicked_message_stays", surface=tag_of(surface)):
            if not await self._places.retire(surface, channel, posted):
                await self.duplicates.tidy(surface, channel, str(posted["ts"]))

    def kick(self) -> None:
        """Something was marked: look now rather than at the next poll."""
        self._serving.kick()

    async def run(self) -> None:
        """Serve every service that may have work at once; a slow one holds up no other."""
        await self._serving.run()

    def _left_here(self) -> Iterator[ServiceId]:
        """Those that this process has begun with, or has to look at, and nobody else knows of."""
        yield from (surface.service for surface in self._behind)
        yield from self.duplicates.services()
        yield from filter(self._places.is_unseen, self._serving.active.services)

    async def _serve(self, service: ServiceId) -> None:
        failures = 0
        while self._serving.wants(service):
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
            if failures:
                await asyncio.sleep(backoff_seconds(failures))
            else:
                await self._serving.pause(service, self._timing.poll)

    async def _while_ours(self, service: ServiceId) -> None:
        """Returns at once while another replica is the worker. Raises what stops the work."""
        ours_until = time.monotonic() + LEASE.total_seconds()
        lease = await self._leases.acquire(service, LEASE_NAME, LEASE)
        if lease is None:
            await self._listed(service, ours=False)
            return
        self._ours_until[service] = ours_until
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
            ours_until = time.monotonic() + LEASE.total_seconds()
            await self._leases.renew(service, lease, LEASE)
            self._ours_until[service] = ours_until

    async def _mark_again(self, touched: set[Surface]) -> None:
        """A worker that was paused beyond its lease may have written an old state over a newer one: show both again."""
        for surface in touched:
            await self._outbox.mark(surface)

    async def _work(self, service: ServiceId, touched: set[Surface]) -> None:
        doubted_at = time.monotonic()
        is_new = True
        while self._serving.wants(service):
            self._serving.looks(service)
            listed = await self._listed(service, ours=True)
            if is_new:
                # Whoever worked before may have posted these, and died before it could say so.
                self._posting.doubt((dirty.surface for dirty in listed), doubted_at)
                is_new = len(listed) >= LONG_LIST
            if not await self._show_each(listed, touched):
                continue
            if not self._behind:
                self._trouble = ""
            await self._places.look(service)
            await self.duplicates.look(service)
            await self._serving.pause(service, self._timing.poll)

    async def _show_each(self, listed: Sequence[Dirty], touched: set[Surface]) -> bool:
        """Whether each had its turn; otherwise it is time to look again, for something urgent may have come."""
        waiting = sorted((dirty for dirty in listed if not self._is_parked(dirty)), key=self._rank)
        until = time.monotonic() + self._timing.poll
        while waiting:
            calls = {_method(dirty): dirty for dirty in reversed(waiting)}
            wanted = sorted((self._rank(dirty), method) for method, dirty in calls.items())
            channel, within_seconds = self._channel_of(waiting[0].surface.service), until - time.monotonic()
            order = [(method, rank) for rank, method in wanted]
            turn = await self.poster.turns.first(channel, order, within_seconds) if within_seconds > 0 else None
            if turn is None:
                return False
            try:
                if time.monotonic() >= self._ours_until[waiting[0].surface.service]:
                    return False
                await self._show_or_park(calls[turn.method], turn, touched)
            finally:
                turn.end()
            waiting.remove(calls[turn.method])
        return True

    def _rank(self, dirty: Dirty) -> Rank:
        return _urgency(dirty), self._behind[dirty.surface][0]

    def _is_parked(self, dirty: Dirty) -> bool:
        parked = self._parked.get(dirty.surface)
        return parked is not None and time.monotonic() < parked.until and parked.version == dirty.version

    async def _listed(self, service: ServiceId, *, ours: bool) -> Sequence[Dirty]:
        """All that are behind; what is not any more is forgotten.

        Where another replica is the worker, one that was marked again may have been shown between two looks.
        """
        listed = await self._outbox.dirty(service)
        found = {dirty.surface for dirty in listed}
        for surface in [known for known in self._behind if known.service == service and known not in found]:
            self._behind.pop(surface)
            self._parked.pop(surface, None)
            self._posting.trust(surface)
        for dirty in listed:
            since, version = self._behind.get(dirty.surface, (time.monotonic(), dirty.version))
            since = since if ours or version == dirty.version else time.monotonic()
            self._behind[dirty.surface] = since, dirty.version
        return listed

    async def _show_or_park(self, dirty: Dirty, turn: Turn, touched: set[Surface]) -> None:
        """Set aside with a growing pause what Slack refuses, so that it holds up nothing else."""
        parked = self._parked.get(dirty.surface)
        touched.clear()
        touched.add(dirty.surface)
        began = time.monotonic()
        try:
            await self._show(dirty, turn, parked.failures if parked else 0)
            self._posting.trust(dirty.surface)
            self._parked.pop(dirty.surface, None)
            self._behind.pop(dirty.surface, None)
        except (SlackRefused, CannotUpdate) as error:
            self._park(dirty, parked, error.error)
        except Unreachable as error:
            self._parked.pop(dirty.surface, None)
            if error.error != RATE_LIMITED:
                raise
            self._trouble = error.error  # its turn comes again when Slack wants it
        except (LumenError, SlackTrouble):
            # Nothing goes through now: that says nothing against the message.
            self._parked.pop(dirty.surface, None)
            raise
        except Exception as error:
            # A card that cannot be drawn must not keep the others from being shown.
            _log.exception("surface_failed", surface=tag_of(dirty.surface))
            self._park(dirty, parked, type(error).__name__)
            self._posting.doubt([dirty.surface], began)

    def _park(self, dirty: Dirty, before: "_Parked | None", error: str) -> None:
        failures = before.failures + 1 if before else 1
        until = time.monotonic() + backoff_seconds(failures + 3)
        self._parked[dirty.surface] = _Parked(dirty.version, failures, until, error)
        self._trouble = error
        tell = _log.warning if failures == 1 else _log.error  # the next try often does it
        tell("surface_parked", surface=tag_of(dirty.surface), error=error, failures=failures)

    async def _show(self, dirty: Dirty, turn: Turn, failures: int) -> None:
        shown = await self._renderer.render(dirty.surface)
        if shown is None or (shown.is_rest and not dirty.ts):
            await self._outbox.shown(dirty, dirty.channel, dirty.ts)
            return
        if dirty.surface.kind == CALL_KIND and failures >= THREAD_TRIES:
            shown = replace(shown, under=None)
        if dirty.ts and dirty.channel != self._channel_of(dirty.surface.service):
            await self._move(dirty, shown, turn)
        elif dirty.ts:
            await self._update(dirty, shown, turn)
        else:
            await self._posting.post(dirty, shown, turn)

    async def _update(self, dirty: Dirty, shown: Shown, turn: Turn) -> None:
        try:
            await self.poster.update(dirty.channel, dirty.ts, shown, tag_of(dirty.surface), turn)
        except CannotUpdate:
            link = await self.poster.permalink(dirty.channel, dirty.ts)
            await self._posting.post(dirty, self._renderer.replaced(shown, link), turn)
            return
        await self._outbox.shown(dirty, dirty.channel, dirty.ts)

    async def _move(self, dirty: Dirty, shown: Shown, turn: Turn) -> None:
        """Its channel is another one now: go on there, and say so where it stood."""
        await self._posting.post(dirty, shown, turn)
        channel, ts = await self._outbox.where(dirty.surface) or ("", "")
        with guarded("old_place_stays", surface=tag_of(dirty.surface)):
            link = await self.poster.permalink(channel, ts)
            await self.poster.update(dirty.channel, dirty.ts, self._renderer.moved(link), "")


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


def _urgency(dirty: Dirty) -> Urgency:
    """A page, and the first message of the incident in whose thread it stands; everything else after it."""
    kind = dirty.surface.kind
    if kind == CALL_KIND or (kind == INCIDENT_KIND and not dirty.ts):
        return Urgency.PAGE
    return Urgency.REPORT if kind in _CALM_KINDS else Urgency.CARD


def _method(dirty: Dirty) -> str:
    return EDIT if dirty.ts else POST


def backoff_seconds(failures: int) -> float:
    """Doubles up to half a minute, jittered so that replicas do not come back all at once."""
    longest = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def _cancelled(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
