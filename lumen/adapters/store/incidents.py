"""Incidents with a page: who is on them, how often people were mentioned, and what the pager knows."""

from redis.asyncio import Redis

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.scripts import Calls
from lumen.model.incident import Acknowledged, AckResult, Incident, Mentions, PagerState, StoredAlert
from lumen.model.messages import Message
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock


class RedisPages:
    """`lumen.ports.incidents.Pages`."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._calls = Calls(redis)
        self._clock = clock

    async def unsettled(self, service: ServiceId) -> list[Incident]:
        reply = await self._calls.read("page_read", service)
        return [_page(service, *found) for found in reply.values]

    async def acknowledge(self, service: ServiceId, incident_id: str, person: Person) -> AckResult:
        taken = Acknowledged(person, self._clock.now())
        reply = await self._calls.change(
            "page_take", service, incident_id, encode(taken), taken.at.isoformat(), person.user_id
        )
        outcome, known = reply.values
        return AckResult(outcome == "won", decode(Acknowledged, known) if known else None)

    async def mention(self, service: ServiceId, incident_id: str, number: int, *, say: bool) -> None:
        mentions = Mentions(number, self._clock.now())
        at, said = mentions.at.isoformat(), "1" if say else ""
        await self._calls.change("page_mention", service, incident_id, number, at, encode(mentions), said)

    async def pager(self, service: ServiceId, incident_id: str, state: PagerState) -> None:
        event = "pager-trouble" if state.trouble else f"pager-{state.step}"
        trouble = "1" if state.trouble else ""
        at = self._clock.now().isoformat()
        await self._calls.change("page_pager", service, incident_id, encode(state), at, event, trouble)


def _page(
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
