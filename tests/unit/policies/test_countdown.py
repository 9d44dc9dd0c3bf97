"""What a rollback's countdown comes to: the whole table, row by row and all combinations."""

from dataclasses import replace
from itertools import product

import pytest

from lumen.model.messages import message
from lumen.policies.auto_apply import End, RollbackAtEnd, rollback_end
from lumen.policies.rollback import RollbackAdvice

GUILTY = RollbackAtEnd(
    wanted="old",
    moved=False,
    page_open=True,
    data_complete=True,
    failing=True,
    held=(),
    advice=RollbackAdvice("old", ()),
    good_revision="old",
)
PAUSED = (message("policy.held_paused"),)
NOT_WORSE = RollbackAdvice(None, (message("policy.rollback_not_worse", newest="new", previous="old"),))
NO_TARGET = RollbackAdvice(None, (message("policy.rollback_no_target"),))


def test_only_when_everything_still_holds_it_acts() -> None:
    assert rollback_end(GUILTY).end is End.ACT


@pytest.mark.parametrize(
    ("changes", "end", "code", "target"),
    [
        # Somebody moved the traffic (a rollback by hand, a deploy): theirs holds, whatever else is so.
        ({"moved": True}, End.WITHDRAW, "rollback.moved", None),
        ({"moved": True, "failing": None, "held": PAUSED}, End.WITHDRAW, "rollback.moved", None),
        # No data is never a reason to act, nor to believe that it is over.
        ({"data_complete": False}, End.ASK, "rollback.no_data", "old"),
        ({"failing": None}, End.ASK, "rollback.no_data", "old"),
        ({"failing": None, "good_revision": None, "advice": NO_TARGET}, End.ASK, "rollback.no_data", "old"),
        # Recovered.
        ({"failing": False}, End.WITHDRAW, "rollback.recovered", None),
        ({"page_open": False}, End.WITHDRAW, "rollback.recovered", None),
        ({"page_open": False, "data_complete": False, "failing": None}, End.WITHDRAW, "rollback.recovered", None),
        ({"failing": False, "held": PAUSED}, End.WITHDRAW, "rollback.recovered", None),
        # Nothing to go back to: a person is told, and there is nothing to approve.
        ({"good_revision": None, "advice": NO_TARGET}, End.ASK, "rollback.nothing_good", None),
        ({"good_revision": None, "advice": NO_TARGET, "held": PAUSED}, End.ASK, "rollback.nothing_good", None),
        # Automation is held back: a person may still approve.
        ({"held": PAUSED}, End.ASK, "policy.held_paused", "old"),
        # Something else speaks against it now.
        ({"advice": NOT_WORSE}, End.ASK, "policy.rollback_not_worse", "old"),
        # A better target: another countdown begins for it.
        (
            {"advice": RollbackAdvice("older", ()), "good_revision": "older"},
            End.WITHDRAW,
            "rollback.other_target",
            None,
        ),
    ],
)
def test_every_row_of_the_table(changes: dict[str, object], end: End, code: str, target: str | None) -> None:
    found = rollback_end(replace(GUILTY, **changes))  # type: ignore[arg-type]
    assert (found.end, found.reasons[0].code, found.target) == (end, code, target)


def test_no_combination_acts_but_the_one() -> None:
    parts: list[tuple[str, tuple[object, ...]]] = [
        ("moved", (False, True)),
        ("page_open", (True, False)),
        ("data_complete", (True, False)),
        ("failing", (True, False, None)),
        ("held", ((), PAUSED)),
        ("advice", (RollbackAdvice("old", ()), RollbackAdvice("older", ()), NOT_WORSE, NO_TARGET)),
        ("good_revision", ("old", "older", None)),
    ]
    acting = []
    for values in product(*(choices for _, choices in parts)):
        now = replace(GUILTY, **dict(zip((name for name, _ in parts), values, strict=True)))  # type: ignore[arg-type]
        ending = rollback_end(now)
        assert bool(ending.reasons) == (ending.end is not End.ACT)  # whatever does not act says why
        if ending.end is End.ACT:
            acting.append(now)
    assert {(n.wanted, n.advice.target, n.moved, n.page_open, n.failing, n.data_complete, n.held) for n in acting} == {
        ("old", "old", False, True, True, True, ())
    }
