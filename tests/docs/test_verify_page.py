"""docs/verify.md publishes every kind of trouble with its rate, and a scenario that can be read."""

import re
from pathlib import Path

from lumen.verification.incidents import DRAWN, LABEL_OF, Trouble
from lumen.verification.on_call import ByHand
from lumen.verification.scenario import read_scenario

PAGE = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()


def test_every_trouble_with_its_rate() -> None:
    rows = re.findall(r"^\| `(\w+)`( \(no incident\))? \| ([\d.]+) \|", PAGE, re.MULTILINE)
    at_once = {kind.trouble.value: kind.a_week for kind in DRAWN if kind.quiet_hours is None}
    assert {name: float(rate) for name, _, rate in rows} == at_once
    late = re.findall(r"^\| `(\w+)` that is fine for ([\d.]+)–([\d.]+) h at first \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert [(name, (float(low), float(high)), float(rate)) for name, low, high, rate in late] == [
        (kind.trouble.value, kind.quiet_hours, kind.a_week) for kind in DRAWN if kind.quiet_hours is not None
    ]
    assert {name for name, no_incident, _ in rows if not no_incident} == {trouble.value for trouble in LABEL_OF}
    assert {name for name, _, _ in rows} == set(Trouble)


def test_every_kind_of_work_by_hand() -> None:
    assert all(f"`{kind}`" in PAGE for kind in ByHand)


def test_the_scenario_of_the_page() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(read_scenario(block).incidents) == 2
