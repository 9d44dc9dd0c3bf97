"""The message of an incident is edited at the moments at which it says something else, once each."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.incident import incident_card
from lumen.adapters.store.alerts import RedisAlerts
from lumen.adapters.store.controls import RedisSilences
from lumen.model.alert import AlertKind, Observation
from lumen.model.answers import IncidentReadout
from lumen.model.course import OF_NOW
from lumen.model.incident import Silence, StoredAlert
from lumen.model.proposal import Change, Knob
from lumen.model.snapshot import SLICE
from lumen.ports.incidents import Look
from lumen.use_cases import watch
from lumen.use_cases.moments import Moments
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import KIM, SERVICE, Store, draft
from tests.contract.use_cases.conftest import Tower
from tests.contract.use_cases.incidents import LOOK, behind, page
from tests.contract.use_cases.test_rollback import a_countdown, ended

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def open_page(store: Store) -> AsyncIterator[str]:
    """A page with figures that are four minutes old, shown."""
    at = store.clock.time
    alert = page(at)
    lease = await store.leases.acquire(SERVICE, "look", LOOK)
    assert lease is not None
    seen = Observation(at - 4 * MINUTE - SLICE, requests=1000, errors_5xx=80)
    await RedisAlerts(store.redis, store.clock).look(
        SERVICE, lease, Look(None, (seen,), (StoredAlert(alert, alert.id),))
    )
    await shown(store)
    yield alert.id


def moments(store: Store) -> Moments:
    """Of one replica."""
    alerts, silences = RedisAlerts(store.redis, store.clock), RedisSilences(store.redis, store.clock)
    return Moments(alerts, store.proposals, silences, store.clock)


async def shown(store: Store) -> int:
    """Of how many messages of incidents were behind; none is any more."""
    incidents = len(await behind(store, "alert"))
    for dirty in await store.outbox.dirty(SERVICE):
        await store.outbox.shown(dirty, "C1", "1.2")
    return incidents


async def test_it_is_edited_five_two_and_one_minute_before_a_countdown_ends_and_when_its_figures_age(
    store: Store, open_page: str
) -> None:
    begun = store.clock.time
    countdown = replace(draft(), incident=open_page, change=Change(Knob.TRAFFIC, "LATEST", "ion-api-00041", ""))
    made = await store.proposals.propose(countdown, timedelta(days=1), 20 * MINUTE)
    await shown(store)
    replicas = [moments(store) for _ in range(2)]
    edited = []
    for _ in range(2 * 20):
        store.clock.time += MINUTE / 2
        for replica in replicas:
            await replica.due(SERVICE)
        edited += [(store.clock.time - begun) / MINUTE] * await shown(store)
    assert edited == [10.5, 15, 18, 19], "figures are too old; 5, 2, 1 minute before"
    heir = moments(store)
    await heir.due(SERVICE)
    assert await shown(store) == 0, "a restart edits nothing anew"
    await store.proposals.snooze(SERVICE, made.id, KIM, "click", 15 * MINUTE)
    await shown(store)
    edited = []
    for _ in range(15):
        store.clock.time += MINUTE
        await heir.due(SERVICE)
        edited += [(store.clock.time - begun) / MINUTE] * await shown(store)
    assert edited[-3:] == [30, 33, 34], "as many before the later end"


async def test_it_is_edited_when_a_silence_over_it_has_run_out_though_no_look_finds_anything_new(
    store: Store, open_page: str
) -> None:
    silences = RedisSilences(store.redis, store.clock)
    for kind, minutes in ((AlertKind.AVAILABILITY, 5), (AlertKind.CACHE, 3)):
        await silences.put(SERVICE, Silence(kind, store.clock.time + minutes * MINUTE, KIM, store.clock.time))
    await shown(store)
    edited = []
    for minute in range(1, 9):
        store.clock.time += MINUTE
        await moments(store).due(SERVICE)
        edited += [minute] * await shown(store)
    assert edited == [5], "not for what it does not tell of"


async def test_each_look_brings_newer_figures_revision_against_revision_onto_its_message(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "REPLAY", timedelta(days=3))
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    found = []
    for _ in range(3):
        await shown(tower.store)
        await tower.look(replica)
        assert await behind(tower.store, "alert") == [made.shown_in], "not later than the next look"
        seen = await tower.alerts.revisions(SERVICE, made.shown_in)
        assert seen is not None
        assert seen.blamed is not None
        assert seen.before is not None
        assert (seen.blamed.revision, seen.before.revision) == ("r3", "r2")
        assert seen.blamed.errors_5xx / seen.blamed.requests > 0.05 > seen.before.errors_5xx / seen.before.requests
        assert all(seen.at - timedelta(hours=1) <= one.start < seen.at for one in seen.hour)
        found.append((seen.at, seen.blamed.requests))
    (at, requests), *later = found
    assert [when for when, _ in later] == [at + SLICE, at + 2 * SLICE]
    assert later[-1][1] > later[0][1] > requests
    assert await behind(tower.store, "proposal") == [], "it has no message of its own"


def test_figures_are_of_now_until_two_looks_have_brought_no_newer_ones() -> None:
    assert 2 * SLICE < OF_NOW < 3 * SLICE


async def test_the_release_that_was_blamed_is_named_after_it_was_rolled_back_with_what_became_better(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "REPLAY", timedelta(days=3))
    replica = tower.replica()
    made = await a_countdown(tower, replica)
    before = await tower.alerts.revisions(SERVICE, made.shown_in)
    assert before is not None
    await ended(tower, replica)
    await replica.execution.settle(SERVICE)
    seen = None
    for _ in range(4):
        await tower.look(replica)
        seen = await tower.alerts.revisions(SERVICE, made.shown_in)
        assert seen is not None
        assert seen.blamed is not None
        assert seen.blamed.revision == "r3"
    assert seen is not None
    assert seen.blamed is not None
    assert seen.after is not None
    assert seen.blamed_until is not None
    assert before.at <= seen.blamed_until <= seen.after.start
    assert (seen.blamed.revision, seen.after.revision) == ("r3", "r2")
    assert seen.blamed.errors_5xx / seen.blamed.requests > 0.05 > seen.after.errors_5xx / seen.after.requests
    found = IncidentReadout(await tower.incident(), seen.at, tuple(await tower.traffic_proposals()), None, seen)
    said = incident_card(Catalogue("en"), found).text
    assert "· release r3, rolled back" in said.splitlines()[0]
    assert "since the rollback*: `r2` answered" in said
