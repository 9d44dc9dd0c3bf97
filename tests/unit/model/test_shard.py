"""Shards: each service belongs to exactly one, whoever asks; messages are read as they were written, or not at all."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.model.service import ServiceId
from lumen.model.shard import LEAST_SHARDS, SERVICES_A_SHARD, Schedule, Shard, shard_from, shards_of

SLOT = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
GOOD = {"version": 1, "schedule": "look", "slot": SLOT.isoformat(), "shard": 3, "of": 12}


def services(count: int) -> list[ServiceId]:
    return [ServiceId("naeda-genesis", "us-central1", f"svc-{number:04d}") for number in range(count)]


@settings(max_examples=20)
@given(st.integers(1, 2000), st.sampled_from(Schedule))
def test_each_service_is_in_one_shard_and_shards_are_of_a_size(count: int, schedule: Schedule) -> None:
    shards, known = shards_of(schedule, SLOT, count), services(count)
    parts = [shard.mine(known) for shard in shards]
    assert sorted(one.key for part in parts for one in part) == [one.key for one in known]
    assert max(map(len, parts)) <= 2 * SERVICES_A_SHARD
    assert len(shards) >= min(count, LEAST_SHARDS)
    assert [shard_from(shard.encoded()) for shard in shards] == list(shards)


def test_a_worker_with_another_services_file_does_those_that_it_knows() -> None:
    shard = shards_of(Schedule.LOOK, SLOT, 60)[5]
    older, newer = services(40), services(80)
    assert set(shard.mine(older)) == set(shard.mine(newer)) & set(older)


def test_a_message_without_a_slot_asks_for_all_of_it() -> None:
    assert shard_from(b'{"version":1,"schedule":"turn"}') == Shard(Schedule.TURN)
    assert shard_from(Shard(Schedule.LOOK).encoded()) == Shard(Schedule.LOOK)


@pytest.mark.parametrize(
    "said",
    [
        *({**GOOD, name: value} for name, value in (
            ("version", 2), ("version", None), ("schedule", "watch"), ("slot", "yesterday"), ("slot", 5),
            ("slot", "2026-03-01T12:05:00"), ("shard", 12), ("shard", -1), ("shard", True), ("shard", 1.0),
            ("of", 0), ("of", 10**6), ("of", "12"),
        )),
        *({name: value for name, value in GOOD.items() if name != gone} for gone in ("version", "schedule", "shard")),
        [], 7, None, "look",
    ],
)  # fmt: skip
def test_what_is_no_such_message_is_never_read_as_one(said: Any) -> None:
    with pytest.raises(ValueError):
        shard_from(json.dumps(said).encode())


@given(st.binary(max_size=2000))
def test_no_bytes_do_more_than_raise_valueerror(data: bytes) -> None:
    try:
        shard_from(data)
    except ValueError:
        return
