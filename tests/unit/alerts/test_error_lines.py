"""Entries of a log as the lines that people see: alike ones together, the commonest first, nothing secret."""

from hypothesis import given
from hypothesis import strategies as st

from lumen.alerts.error_lines import LONGEST_SHOWN, commonest, line_of
from lumen.alerts.masking import MARK
from lumen.model.error_lines import ErrorLine


def test_entries_that_differ_in_figures_and_ids_alone_are_one_line_and_the_commonest_is_first() -> None:
    texts = [f"TimeoutError: mentor {n:032x} after {n} ms" for n in range(40)]
    texts += [f"KeyError: 'plan' for user=u{n}" for n in range(7)] + ["RuntimeError: Event loop is closed"] * 9
    texts += ["once"]
    assert commonest(texts) == (
        ErrorLine(f"TimeoutError: mentor {MARK} after 0 ms", 40),
        ErrorLine("RuntimeError: Event loop is closed", 9),
        ErrorLine(f"KeyError: 'plan' for user={MARK}", 7),
    )


def test_the_line_that_says_what_is_wrong_is_taken() -> None:
    python = (
        'Traceback (most recent call last):\n  File "/app/a.py", line 3, in answer\n    ask()\nValueError: no plan\n'
    )
    java = "java.lang.IllegalStateException: no plan\n\tat com.ion.Plan.of(Plan.java:41)\n"
    assert line_of(python) == "ValueError: no plan"
    assert line_of(java) == "java.lang.IllegalStateException: no plan"
    assert line_of(" \n ") == ""


@given(st.lists(st.text(max_size=80), max_size=30))
def test_any_entries_give_three_lines_at_most_none_longer_than_shown(texts: list[str]) -> None:
    found = commonest(texts)
    assert len(found) <= 3
    assert sum(one.count for one in found) <= len(texts)
    assert all(0 < len(one.text) <= LONGEST_SHOWN for one in found)
