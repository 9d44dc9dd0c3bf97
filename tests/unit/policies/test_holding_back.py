"""Which changes hold a share of the keys back: the whole table, each row apart from one that does."""

from dataclasses import replace
from pathlib import Path

import pytest

from lumen.model.messages import message
from lumen.model.proposal import LATEST, Change, Draft, Expectation, Knob, Origin
from lumen.policies import predicted
from lumen.policies.holding_back import HELD_PERMILLE, TOO_OLD, held_permille
from tests.proposals import applied

DRAFT = applied("P7", Change(Knob.TTL, 300, 420, "s")).draft


def expected(low: float, middle: float, high: float) -> Draft:
    return replace(DRAFT, expected=Expectation((low, middle, high), (0.0, 0.0, 0.0), 0.9, 0.7))


@pytest.mark.parametrize(
    ("draft", "held"),
    [
        (DRAFT, True),
        (replace(DRAFT, origin=Origin.PERSON), True),
        (replace(DRAFT, change=Change(Knob.TTL, 420, 300, "s")), True),
        (replace(DRAFT, existing=True), True),
        (expected(0.008, 0.012, 0.016), True),
        (expected(-0.03, -0.02, -0.01), True),
        # It may move the hit rate by a point, or nobody can tell.
        (expected(-0.001, 0.004, 0.011), True),
        (expected(0.001, 0.004, 0.009), False),
        (expected(-0.009, -0.004, 0.001), False),
        (replace(DRAFT, origin=Origin.UNDO, undo_of="P3"), False),
        (replace(DRAFT, emergency=True), False),
        (replace(DRAFT, reasons=(message(next(iter(TOO_OLD))),)), False),
        (replace(DRAFT, change=Change(Knob.CACHE_SIZE, 256, 384, "MB")), False),
        (replace(DRAFT, change=Change(Knob.TRAFFIC, "r1", LATEST, "")), False),
    ],
)
def test_the_table(draft: Draft, held: bool) -> None:
    assert held_permille(draft) == (HELD_PERMILLE if held else 0)


def test_the_reasons_that_answers_were_too_old_are_said_by_a_policy() -> None:
    said = Path(predicted.__file__).read_text(encoding="utf-8")
    assert all(f'"{code}"' in said for code in TOO_OLD)
