"""Calling the people on call: once at the opening, again until somebody is on it, a bounded number of times."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from handlers.blocks.escalation import calls_ended_card
from lumen.adapters.store.alerts import RedisAlerts, RedisPages
from lumen.adapters.store.controls import RedisSilences
from lumen.model.alert import AlertKind, Severity, short_id
from lumen.model.incident import CALLS_END, CALLS_ROUND, MOST_REPEATS, StoredAlert
from lumen.model.service import Permit
from lumen.ports.store import Surface
from lumen.use_cases.on_call import Calling, Silencing, Timelines
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, LEE, SERVICE, Store, patient
from tests.contract.use_cases.incidents import behind, events, over, page, told

MINUTE = timedelta(minutes=1)
EN = Catalogue("en")


@dataclass
class Desk:
    store: Store
    every: timedelta = 10 * MINUTE

    @property
    def pages(self) -> RedisPages:
        return RedisPages(self.store.redis, self.store.clock)

    @property
    def silences(self) -> RedisSilences:
        return RedisSilences(self.store.redis, self.store.clock)

    @property
    def alerts(self) -> RedisAlerts:
        return RedisAlerts(self.store.redis, self.store.clock)

    @property
    def silencing(self) -> Silencing:
        return Silencing(self.silences, self.alerts, self.store.outbox, self.store.clock)

    def calling(self) -> Calling:
        """That of a replica: it remembers nothing by itself."""
        return Calling(self.pages, self.silences, self.store.clock, self.every)

    async def minutes(self, count: int) -> int:
        """Each minute looked at by two replicas; how often somebody was mentioned."""
        mentioned = 0
        for _ in range(count):
            self.store.clock.time += MINUTE
            said = await asyncio.gather(self.calling().due(SERVICE), self.calling().due(SERVICE))
            mentioned += any(said)
        return mentioned


@pytest.fixture
async def desk(state_url: str) -> AsyncIterator[Desk]:
    redis = patient(state_url)
    store = Store.over(redis)
    await store.prepare()
    yield Desk(store)
    await redis.aclose()


async def opened(desk: Desk, *, called: bool = True) -> str:
    alert = page(desk.store.clock.time)
    await told(desk.store, StoredAlert(alert, alert.id, called=called))
    return alert.id


async def test_the_message_itself_calls_first_and_the_thread_again_until_the_bound(desk: Desk) -> None:
    key = await opened(desk)
    assert await desk.minutes(9) == 0
    assert await behind(desk.store, "mention") == []
    assert await desk.minutes(2) == 1
    assert await behind(desk.store, "mention") == [f"{key}#1"]
    assert await desk.minutes(300) == MOST_REPEATS
    assert await behind(desk.store, "mention") == [f"{key}#{n}" for n in range(1, CALLS_END + 1)]
    assert len(await events(desk.store, "mentioned")) == MOST_REPEATS
    assert len(await events(desk.store, "calls-ended")) == 1


@pytest.mark.parametrize(
    ("escalation", "says"),
    [
        ("S0LEADS", "<!subteam^S0LEADS>: nobody has answered 7 calls. Please look at ion-api: availability, since"),
        ("pager", "the pager is called instead, and nobody here any more."),
        ("", "and nobody is called any more. It is still open"),
    ],
)
async def test_what_nobody_answers_goes_to_whoever_is_named_once_and_the_thread_says_so(
    desk: Desk, escalation: str, says: str
) -> None:
    key = await opened(desk)
    await desk.minutes(60)
    assert f"{key}#{CALLS_END}" not in await behind(desk.store, "mention")
    await desk.minutes(20)
    assert (await behind(desk.store, "mention"))[-1] == f"{key}#{CALLS_END}"
    incident = await desk.alerts.incident(SERVICE, key)
    assert incident is not None
    card = calls_ended_card(EN, incident, "S0ONCALL", escalation)
    assert card is not None
    assert says in card.text
    assert card.under == Surface(SERVICE, "alert", key)
    # Whoever answers at that very moment is heard: it is looked at again when the message is made.
    await desk.calling().acknowledge(SERVICE, key, Permit(KIM))
    taken = await desk.alerts.incident(SERVICE, key)
    assert taken is not None
    assert calls_ended_card(EN, taken, "S0ONCALL", escalation) is None


async def test_what_is_given_back_is_called_for_again_from_the_first_and_each_call_has_its_message(desk: Desk) -> None:
    key = await opened(desk)
    await desk.minutes(80)
    await desk.calling().acknowledge(SERVICE, key, Permit(KIM))
    assert await desk.minutes(30) == 0
    await desk.calling().hand_over(SERVICE, key, Permit(KIM), None)
    assert await desk.minutes(11) == 1
    assert await desk.minutes(100) == MOST_REPEATS
    numbers = [int(one.rpartition("#")[2]) for one in await behind(desk.store, "mention")]
    assert numbers == [*range(1, CALLS_END + 1), *range(CALLS_ROUND + 1, CALLS_ROUND + CALLS_END + 1)]
    assert len(await events(desk.store, "calls-ended")) == 2


@pytest.mark.parametrize("ends", ["taken", "silenced", "over"])
async def test_what_is_taken_silenced_or_over_escalates_to_nobody(desk: Desk, ends: str) -> None:
    key = await opened(desk)
    await desk.minutes(65)
    if ends == "taken":
        await desk.calling().acknowledge(SERVICE, key, Permit(KIM))
    elif ends == "silenced":
        await desk.silencing.silence(SERVICE, "availability", Permit(KIM), timedelta(days=1))
    else:
        incident = await desk.alerts.incident(SERVICE, key)
        assert incident is not None
        await told(desk.store, StoredAlert(over(incident.alerts[0].alert, desk.store.clock.time), key, called=True))
    assert await desk.minutes(60) == 0
    assert await events(desk.store, "calls-ended") == []


async def test_a_message_that_was_no_page_when_it_was_posted_calls_in_its_thread_at_once(desk: Desk) -> None:
    key = await opened(desk, called=False)
    assert await desk.minutes(2) == 1
    assert await behind(desk.store, "mention") == [f"{key}#0"]


async def test_only_once_where_that_is_asked_for(desk: Desk) -> None:
    desk.every = timedelta(0)
    await opened(desk)
    assert await desk.minutes(100) == 0


async def test_somebody_on_it_stops_the_mentions_and_is_the_first_of_fifty(desk: Desk) -> None:
    key = await opened(desk)
    taking = await asyncio.gather(*(desk.calling().acknowledge(SERVICE, key, Permit(one)) for one in [KIM, LEE] * 25))
    assert sum(one.won for one in taking) == 1
    assert len({one.acknowledged for one in taking}) == 1
    assert await desk.minutes(60) == 0
    incident = await desk.alerts.incident(SERVICE, key)
    assert incident is not None
    assert incident.acknowledged == taking[0].acknowledged
    assert [event for event, _, detail in await events(desk.store, "taken")] == ["taken"]


async def test_a_ticket_calls_nobody_and_nobody_is_called_once_it_is_over(desk: Desk) -> None:
    ticket = page(desk.store.clock.time, Severity.TICKET, AlertKind.CACHE)
    await told(desk.store, StoredAlert(ticket, ticket.id))
    assert await desk.minutes(30) == 0
    alert = page(desk.store.clock.time)
    await told(desk.store, StoredAlert(alert, alert.id, called=True))
    await desk.minutes(5)
    await told(desk.store, StoredAlert(over(alert, desk.store.clock.time), alert.id, called=True))
    assert await desk.minutes(60) == 0
    assert (await desk.calling().acknowledge(SERVICE, alert.id, Permit(KIM))).acknowledged is None


async def test_a_silence_holds_the_calls_back_and_its_end_lets_them_come(desk: Desk) -> None:
    key = await opened(desk)
    await desk.minutes(1)
    await desk.silencing.silence(SERVICE, "availability", Permit(KIM), 30 * MINUTE)
    assert await desk.minutes(29) == 0
    assert await desk.minutes(2) == 1
    assert await behind(desk.store, "mention") == [f"{key}#1"]


async def test_the_timeline_tells_of_everything_that_concerned_it_and_of_nothing_else(desk: Desk) -> None:
    key = await opened(desk)
    other = page(desk.store.clock.time, Severity.TICKET, AlertKind.COST)
    await told(desk.store, StoredAlert(other, other.id))
    await desk.alerts.note(SERVICE, key, (other.reason,))
    await desk.minutes(11)
    await desk.calling().acknowledge(SERVICE, key, Permit(KIM))
    incident = await desk.alerts.incident(SERVICE, key)
    assert incident is not None
    closed = over(incident.alerts[0].alert, desk.store.clock.time)
    await told(desk.store, StoredAlert(closed, key, called=True))
    timelines = Timelines(desk.alerts, desk.store.audit)
    found = await timelines.of(SERVICE, key.replace(":", " "))
    assert await timelines.of(SERVICE, short_id(key)) == found
    assert await timelines.of(SERVICE, f"#{short_id(key).upper()}") == found
    assert [entry.event for entry in found.entries] == [
        "page-open",
        "rollback-note",
        "mentioned",
        "taken",
        "page-closed",
    ]
    assert [one.id for one in await timelines.newest(SERVICE, 5)] == [other.id, key]
