"""Each kind of figure is written by one formatter, and what is subtracted agrees with what stands there."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.wording.catalogue import LOCALES, templates
from lumen.wording.figures import count, difference, money, percent, price, shown

ROOT = Path(__file__).parents[3]
ROOMS = ("lumen/wording/*.py", "handlers/blocks/*.py", "bot/reports/*.py", "bot/cli/report_text.py")
#: A number to be copied into a setting, not an amount to be read.
A_SETTING = "doctor.budget_differs_remedy"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        *((money(1204.5), "$1,204.50"), (money(-3), "-$3.00"), (money(-0.001), "$0.00"), (price(0.005), "$0.00500")),
        *((percent(0.725), "72.5%"), (percent(0.8), "80%"), (percent(0), "0%"), (percent(-0.25), "-25%")),
        *((count(43.2), "43.2"), (count(43.0), "43"), (count(3000.4), "3,000")),
        *((percent(0.00123), "0.12%"), (percent(0.00042), "0.042%"), (percent(0.9995), "99.95%"), (percent(1), "100%")),
        *((percent(0.99996), "99.996%"), (percent(20.3675), "2,037%"), (percent(-0.0000001), "0%")),
        *((shown(4.68, "+$"), "+$4.68"), (shown(-4.68, "+$"), "−$4.68"), (shown(0.1, "+%"), "+10%")),
        *((shown(3.25, ".1f"), "3.2"), (shown("x", ""), "x"), (shown("ion-api", ""), "ion-api")),
        *((shown(-1.5, "+.1f"), "−1.5"), (shown(-3, "+d"), "−3"), (shown(-0.25, "%"), "−25%"), (shown(-2, ""), "−2")),
        *((shown(-0.04, "+.1f"), "+0.0"), (shown(-0.001, "$"), "$0.00"), (shown(0.0, "+%"), "+0%")),
    ],
)
def test_a_figure(told: str, expected: str) -> None:
    assert told == expected


def test_a_word_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no figure"):
        shown("much", "$")


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_difference_is_that_of_what_is_shown(one: float, other: float) -> None:
    assert f"{difference(one, other):.2f}" == f"{float(f'{one:.2f}') - float(f'{other:.2f}') + 0.0:z.2f}"


@pytest.mark.parametrize("locale", LOCALES)
def test_money_and_per_cent_are_written_by_their_formatters_in_every_text(locale: str) -> None:
    by_hand = re.compile(r"[\d}] %|\$\s?\{|\{\w+:[^}]*\d%\}|\}\s?(USD|달러)|\{\w+_usd(:(?!\+?\$\}|price\})[^}]*)?\}")
    found = {code: text for code, text in templates(locale).items() if by_hand.search(text) and code != A_SETTING}
    assert found == {}


def by_hand(file: Path) -> list[str]:
    """The f-strings of a module that round a number."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.FormattedValue))
    specs = ((node.lineno, ast.unparse(node.format_spec)) for node in nodes if node.format_spec)
    return [f"{file.relative_to(ROOT)}:{line} {spec}" for line, spec in specs if re.search("[fe%]'?$", spec)]


def test_no_code_writes_figures_by_hand() -> None:
    files = [file for pattern in ROOMS for file in ROOT.glob(pattern)]
    assert len(files) > 20
    assert {file.name: found for file in files if (found := by_hand(file)) and file.name != "figures.py"} == {}
    assert len(by_hand(ROOT / "lumen/wording/figures.py")) >= 3
