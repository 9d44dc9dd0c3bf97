"""`lumen graph`, from the store alone."""

import pytest

from tests.contract.command_line.conftest import Call


@pytest.mark.usefixtures("environment")
def test_without_data_it_draws_nothing_says_what_is_lacking_and_ends_with_3(lumen: Call) -> None:
    assert lumen("state", "init").code == 0
    told = lumen("graph")
    assert told.code == 3
    assert "Nothing is drawn yet" in told.out
    assert "minimum instances: 0 of 3 changes measured" in told.out
    found = lumen("graph", "--json")
    assert (found.code, found.json()["edges"], found.json()["level"]) == (3, [], None)
    assert "graph.few_days" in {one["code"] for one in found.json()["lacking"]}
    drawn = lumen("graph", "--mermaid")
    assert (drawn.code, drawn.out.splitlines()[0]) == (3, "flowchart LR")
    assert lumen("graph", "--json", "--mermaid").code == 64
    assert lumen("graph", "--service", "other").code == 64
