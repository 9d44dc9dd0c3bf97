"""Slices of eighteen days, the sums of their days, the alerts that people were told of, and who is on an incident.

The sums are a hash of "2026-11-22/requests" and the like, added to in the step that stores the slices; latencies are
"2026-11-22/latency_ms/155.5/217.7" for each bucket that holds any, costs also "2026-11-22/cost_slices/7" and
"2026-11-22/cost_nano_usd/7" for each twelfth of the day.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from lumen.adapters.store.codec import decode, encode, encode_known
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.controls import SILENCE_FIELDS
from lumen.adapters.store.leases import lease_lost
from lumen.adapters.store.scripts import Calls, Reply, position
from lumen.model.alert import Observation, Severity
from lumen.model.course import RevisionsSeen
from lumen.model.day_cost import PARTS, DayCost
from lumen.model.error_lines import ErrorLines
from lumen.model.history import Day, DayOfCost, day_of, folded, together
from lumen.model.incident import (
    CALLS_END,
    CALLS_ROUND,
    Acknowledged,
    AckResult,
    Incident,
    IncidentLabel,
    Mentions,
    PagerState,
    Silence,
    StoredAlert,
)
from lumen.model.messages import Message, NotPrepared
from lumen.model.service import Person, ServiceId
from lumen.model.snapshot import SLICE, Bucket
from lumen.ports.clock import Clock
from lumen.ports.incidents import Extent, Look, Standing
from lumen.ports.store import Lease

#: Eight weeks to know what a weekday usually costs, thirty days of error budgets, and some.
KEEP_DAYS = 100
#: Whole numbers alone, so that no sum depends on the order in which it was made: money in billionths of a dollar.
NANO = 1_000_000_000

#: Names as they are stored. The first one is of every day.
SUMS = (
    "slices",
    "known_slices",
    "good_slices",
    "bad_slices",
    "requests",
    "errors_5xx",
    "errors_4xx",
    "lookup_slices",
    "hits",
    "misses",
    "cost_slices",
    "cost_nano_usd",
    "timed_slices",
)

LATENCY = "latency_ms"
_COST_PARTS = tuple((part, (f"cost_slices/{part}", f"cost_nano_usd/{part}")) for part in range(PARTS))
#: So many services' days are read in one round trip.
AT_ONCE = 20


class RedisDays:
    """`lumen.ports.store.Days`."""

    def __init__(self, redis: StoreClient) -> None:
        self._calls = Calls(redis)

    async def days(self, service: ServiceId, since: date) -> list[Day]:
        return (await self.days_of([service], since))[service]

    async def days_of(self, services: Sequence[ServiceId], since: date) -> dict[ServiceId, list[Day]]:
        return {service: [_day(*one) for one in sums] async for service, sums in self._sums(services, since, "")}

    async def costs_of(self, services: Sequence[ServiceId]) -> dict[ServiceId, list[DayOfCost]]:
        return {
            service: [_cost_of(*one) for one in sums] async for service, sums in self._sums(services, date.min, "costs")
        }

    async def _sums(
        self, services: Sequence[ServiceId], since: date, which: str
    ) -> AsyncIterator[tuple[ServiceId, list[tuple[date, dict[str, int]]]]]:
        for start in range(0, len(services), AT_ONCE):
            some = services[start : start + AT_ONCE]
            for service, lines in (await self._lines(some, since.isoformat(), which)).items():
                yield service, _by_day(lines)
                await asyncio.sleep(0)  # clicks get their turn

    async def _lines(self, some: Sequence[ServiceId], *asked: str) -> Mapping[ServiceId, Sequence[str]]:
        try:
            replies = await self._calls.read_each([("days_read", one, asked) for one in some])
        except NotPrepared:
            if len(some) == 1:
                raise
        else:
            return {service: reply.lines() for service, reply in zip(some, replies, strict=True)}
        known: dict[ServiceId, Sequence[str]] = dict.fromkeys(some, ())
        for service in some:  # one that is new holds up the money of none
            with contextlib.suppress(NotPrepared):
                known |= await self._lines([service], *asked)
        return known


def _by_day(stored: Sequence[str]) -> list[tuple[date, dict[str, int]]]:
    """From field, value, field, value …"""
    sums: dict[str, dict[str, int]] = {}
    for field, value in zip(stored[::2], stored[1::2], strict=True):
        of, _, name = field.partition("/")
        of_day = sums.get(of)
        if of_day is None:
            of_day = sums[of] = {}
        of_day[name] = int(value)
    return [(date.fromisoformat(of), sums[of]) for of in sorted(sums)]


def _day(of: date, sums: Mapping[str, int]) -> Day:
    """A sum that an older Lumen did not make yet is 0, over 0 slices."""
    counts = {name: sums.get(name, 0) for name in SUMS if name != "cost_nano_usd"}
    latencies = {_bucket(name): count for name, count in sums.items() if name.startswith(LATENCY) and count}
    cost = _cost(of, sums)
    return Day(of, **counts, cost_usd=cost.usd, latencies=latencies, cost_parts=cost.parts)


def _cost_of(of: date, sums: Mapping[str, int]) -> DayOfCost:
    return DayOfCost(of, sums.get("slices", 0), _cost(of, sums))


def _cost(of: date, sums: Mapping[str, int]) -> DayCost:
    parts = {
        part: (known, sums.get(usd, 0) / NANO) for part, (slices, usd) in _COST_PARTS if (known := sums.get(slices))
    }
    return DayCost(of, sums.get("cost_slices", 0), sums.get("cost_nano_usd", 0) / NANO, parts)


@lru_cache
def _bucket(name: str) -> Bucket:
    """Of "latency_ms/155.5/217.7": the same few of every day."""
    _, low, high = name.split("/")
    return float(low), float(high)


#: What alerts are rebuilt from (REPLAY); effects compare with the fortnight before the three days of a change.
KEEP_SLICES = 18 * 288
KEEP_ALERTS = 300
#: A fresh installation brings all of them at once; no script holds the server up for that long.
BATCH = 500
#: Late points correct a day of slices, and the hour before it tells what was silent.
TIMED_SLICES = 25 * 12
_TIMES = {"latency"}


class RedisAlerts:
    """`lumen.ports.incidents.Alerts`."""

    def __init__(
        self,
        redis: StoreClient,
        clock: Clock,
        keep_slices: int = KEEP_SLICES,
        keep_alerts: int = KEEP_ALERTS,
        keep_days: int = KEEP_DAYS,
    ) -> None:
        self._calls = Calls(redis)
        self._clock = clock
        self._keep_slices = keep_slices
        self._keep_alerts = keep_alerts
        self._keep_days = keep_days

    async def newest(self, service: ServiceId) -> datetime | None:
        return (await self.extent(service)).newest

    async def extent(self, service: ServiceId) -> Extent:
        newest, epoch, corrections = (await self._calls.read("slices_extent", service)).values
        return Extent(datetime.fromisoformat(newest) if newest else None, epoch, int(corrections))

    async def observations(self, service: ServiceId, after: datetime | None) -> list[Observation]:
        newest = await self.newest(service)
        if newest is None:
            return []
        # Slices follow each other without gaps, so this many are new; some more do no harm.
        wanted = self._keep_slices if after is None else int((newest - after) / SLICE)
        found = [one for page in await self._slices(service, newest, wanted) for one in page]
        return [one for one in found if after is None or one.start > after]

    async def _slices(self, service: ServiceId, newest: datetime, wanted: int) -> Sequence[Sequence[Observation]]:
        """Up to the one that is the newest now, oldest first, in pages; while they are read, newer ones may come."""
        pages: list[Sequence[Observation]] = []
        left_out = 0
        while wanted > 0:
            size = min(BATCH, wanted)
            reply = await self._calls.read("slices_read", service, newest.isoformat(), left_out, size)
            if reply.status == "MOVED":
                came, newest = newest, datetime.fromisoformat(reply.values[0])
                left_out += int((newest - came) / SLICE)
                continue
            pages.append([decode(Observation, text) for text in reply.lines()])
            if len(pages[-1]) < size:
                break
            left_out, wanted = left_out + size, wanted - size
        return pages[::-1]

    async def standings(self, services: Sequence[ServiceId]) -> dict[ServiceId, Standing]:
        replies = await self._calls.read_each([("watch_read", one, SILENCE_FIELDS) for one in services])
        return {one: _standing(*reply.values) for one, reply in zip(services, replies, strict=True)}

    async def look(self, service: ServiceId, lease: Lease, look: Look) -> bool:
        rest = list(look.observations)
        while len(rest) > BATCH:
            if not await self._add(service, lease, replace(look, observations=rest[:BATCH], told=())):
                return False
            known = look.known_corrections + bool(look.corrections)
            look = replace(look, after=rest[BATCH - 1].start, earlier=(), corrections=(), known_corrections=known)
            rest = rest[BATCH:]
        return await self._add(service, lease, replace(look, observations=rest))

    async def open(self, service: ServiceId) -> list[StoredAlert]:
        reply = await self._calls.read("alert_read", service, "open")
        return [decode(StoredAlert, text) for text in reply.values[0]]

    async def incident(self, service: ServiceId, incident_id: str) -> Incident | None:
        return incident_from(service, incident_id, await self._calls.read("alert_read", service, incident_id))

    async def incidents(self, service: ServiceId, limit: int) -> list[str]:
        reply = await self._calls.read("alert_incidents", service, limit)
        return [str(one) for one in reply.values]

    async def label(self, service: ServiceId, label: IncidentLabel) -> bool:
        reply = await self._calls.change(
            "alert_label", service, label.incident, encode(label), label.at.isoformat(), label.by.user_id
        )
        return bool(reply.values[0] == "changed")

    async def labels(self, service: ServiceId) -> list[IncidentLabel]:
        reply = await self._calls.read("alert_labels", service)
        return [decode(IncidentLabel, text) for text in reply.values[0]]

    async def note(self, service: ServiceId, incident_id: str, notes: Sequence[Message]) -> None:
        told = json.dumps([json.loads(encode(note)) for note in notes], ensure_ascii=False, separators=(",", ":"))
        await self._calls.change("alert_note", service, incident_id, told, self._clock.now().isoformat())

    async def error_lines(self, service: ServiceId, incident_id: str) -> ErrorLines | None:
        reply = await self._calls.read("read", service, "HGET", position("alerts"), f"logged/{incident_id}")
        return decode(ErrorLines, reply.values[0]) if reply.values[0] else None

    async def logged(self, service: ServiceId, incident_id: str, lines: ErrorLines) -> None:
        await self._calls.change("alert_put", service, incident_id, "logged", encode(lines))

    async def revisions(self, service: ServiceId, incident_id: str) -> RevisionsSeen | None:
        reply = await self._calls.read("read", service, "HGET", position("alerts"), f"revisions/{incident_id}")
        return decode(RevisionsSeen, reply.values[0]) if reply.values[0] else None

    async def saw(self, service: ServiceId, incident_id: str, seen: RevisionsSeen) -> None:
        await self._calls.change("alert_put", service, incident_id, "revisions", encode(seen))

    async def passed(self, service: ServiceId, incident_id: str, moments: Sequence[datetime]) -> None:
        told = " ".join(one.isoformat() for one in moments)
        await self._calls.change("alert_put", service, incident_id, "passed", told)

    async def _add(self, service: ServiceId, lease: Lease, look: Look) -> bool:
        days = together(look.earlier, folded(look.observations), folded(one.now for one in look.corrections))
        taken_back = folded(one.stored for one in look.corrections)
        buckets = sorted({bucket for day in (*days, *taken_back) for bucket in day.latencies})
        parts = sorted({part for day in (*days, *taken_back) for part in day.cost_parts})
        now = self._clock.now()
        arguments: list[str | int] = [
            lease.name,
            lease.token,
            look.after.isoformat() if look.after else "",
            self._keep_slices,
            self._keep_alerts,
            now.isoformat(),
            len(look.observations),
            len(days) + len(taken_back),
            (day_of(now) - timedelta(days=self._keep_days)).isoformat(),
            ",".join(_names(buckets, parts)),
            look.known_corrections,
            len(look.corrections),
            TIMED_SLICES,
        ]
        for one in look.observations:
            arguments += [one.start.isoformat(), _text(one, now)]
        arguments += _sums(days, buckets, parts)
        arguments += _sums(taken_back, buckets, parts, -1)
        for correction in look.corrections:
            assert look.after is not None  # something is stored
            place = -1 - int((look.after - correction.now.start) / SLICE)
            arguments += [place, _text(correction.now, now)]
        for each in look.told:
            arguments += _told(each)
        # Slices alone leave nothing to do: what is told does.
        reply = await self._calls.change("watch_look", service, *arguments, makes_work=bool(look.told))
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name)
        return reply.status == "OK"


def _names(buckets: Sequence[Bucket], parts: Sequence[int]) -> Iterator[str]:
    yield from SUMS
    yield from (f"{LATENCY}/{low!r}/{high!r}" for low, high in buckets)
    for part in parts:
        yield f"cost_slices/{part}"
        yield f"cost_nano_usd/{part}"


def _sums(days: Sequence[Day], buckets: Sequence[Bucket], parts: Sequence[int], times: int = 1) -> Iterator[str | int]:
    """Date and sums of each, as watch_look.lua takes them; `times` -1: what is taken back."""
    for day in days:
        yield day.date.isoformat()
        for name in SUMS:
            yield times * (round(day.cost_usd * NANO) if name == "cost_nano_usd" else int(getattr(day, name)))
        for bucket in buckets:
            yield times * day.latencies.get(bucket, 0)
        for part in parts:
            known, usd = day.cost_parts.get(part, (0, 0.0))
            yield times * int(known)
            yield times * round(usd * NANO)


def _standing(
    newest: str, corrections: str, opened: Sequence[str], labels: Sequence[str], silences: Sequence[str]
) -> Standing:
    return Standing(
        datetime.fromisoformat(newest) if newest else None,
        int(corrections or 0),
        [decode(StoredAlert, text) for text in opened],
        [decode(IncidentLabel, text) for text in labels],
        [decode(Silence, text) for text in silences],
    )


def _text(one: Observation, now: datetime) -> str:
    """Without what is unknown: eighteen days of slices are kept. Latencies, while they may be corrected, come last."""
    told = encode_known(one, _TIMES)
    if one.latency is None or now - one.start > TIMED_SLICES * SLICE:
        return told
    return f'{told[:-1]},"latency":{encode(one.latency.trimmed())}}}'


def _told(stored: StoredAlert) -> Iterator[str | int]:
    alert = stored.alert
    is_open = alert.closed_at is None
    yield alert.id
    yield encode(stored)
    yield round(alert.opened_at.timestamp() * 1000)
    yield "open" if is_open else "closed"
    yield stored.incident
    yield ("page" if alert.severity is Severity.PAGE else "alert") + ("-open" if is_open else "-closed")
    yield alert.id


class RedisPages:
    """`lumen.ports.incidents.Pages`."""

    def __init__(self, redis: StoreClient, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def unsettled(self, service: ServiceId) -> list[Incident]:
        reply = await self._calls.read("page_read", service)
        return [_incident(service, *found) for found in reply.values]

    async def acknowledge(self, service: ServiceId, incident_id: str, person: Person) -> AckResult:
        taken = Acknowledged(person, self._clock.now())
        reply = await self._calls.change(
            "page_take", service, incident_id, encode(taken), taken.at.isoformat(), person.user_id
        )
        outcome, known = reply.values
        return AckResult(outcome == "won", decode(Acknowledged, known) if known else None)

    async def hand(self, service: ServiceId, incident_id: str, person: Person, to: Person | None) -> bool:
        now = self._clock.now()
        taken = encode(Acknowledged(to, now)) if to is not None else ""
        reply = await self._calls.change(
            "page_hand", service, incident_id, taken, now.isoformat(), person.user_id, CALLS_ROUND
        )
        return bool(reply.values[0] == "done")

    async def mention(self, service: ServiceId, incident_id: str, number: int, *, say: bool) -> None:
        mentions = Mentions(number, self._clock.now())
        at, said = mentions.at.isoformat(), "1" if say else ""
        event = "calls-ended" if mentions.repeat == CALLS_END else "mentioned"
        await self._calls.change("page_mention", service, incident_id, number, at, encode(mentions), said, event)

    async def pager(self, service: ServiceId, incident_id: str, state: PagerState) -> None:
        event = "pager-trouble" if state.trouble else f"pager-{state.step}"
        trouble = "1" if state.trouble else ""
        at = self._clock.now().isoformat()
        await self._calls.change("page_pager", service, incident_id, encode(state), at, event, trouble)


def incident_from(service: ServiceId, incident_id: str, reply: Reply) -> Incident | None:
    """None for one that is forgotten or never was."""
    found, notes, taken, pager, mentions, label = reply.values
    incident = _incident(service, incident_id, found, taken, mentions, pager, notes) if found else None
    return replace(incident, label=decode(IncidentLabel, label)) if incident is not None and label else incident


def _incident(
    service: ServiceId, incident_id: str, alerts: list[str], taken: str, mentions: str, pager: str, notes: str
) -> Incident:
    return Incident(
        service,
        incident_id,
        tuple(decode(StoredAlert, text) for text in alerts),
        decode(tuple[Message, ...], notes) if notes else (),
        decode(Acknowledged, taken) if taken else None,
        pager=decode(PagerState, pager) if pager else None,
        mentions=decode(Mentions, mentions) if mentions else None,
    )
