"""A pager outside of Slack over real HTTP: every page, each step at least once, in order, whatever crashes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from handlers.blocks.incident import incident_card
from lumen.adapters.pagers import WebhookPager, alertmanager_alerts, pagerduty_event
from lumen.adapters.store.alerts import RedisAlerts, RedisPages
from lumen.adapters.store.controls import RedisSilences
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.answers import IncidentReadout
from lumen.model.incident import CALLS_END, CALLS_ROUND, PagerStep, StoredAlert, Unheard
from lumen.model.service import Permit
from lumen.ports.clock import FaultPoint, no_fault
from lumen.use_cases.on_call import Silencing
from lumen.use_cases.paging import MOST_TRIES, Paging
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, SERVICE, Store, patient
from tests.contract.use_cases.crashes import Crash, crash_at
from tests.contract.use_cases.incidents import behind, events, over, page, told
from tests.pager_server import ROUTING_KEY, PagerServer, pager_server


@dataclass
class Desk:
    store: Store
    server: PagerServer
    opened: list[Alert] = field(default_factory=list)

    @property
    def silencing(self) -> Silencing:
        store = self.store
        alerts, silences = RedisAlerts(store.redis, store.clock), RedisSilences(store.redis, store.clock)
        return Silencing(silences, alerts, store.outbox, store.clock)

    @property
    def pages(self) -> RedisPages:
        return RedisPages(self.store.redis, self.store.clock)

    def paging(
        self, fault: FaultPoint = no_fault, *, alertmanager: bool = False, only_unanswered: bool = False
    ) -> Paging:
        """A replica's, or that of a process that was started anew."""
        store = self.store
        if alertmanager:
            pager = WebhookPager(f"{self.server.url}/api/v2/alerts", alertmanager_alerts, must_hear_again=True)
        else:
            form = partial(pagerduty_event, ROUTING_KEY)
            pager = WebhookPager(f"{self.server.url}/v2/enqueue", form, must_hear_again=False)
        silences, plain = RedisSilences(store.redis, store.clock), Catalogue("en").plain
        return Paging(self.pages, silences, store.claims, pager, plain, fault, only_unanswered)

    async def open(self) -> str:
        alert = page(self.store.clock.time)
        self.opened.append(alert)
        await told(self.store, StoredAlert(alert, alert.id, called=True))
        return alert.id

    async def close(self) -> None:
        self.store.clock.time += timedelta(minutes=30)
        alert = over(self.opened.pop(), self.store.clock.time)
        await told(self.store, StoredAlert(alert, alert.id, called=True))


@pytest.fixture
async def desk(state_url: str) -> AsyncIterator[Desk]:
    redis = patient(state_url)
    store = Store.over(redis)
    await store.prepare()
    async with pager_server() as server:
        yield Desk(store, server)
    await redis.aclose()


async def test_a_call_that_slack_does_not_take_goes_to_the_pager_once(desk: Desk) -> None:
    paging, incident_id = desk.paging(), await desk.open()
    assert await paging.settle(SERVICE)
    first = Unheard(f"{incident_id}#1", incident_id, "is_archived")
    assert await paging.settle(SERVICE, [first])
    assert not await paging.settle(SERVICE, [first])
    assert await paging.settle(SERVICE, [first, replace(first, call=f"{incident_id}#2")])
    assert not await paging.settle(SERVICE)
    said = [body["payload"]["summary"] for body in desk.server.bodies]
    assert ["is_archived" in one for one in said] == [False, True, True]
    assert len({body["dedup_key"] for body in desk.server.bodies}) == 1
    await desk.pages.acknowledge(SERVICE, incident_id, KIM)
    assert await paging.settle(SERVICE, [replace(first, call=f"{incident_id}#3")])
    assert [body["event_action"] for body in desk.server.bodies][3:] == ["acknowledge"]


async def test_a_pager_that_is_called_for_what_nobody_answers_hears_of_nothing_else(desk: Desk) -> None:
    key = await desk.open()
    for number in range(CALLS_END):
        await desk.pages.mention(SERVICE, key, number, say=True)
        assert not await desk.paging(only_unanswered=True).settle(SERVICE)
    await desk.pages.mention(SERVICE, key, CALLS_END, say=True)
    for _ in range(3):  # of several replicas, and after restarts
        await asyncio.gather(*(desk.paging(only_unanswered=True).settle(SERVICE) for _ in range(2)))
    assert desk.server.steps == ["trigger"]
    assert "Nobody has answered the calls in Slack." in desk.server.bodies[0]["payload"]["summary"]
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await desk.paging(only_unanswered=True).settle(SERVICE)
    await desk.close()
    await desk.paging(only_unanswered=True).settle(SERVICE)
    assert desk.server.steps == ["trigger", "acknowledge", "resolve"]


async def test_a_call_that_slack_does_not_take_reaches_that_pager_at_once(desk: Desk) -> None:
    paging, key = desk.paging(only_unanswered=True), await desk.open()
    assert not await paging.settle(SERVICE)
    assert await paging.settle(SERVICE, [Unheard(f"{key}#1", key, "is_archived")])
    assert desk.server.steps == ["trigger"]


@pytest.mark.parametrize("told", ["Wed, 21 Oct 2026 07:28:00 GMT", "", "1.5, 2", "inf", "1e300", "nan", "-4"])
async def test_an_odd_retry_after_of_a_pager_is_no_exception(desk: Desk, told: str) -> None:
    paging = desk.paging()
    await desk.open()
    desk.server.answers, desk.server.headers = [429], {"Retry-After": told}
    assert not await paging.settle(SERVICE)
    desk.store.clock.time += timedelta(hours=1)
    assert await paging.settle(SERVICE)


async def test_a_page_is_triggered_acknowledged_and_resolved_once_each(desk: Desk) -> None:
    paging = desk.paging()
    assert not await paging.settle(SERVICE)
    key = await desk.open()
    for _ in range(3):
        await paging.settle(SERVICE)
    await desk.pages.acknowledge(SERVICE, key, KIM)
    for _ in range(3):
        await desk.paging().settle(SERVICE)
    await desk.close()
    for _ in range(3):
        await paging.settle(SERVICE)
    assert desk.server.steps == ["trigger", "acknowledge", "resolve"]
    assert {body["dedup_key"] for body in desk.server.bodies} == {f"{SERVICE.project}/{SERVICE.region}/{key}"}
    assert "The error budget burns 34.4 times too fast" in desk.server.bodies[0]["payload"]["summary"]
    found = await events(desk.store, "pager-trigger", "pager-acknowledge", "pager-resolve")
    assert [event for event, _, _ in found] == ["pager-trigger", "pager-acknowledge", "pager-resolve"]
    assert await desk.pages.unsettled(SERVICE) == []


async def test_replicas_tell_it_once(desk: Desk) -> None:
    await desk.open()
    replicas = [desk.paging() for _ in range(5)]
    await asyncio.gather(*(replica.settle(SERVICE) for replica in replicas))
    assert desk.server.steps == ["trigger"]


async def test_a_crash_after_the_call_repeats_it_under_the_same_key(desk: Desk) -> None:
    key = await desk.open()
    with pytest.raises(Crash):
        await desk.paging(crash_at("pager.called")).settle(SERVICE)
    await desk.close()  # it is over before the next process comes
    await desk.open()
    await desk.paging().settle(SERVICE)
    assert desk.server.steps[:2] == ["trigger", "trigger"]
    assert desk.server.bodies[0]["dedup_key"].rpartition("/")[2] == key


async def test_a_pager_that_does_not_answer_is_tried_again_at_growing_intervals(desk: Desk) -> None:
    await desk.open()
    paging, clock = desk.paging(), desk.store.clock
    desk.server.answers = [503, 429, 500]
    tried_at = []
    for second in range(0, 120, 5):
        asked = desk.server.asked
        await paging.settle(SERVICE)
        tried_at += [second] * (desk.server.asked - asked)
        clock.time += timedelta(seconds=5)
    assert tried_at == [0, 10, 30, 70]
    assert desk.server.steps == ["trigger"]
    assert await events(desk.store, "pager-trouble") == []


async def test_a_pager_that_never_answers_is_given_up_and_that_is_said_once(desk: Desk) -> None:
    key = await desk.open()
    paging = desk.paging()
    desk.server.answers = [503] * 1000
    for _ in range(MOST_TRIES + 20):
        await paging.settle(SERVICE)
        desk.store.clock.time += timedelta(minutes=5)
    assert len(desk.server.answers) == 1000 - MOST_TRIES
    assert [detail for _, _, detail in await events(desk.store, "pager-trouble")] == [key]


async def test_a_refusal_is_said_once_on_the_incident_and_not_tried_again(desk: Desk) -> None:
    key = await desk.open()
    desk.server.answers = [400] * 10
    for _ in range(5):
        await desk.paging().settle(SERVICE)  # also not by a process that is started anew
        desk.store.clock.time += timedelta(minutes=10)
    assert len(desk.server.answers) == 9
    found = await RedisAlerts(desk.store.redis, desk.store.clock).incident(SERVICE, key)
    assert found is not None
    assert found.pager is not None
    assert found.pager.trouble is not None
    assert "400" in Catalogue("en").plain(found.pager.trouble)
    for words in (Catalogue("en"), Catalogue("ko")):
        assert "PAGER_WEBHOOK_URL" in incident_card(words, IncidentReadout(found, desk.store.clock.time)).text
    assert await behind(desk.store, "alert") == [key]
    await desk.close()
    await desk.paging().settle(SERVICE)
    assert desk.server.steps == []  # what it never took cannot be resolved


async def test_nothing_is_told_of_tickets_silenced_pages_or_what_somebody_is_on_already(desk: Desk) -> None:
    ticket = page(desk.store.clock.time, Severity.TICKET, AlertKind.COST)
    await told(desk.store, StoredAlert(ticket, ticket.id))
    await desk.silencing.silence(SERVICE, "availability", Permit(KIM), timedelta(hours=1))
    key = await desk.open()
    await desk.paging().settle(SERVICE)
    assert desk.server.steps == []
    desk.store.clock.time += timedelta(hours=1)
    await desk.paging().settle(SERVICE)
    assert desk.server.steps == ["trigger"]
    other = replace(page(desk.store.clock.time), id="ion-api:availability:other")
    await told(desk.store, StoredAlert(other, other.id))
    await desk.pages.acknowledge(SERVICE, other.id, KIM)
    await desk.paging().settle(SERVICE)
    assert desk.server.steps == ["trigger"]
    assert desk.server.bodies[0]["dedup_key"].rpartition("/")[2] == key


async def test_an_alertmanager_is_told_again_while_it_is_open_and_that_it_ended(desk: Desk) -> None:
    paging = desk.paging(alertmanager=True)
    key = await desk.open()
    opened_at = desk.store.clock.time
    for _ in range(11):
        await paging.settle(SERVICE)
        desk.store.clock.time += timedelta(minutes=1)
    assert len(desk.server.bodies) == 3
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await paging.settle(SERVICE)
    assert desk.server.bodies[-1][0]["annotations"]["acknowledged_by"] == "Kim"
    await desk.close()
    await paging.settle(SERVICE)
    labels = {json.dumps(body[0]["labels"], sort_keys=True) for body in desk.server.bodies}
    assert len(labels) == 1
    last = desk.server.bodies[-1][0]
    assert last["labels"]["incident"] == key
    assert datetime.fromisoformat(last["startsAt"]) == opened_at
    assert datetime.fromisoformat(last["endsAt"]) == desk.store.clock.time
    assert [step for step in PagerStep if await events(desk.store, f"pager-{step}")] == list(PagerStep)


async def test_no_connection_is_no_refusal(desk: Desk) -> None:
    key = await desk.open()
    well, desk.server.url = desk.server.url, "http://127.0.0.1:1"
    await desk.paging().settle(SERVICE)
    desk.server.url = well
    await desk.paging().settle(SERVICE)
    assert [body["dedup_key"].rpartition("/")[2] for body in desk.server.bodies] == [key]


async def test_what_is_given_back_is_triggered_anew_once(desk: Desk) -> None:
    """PagerDuty calls nobody for a trigger of what is acknowledged, so that is resolved first, under the same key."""
    key = await desk.open()
    await desk.paging().settle(SERVICE)
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await desk.paging().settle(SERVICE)
    await desk.pages.hand(SERVICE, key, KIM, None)
    desk.server.answers = [202, 503]  # it is resolved, and the trigger after that does not arrive
    await desk.paging().settle(SERVICE)
    desk.store.clock.time += timedelta(minutes=1)
    for _ in range(3):  # of several replicas, and after restarts
        await asyncio.gather(*(desk.paging().settle(SERVICE) for _ in range(2)))
    assert desk.server.steps == ["trigger", "acknowledge", "resolve", "trigger"]
    assert "has given it back" in desk.server.bodies[-1]["payload"]["summary"]
    assert {body["dedup_key"] for body in desk.server.bodies} == {f"{SERVICE.project}/{SERVICE.region}/{key}"}
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await desk.paging().settle(SERVICE)
    await desk.close()
    await desk.paging().settle(SERVICE)
    assert desk.server.steps[4:] == ["acknowledge", "resolve"]


async def test_an_alertmanager_hears_that_nobody_is_on_it_and_of_no_end(desk: Desk) -> None:
    paging, key = desk.paging(alertmanager=True), await desk.open()
    await paging.settle(SERVICE)
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await paging.settle(SERVICE)
    await desk.pages.hand(SERVICE, key, KIM, None)
    await paging.settle(SERVICE)
    told_of = [body[0] for body in desk.server.bodies]
    assert [one["annotations"].get("acknowledged_by") for one in told_of] == [None, "Kim", None]
    assert all(datetime.fromisoformat(one["endsAt"]) > desk.store.clock.time for one in told_of)


async def test_what_is_given_back_is_called_for_in_slack_before_a_pager_of_what_nobody_answers_hears_of_it(
    desk: Desk,
) -> None:
    key = await desk.open()
    await desk.pages.mention(SERVICE, key, CALLS_END, say=True)
    await desk.paging(only_unanswered=True).settle(SERVICE)
    await desk.pages.acknowledge(SERVICE, key, KIM)
    await desk.paging(only_unanswered=True).settle(SERVICE)
    await desk.pages.hand(SERVICE, key, KIM, None)
    await desk.paging(only_unanswered=True).settle(SERVICE)
    assert desk.server.steps == ["trigger", "acknowledge"]
    await desk.pages.mention(SERVICE, key, CALLS_ROUND + CALLS_END, say=True)
    await desk.paging(only_unanswered=True).settle(SERVICE)
    assert desk.server.steps == ["trigger", "acknowledge", "resolve", "trigger"]
