"""The picture in the README: its words (docs/demo.txt, written by `make pictures`) agree with one another."""

import re
from pathlib import Path

import pytest

from lumen.wording.figures import money, percent

WORDS = (Path(__file__).parents[2] / "docs/demo.txt").read_text(encoding="utf-8")


def figures(pattern: str) -> list[float]:
    """Every number that the pattern's groups find; at least one."""
    found = [float(one.replace(",", "")) for match in re.finditer(pattern, WORDS) for one in match.groups()]
    assert found, pattern
    return found


def test_the_gate_is_the_sum_of_its_parts() -> None:
    (headline,) = figures(r"(?:gate|health score) ([\d.]+) of 100")
    (score,) = figures(r"Score ([\d.]+\d)")
    parts = figures(r"(?:ROI|SLO|maturity|hit rate) ([\d.]+) of \d+")
    assert headline in (score, round(score))
    assert score == pytest.approx(sum(parts), abs=0.05 * (len(parts) + 1))


def test_the_hit_rate_is_the_same_wherever_it_stands() -> None:
    hits, lookups = figures(r"([\d,]+) of ([\d,]+) lookups were hits")
    shown = figures(r"(?:[Hh]it rate\n\D?\D? ?|Hit rate |lookups were hits: )([\d.]+)%")
    assert len(shown) >= 3
    assert set(shown) == {round(100 * hits / lookups, 1)}


def test_the_errors_are_those_of_the_requests() -> None:
    failed, requests, share = figures(r"([\d,]+) of ([\d,]+) requests failed \(5xx\): ([\d.]+)%")
    assert share == pytest.approx(100 * failed / requests, abs=0.0005)
    assert figures(r"(?:Errors \(5xx\)|Error rate)\n\D*([\d.]+)%") == [pytest.approx(share, abs=0.005)]


def test_the_latency_is_the_same_wherever_it_stands() -> None:
    assert figures(r"(?:P95 latency|Latency P95)\n\D*(\d+) ms") == figures(r"P95 is (\d+) ms")


def test_the_money_is_the_same_wherever_it_stands() -> None:
    spent, budget = figures(r"Spent this month\n\$([\d,.]+) of \$([\d,.]+\d)")
    told = re.findall(r"([\d.]+)% of the monthly budget of \$([\d,.]+) is spent \(\$([\d,.]+)\)", WORDS)
    assert set(told) <= {(percent(spent / budget)[:-1], money(budget)[1:], money(spent)[1:])}
