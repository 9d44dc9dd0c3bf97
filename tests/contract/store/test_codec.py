"""What was written is what is read: every value of the model, NoData never taken for a figure."""

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumen.adapters.store.codec import decode, encode, encode_known
from lumen.model.alert import Observation
from lumen.model.assessment import NO_PACE, ErrorBudget
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Decision, Draft
from lumen.model.service import Person
from lumen.model.snapshot import CacheStats
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue
from tests.contract.store.values import values

DEEP = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type, all the way down: 1 is not 1.0 here, and no NoData is a figure."""
    if type(one) is not type(other):
        # A whole number stands where a float is declared.
        return isinstance(one, int | float) and one == other
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("kind", [Draft, Decision, Message, Person])
def test_small_values_come_back(kind: type) -> None:
    @given(values(kind))
    @DEEP
    def comes_back(value: Any) -> None:
        text = encode(value)
        assert "\n" not in text
        assert same(decode(kind, text), value)

    comes_back()


@given(st.data())
@settings(DEEP, max_examples=6)
def test_turns_come_back(data: st.DataObject) -> None:
    turn = data.draw(values(Turn))
    assert same(decode(Turn, encode(turn)), turn)


@given(values(Observation), st.sampled_from([None, "null", "nullable"]))
@DEEP
def test_what_is_known_comes_back(seen: Observation, revision: str | None) -> None:
    seen = dataclasses.replace(seen, revision=revision, latency=None)
    text = encode_known(seen, {"latency"})
    assert same(decode(Observation, text), seen)
    assert ":null" not in text
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_known(dataclasses.replace(seen, cost_usd=float("nan")), {"latency"})


@given(values(Message))
@DEEP
def test_parameters_keep_their_type(value: Message) -> None:
    """ "7" stays text, 7 a whole number and 7.0 a float: templates format them differently."""
    read = decode(Message, encode(value))
    assert {k: (type(v), v) for k, v in read.params.items()} == {k: (type(v), v) for k, v in value.params.items()}


def test_no_data_is_not_taken_for_a_figure() -> None:
    why = NoData(message("cache.gone"), message("cache.gone_remedy"), unreachable=True)
    stats = CacheStats(3600.0, 0, 0, 0, 0.0, why, why, "")
    assert decode(CacheStats, encode(stats)) == stats


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_what_is_no_figure_is_refused(figure: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(message("a.b", x=figure))


def test_a_budget_whose_pace_was_todays_alone_is_read_without_one() -> None:
    stored = (
        '{"name":"availability","target":0.995,"window_days":30,"known_days":30.0,"valid":8640,"bad":2,"allowed":43.2,'
        '"remaining":0.95,"remaining_of_known":0.95,"burn_today":1.4,"shown":{"code":"budget.availability","params":'
        '{"bad":2,"allowed":43.2,"remaining":0.95,"days":30.0,"target":0.995}}}'
    )
    found = decode(ErrorBudget, stored)
    assert (found.remaining, found.burn, found.lasts_days) == (0.95, NO_PACE, None)
    assert "95% is left" in Catalogue("en").plain(found.shown)


def test_a_field_of_a_newer_version_is_passed_over_and_a_wrong_type_is_not() -> None:
    assert decode(Person, '{"user_id":"U1","name":"Kim","team_id":"T1","rank":3}') == Person("U1", "Kim", "T1")
    with pytest.raises(ValueError, match="user_id"):
        decode(Person, '{"user_id":7,"name":"Kim","team_id":"T1"}')
