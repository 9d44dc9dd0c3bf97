"""One knob at a time: memory where it binds, then the TTL, then idle memory."""

import pytest

from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.choose import first_of, next_of, only_up
from lumen.policies.size import SizeAdvice

MISSING = NoData(message("backtest.not_given"), message("backtest.not_given_remedy"))


def ttl(step: int) -> Recommendation:
    change = Change(Knob.TTL, 300, 300 + step, "s") if step else None
    return Recommendation(change, "MODERATE", (), Priority.MEDIUM)


def size(step: int, roi: float = 9.0, *, by_day: bool = True) -> SizeAdvice:
    change = Change(Knob.CACHE_SIZE, 256, 256 + step, "MB") if step else None
    return SizeAdvice(Recommendation(change, "", (), Priority.LOW), 9.0, float(step), roi, by_day)


@pytest.mark.parametrize(
    ("ttl_step", "size_step", "knob"),
    [
        (120, 128, Knob.CACHE_SIZE),
        (0, 128, Knob.CACHE_SIZE),
        (120, -64, Knob.TTL),
        (-60, -64, Knob.CACHE_SIZE),
        (-60, 0, None),
        (0, -64, Knob.CACHE_SIZE),
        (120, 0, Knob.TTL),
        (0, 0, None),
        (None, 128, Knob.CACHE_SIZE),
        (120, None, Knob.TTL),
        (0, None, None),
    ],
)
def test_which_comes_first(ttl_step: int | None, size_step: int | None, knob: Knob | None) -> None:
    found = first_of(MISSING if ttl_step is None else ttl(ttl_step), MISSING if size_step is None else size(size_step))
    assert not isinstance(found, NoData)
    assert (found.change.knob if found.change else None) is knob


def test_nothing_known_is_no_recommendation() -> None:
    assert first_of(MISSING, MISSING) is MISSING


def test_memory_that_does_not_pay_for_itself_is_not_proposed() -> None:
    found = first_of(ttl(120), size(128, roi=5.5))
    assert not isinstance(found, NoData)
    assert found.change is not None
    assert found.change.knob is Knob.TTL
    held = first_of(ttl(0), size(128, roi=5.5))
    assert not isinstance(held, NoData)
    assert held.change is None


@pytest.mark.parametrize(
    ("step", "roi", "by_day", "changes", "why"),
    [
        (128, 5.6, True, True, []),
        (128, 5.5, True, False, ["policy.size_not_worth"]),
        (128, 10.0, False, False, ["policy.size_no_day"]),
        (-64, 10.0, True, True, []),
        (-64, 10.0, False, False, ["policy.size_no_day"]),
        (0, 0.0, False, False, []),
    ],
)
def test_what_a_day_has_shown_is_proposed(step: int, roi: float, by_day: bool, changes: bool, why: list[str]) -> None:
    found = first_of(ttl(0), size(step, roi, by_day=by_day))
    assert not isinstance(found, NoData)
    assert (found.change is not None, [reason.code for reason in found.reasons]) == (changes, why)


def instances(new: int) -> Recommendation:
    return Recommendation(Change(Knob.MIN_INSTANCES, 0, new, ""), "SCALE_UP", (), Priority.MEDIUM)


def entries(step: int) -> Recommendation:
    return Recommendation(Change(Knob.L1_ENTRIES, 2000, 2000 + step, ""), "SCALE", (), Priority.LOW)


def test_what_comes_after_the_cache_itself() -> None:
    assert next_of(ttl(120), instances(1), entries(1000)) == ttl(120)
    assert next_of(ttl(0), instances(1), entries(1000)) == instances(1)
    assert next_of(ttl(0), MISSING, entries(1000)) == entries(1000)
    assert next_of(ttl(0), MISSING, MISSING) == ttl(0)
    assert next_of(MISSING, MISSING, MISSING) is MISSING


def test_fewer_entries_in_the_process_are_left_to_people() -> None:
    assert only_up(entries(1000)) == entries(1000)
    assert only_up(MISSING) is MISSING
    fewer = only_up(entries(-1000))
    assert not isinstance(fewer, NoData)
    assert (fewer.change, [reason.code for reason in fewer.reasons]) == (None, ["policy.l1_down_by_people"])
