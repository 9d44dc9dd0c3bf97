"""The pictures in README.md: their words (docs/demo.txt, written by `make pictures`) agree with one another."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
WORDS = re.sub(r"[ \t]+", " ", (DOCS / "demo.txt").read_text(encoding="utf-8"))


def figures(pattern: str) -> list[float]:
    """Every number that the pattern's groups find; at least one."""
    found = [float(one.replace(",", "")) for match in re.finditer(pattern, WORDS) for one in match.groups()]
    assert found, pattern
    return found


def test_the_score_is_the_sum_of_its_parts() -> None:
    headlines = figures(r"health score ([\d.]+) of 100")
    parts = figures(r"(?:ROI|SLO|maturity|hit rate) ([\d.]+) of \d+")
    assert len(set(headlines)) == 1
    assert headlines[0] == pytest.approx(sum(parts), abs=0.05 * (len(parts) + 1))


def test_the_hit_rate_is_the_same_wherever_it_stands() -> None:
    hits, lookups = figures(r"([\d,]+) of ([\d,]+) lookups were hits")
    shown = figures(r"(?:[Hh]it rate ?\n?[^\d\n]{0,4}|lookups were hits: )([\d.]+)%")
    assert len(shown) >= 3
    assert set(shown) == {round(100 * hits / lookups, 1)}


def test_the_errors_are_those_of_the_requests() -> None:
    failed, requests, share = figures(r"([\d,]+) of ([\d,]+) requests failed \(5xx\): ([\d.]+)%")
    assert share == pytest.approx(100 * failed / requests, abs=0.0005)
    assert figures(r"(?:Errors|Error rate)[ \n][^\d\n]{0,3}([\d.]+)%") == [pytest.approx(share, abs=0.005)] * 2


def test_the_latency_is_the_same_wherever_it_stands() -> None:
    assert set(figures(r"Latency P95[ \n][^\d\n]{0,4}(\d+) ms")) == set(figures(r"P95 is (\d+) ms"))


def test_the_money_is_the_same_wherever_it_stands() -> None:
    pairs = figures(r"Spent this month[ \n][^\d\n]{0,4}\$([\d,.]+\d) \(?of \$([\d,.]+\d)")
    assert len(pairs) == 4
    assert pairs[:2] == pairs[2:]


def test_the_incident_says_one_share_and_one_release() -> None:
    (headline,) = figures(r"([\d.]+)% of requests fail for")
    (newest, _) = figures(r"([\d.]+)% of ([\d,]+) requests failed in the 5 minutes")
    assert headline == newest
    assert len(set(re.findall(r"\b00042-\w{3}\b", WORDS))) == 1
    assert len(set(re.findall(r"\b00041-\w{3}\b", WORDS))) == 1


def test_every_picture_in_the_documents_is_one_that_the_target_makes() -> None:
    source = (Path(__file__).parents[1] / "pictures.py").read_text(encoding="utf-8")
    made = set(re.findall(r"\"([\w-]+\.png)\"", source))
    assert made == {picture.name for picture in DOCS.rglob("*.png")}
    shown = "".join(page.read_text(encoding="utf-8") for page in (DOCS.parent / "README.md", DOCS / "tutorial.md"))
    assert all(picture in shown for picture in made)
