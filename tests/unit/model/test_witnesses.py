"""Bounds of what two witnesses tell: the truth is within them whatever one of them leaves out or makes too much of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.witnesses import Bounds, Told, exactly, witnessed

HOUR = 12
COUNTS = st.fixed_dictionaries({}, optional={kind: st.integers(1, 5000) for kind in ("2xx", "3xx", "4xx", "5xx")})


@given(true=COUNTS, kind=st.sampled_from(("2xx", "4xx", "5xx")), times=st.integers(0, 1000), counts=st.booleans())
def test_the_truth_is_within_the_bounds_whatever_one_series_of_one_witness_tells(
    true: dict[str, int], kind: str, times: int, counts: bool
) -> None:
    wrong = {name: count * times if name == kind else count for name, count in true.items()}
    wrong = {name: count for name, count in wrong.items() if count}
    found = Told(wrong, true) if counts else Told(true, wrong)
    bounds, requests, errors = found.bounds(), sum(true.values()), true.get("5xx", 0)
    assert bounds.least_requests <= requests <= bounds.most_requests
    assert bounds.least_errors <= errors <= bounds.most_errors
    if requests:
        assert bounds.least_share <= errors / requests <= bounds.most_share


@given(
    true=COUNTS,
    lost=st.dictionaries(st.sampled_from(("2xx", "3xx", "4xx", "5xx")), st.floats(0, 1)),
    who=st.sampled_from(("counts", "latencies", "both", "nobody asked the second one")),
)
def test_the_truth_is_within_the_bounds_whatever_comes_without_its_class(
    true: dict[str, int], lost: dict[str, float], who: str
) -> None:
    without = {kind: count - round(count * lost.get(kind, 0.0)) for kind, count in true.items()}
    partly = {kind: count for kind, count in without.items() if count}
    if rest := sum(true.values()) - sum(partly.values()):
        partly[""] = rest
    told = {
        "counts": Told(partly, true),
        "latencies": Told(true, partly),
        "both": Told(partly, partly),
        "nobody asked the second one": Told(partly, None),
    }
    bounds, requests, errors = told[who].bounds(), sum(true.values()), true.get("5xx", 0)
    assert bounds.least_requests <= requests <= bounds.most_requests
    assert bounds.least_errors <= errors <= bounds.most_errors


@given(true=COUNTS)
def test_two_that_agree_leave_nothing_open(true: dict[str, int]) -> None:
    assert Told(true, true).bounds() == exactly(sum(true.values()), true.get("5xx", 0))
    assert Told(true, true).bounds().is_exact


@pytest.mark.parametrize(
    ("timed", "least", "most"),
    [(1000, (20, 1000), (20, 1000)), (900, (0, 900), (20, 1000)), (1100, (20, 1000), (120, 1100))],
)
def test_without_classes_the_second_one_tells_of_the_total(
    timed: int, least: tuple[int, int], most: tuple[int, int]
) -> None:
    bounds = Told({"2xx": 980, "5xx": 20}, {"": timed}).bounds()
    assert (bounds.least_errors, bounds.least_requests) == least
    assert (bounds.most_errors, bounds.most_requests) == most


def told(well: int, failed: int) -> Told:
    both = {kind: count for kind, count in (("2xx", well), ("5xx", failed)) if count}
    return Told(dict(both), dict(both))


def newest(*slices: Told) -> Bounds:
    """Of the last slice, of one revision."""
    return witnessed({"r": dict(enumerate(slices))}, HOUR)["r"][len(slices) - 1]


def test_a_class_that_both_lost_is_missed_for_an_hour() -> None:
    bad, silent = [told(980, 20)] * 6, told(980, 0)
    assert newest(*bad, *[silent] * 3).most_errors == 20
    assert newest(*bad, *[silent] * HOUR).most_errors == 20
    assert newest(*bad, *[silent] * (HOUR + 1)) == exactly(980, 0)


def test_it_is_missed_until_it_comes() -> None:
    bad, silent = [told(980, 20)] * 6, told(980, 0)
    assert newest(*bad, silent, silent, told(999, 1)) == exactly(1000, 1)


def test_a_class_whose_requests_went_elsewhere_has_ended() -> None:
    assert newest(*[told(800, 200)] * 6, told(1000, 0)) == exactly(1000, 0)
    assert newest(*[told(800, 200)] * 6, told(800, 0)).most_errors == 200


def test_an_outage_of_every_request_is_certain_though_no_other_class_is_left() -> None:
    whole = newest(*[told(1000, 0)] * 6, told(0, 1000))
    assert whole.least_share == 1.0


def test_what_comes_seldom_is_not_missed() -> None:
    assert newest(*[told(30, 0)] * 5, told(30, 1), *[told(30, 0)] * 8) == exactly(30, 0)


def test_a_revision_that_gave_its_traffic_away_is_not_missed_and_one_that_fell_silent_is() -> None:
    old, new = {at: told(900, 100) for at in range(6)}, {at: told(1000, 0) for at in range(6, 9)}
    assert witnessed({"old": old, "new": new}, HOUR)["new"][8] == exactly(1000, 0)
    assert 8 not in witnessed({"old": old, "new": new}, HOUR)["old"]
    half = {at: told(500, 0) for at in range(9)}
    silent = witnessed({"old": half, "new": {at: told(450, 50) for at in range(6)}}, HOUR)
    assert silent["new"][8] == Bounds(0, 500, 0, 50)
