"""Overrides, locks and votes in the store: kept with who, why and until; audited; one vote completes."""

import asyncio
from datetime import timedelta

import pytest

from lumen.adapters.store.controls import RedisControls
from lumen.model.incident import SizeLock, TtlOverride
from lumen.model.service import Person, ServiceId
from lumen.ports.incidents import Asked, Vote, Voted
from tests.contract.store.builders import KIM, LEE, OTHER, SERVICE, Store

HOUR = timedelta(hours=1)
SHORT = timedelta(milliseconds=30)


@pytest.fixture
def controls(store: Store) -> RedisControls:
    return RedisControls(store.redis, store.clock)


async def events(store: Store) -> list[tuple[str, str, str]]:
    return [(e.event, e.actor, e.detail) for e in reversed(await store.audit.entries(SERVICE, 50))]


async def test_an_override_is_kept_replaced_and_lifted(store: Store, controls: RedisControls) -> None:
    now = store.clock.now()
    assert (await controls.read(SERVICE)).override is None
    first = TtlOverride(600, KIM, now, now + HOUR, "load “test”")
    await controls.override(SERVICE, first)
    assert (await controls.read(SERVICE)).override == first
    assert (await controls.read(OTHER)).override is None
    second = TtlOverride(420, LEE, now)
    await controls.override(SERVICE, second)
    assert (await controls.read(SERVICE)).override == second
    assert await controls.lift_override(SERVICE, KIM)
    assert not await controls.lift_override(SERVICE, KIM)
    assert (await controls.read(SERVICE)).override is None
    assert await events(store) == [
        ("override-set", "U1", f"600 {(now + HOUR).isoformat()}"),
        ("override-set", "U2", "420 until lifted"),
        ("override-lifted", "U1", ""),
    ]


async def test_a_lock_is_kept_and_lifted(store: Store, controls: RedisControls) -> None:
    lock = SizeLock(KIM, store.clock.now(), None, "migration")
    await controls.lock_size(SERVICE, lock)
    assert (await controls.read(SERVICE)).size_lock == lock
    assert await controls.unlock_size(SERVICE, LEE)
    assert not await controls.unlock_size(SERVICE, LEE)
    assert [event for event, _, _ in await events(store)] == ["size-locked", "size-unlocked"]


ASKED = "U1/click-1"


def vote(person: Person, needed: int = 2, counts_for: timedelta = HOUR, asked: str = ASKED) -> Vote:
    return Vote("flush", person, needed, counts_for, asked)


async def ask(controls: RedisControls, service: ServiceId = SERVICE, lasts: timedelta = HOUR) -> None:
    await controls.ask(service, Asked("flush", "click-1", KIM, lasts))


async def test_different_people_are_counted_once_each(store: Store, controls: RedisControls) -> None:
    await ask(controls)
    await ask(controls, OTHER)
    assert await controls.vote(SERVICE, vote(KIM)) == Voted(complete=False, people=(KIM,))
    assert await controls.vote(SERVICE, vote(KIM)) == Voted(complete=False, people=(KIM,))
    assert await controls.vote(OTHER, vote(LEE)) == Voted(complete=False, people=(LEE,))
    assert await controls.vote(SERVICE, vote(LEE)) == Voted(complete=True, people=(KIM, LEE))
    assert await controls.vote(SERVICE, vote(LEE)) is None  # it was used
    assert await events(store) == [("agreed", "U1", "flush 1/2"), ("agreed", "U2", "flush 2/2")]
    # What else stands over the service is not touched by votes.
    assert (await controls.read(SERVICE)).override is None


async def test_votes_count_for_a_while(store: Store, controls: RedisControls) -> None:
    await ask(controls)
    await controls.vote(SERVICE, vote(KIM, counts_for=SHORT))
    await store.pass_time(SHORT)
    assert await controls.vote(SERVICE, vote(LEE)) == Voted(complete=False, people=(LEE,))


async def test_of_many_at_once_exactly_one_completes(controls: RedisControls) -> None:
    await ask(controls)
    people = [Person(f"U{n}", f"P{n}", "T1") for n in range(30)]
    votes = await asyncio.gather(*(controls.vote(SERVICE, vote(person, needed=30)) for person in people))
    counted = [voted for voted in votes if voted is not None]
    assert sorted(len(voted.people) for voted in counted) == list(range(1, 31))
    assert sum(voted.complete for voted in counted) == 1


async def test_a_confirmation_is_used_once_by_the_right_person_and_ages_out(
    store: Store, controls: RedisControls
) -> None:
    assert await controls.vote(SERVICE, vote(KIM, 1)) is None  # nobody asked for anything
    await ask(controls)
    assert await controls.vote(SERVICE, vote(LEE, 1)) is None
    assert await controls.vote(SERVICE, vote(KIM, 1, asked="U1/click-0")) is None
    assert await controls.vote(OTHER, vote(KIM, 1)) is None
    assert await controls.vote(SERVICE, vote(KIM, 1)) == Voted(complete=True, people=(KIM,))
    assert await controls.vote(SERVICE, vote(KIM, 1)) is None
    await ask(controls, lasts=SHORT)
    await store.pass_time(SHORT)
    assert await controls.vote(SERVICE, vote(KIM, 1)) is None
    assert await events(store) == []
