"""How far figures stray is worked out where it is asked for, and is the same whenever that is."""

from datetime import UTC, datetime

import numpy as np

from lumen.alerts.usual import LATER, LEARNT, SINGLE, TOLD, WINDOWS, UsualLevel
from lumen.model.snapshot import SLICE

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, EVERY = 19, 97


def test_how_far_figures_stray_does_not_depend_on_when_it_was_asked_before() -> None:
    dice = np.random.default_rng(11)
    often, seldom = UsualLevel((SINGLE, *WINDOWS)), UsualLevel((SINGLE, *WINDOWS))
    compared = 0
    for index in range(DAYS * 288):
        at, value = START + index * SLICE, float(dice.normal(5, 0.2))
        if index % 1000 < 40 or dice.random() < 0.05:
            continue  # gaps, also long ones
        mark = LATER if 2500 < index < 2540 else LEARNT
        first, second = often.usual(at, 100), seldom.usual(at, 100)
        if first is not None and second is not None:
            assert (first.value, first.expected) == (second.value, second.expected)
            missed, spread = first.missed, first.spread
            if index % EVERY == 0:
                now = [*second.missed.values(), *second.spread.values()]
                assert np.allclose(now, [*missed.values(), *spread.values()])
                compared += 1
        for one in (often, seldom):
            if index == 2540:
                one.mark(30, TOLD)
            if index == 4100:
                one.accept(START + 4000 * SLICE)
            one.learn(at, value, 100, mark)
    assert compared > 20
