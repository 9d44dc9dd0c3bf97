"""docs/json.md names every field that `--json` prints, and no other."""

import re
from pathlib import Path

import pytest

from bot.cli.advice_answers import Last, ttl_of_figures
from bot.cli.advice_json import cache_json, gate_json, report_json, size_json, ttl_json
from bot.cli.change_answers import TrafficAnswer
from bot.cli.changes import traffic_json
from bot.cli.graph import edge_json, graph_json
from bot.cli.predict import prediction_json
from bot.cli.setup import plan_json
from lumen.model.forecast import Method
from lumen.model.setup import Plan
from lumen.policies.ttl import TtlFigures, TtlLimits
from lumen.prediction.answers import Prediction, Verdict
from lumen.wording.catalogue import Catalogue
from tests.snapshots import NOW, SERVICE, as_now
from tests.unit.handlers.test_graph_view import FULL
from tests.unit.handlers.test_why import MONTH, turn

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
TURN = turn(MONTH)
SIZE = as_now(TURN).size
PRINTED = {
    "report": report_json(Last([as_now(TURN)], 1, NOW), "en")[0],
    "cache": cache_json(TURN, SIZE, NOW, "en"),
    "ttl": ttl_json(ttl_of_figures(TtlFigures(300, 0.7, 0.7, 0, None), TtlLimits()), None, "en"),
    "size": size_json(SIZE, None, "en"),
    "gate": gate_json(Last([as_now(TURN)], 1, NOW), "en")[0],
    "predict": prediction_json(Prediction(600, 0, Method.MISSES, Verdict.TOO_FEW_MISSES, needed=300), by_size=True),
    "graph": graph_json(Catalogue("en"), SERVICE.key, FULL),
    "setup": plan_json(Catalogue("en"), Plan(()), ()),
    "rollback": traffic_json(TrafficAnswer(SERVICE, "LATEST", "ion-api-00041", "LATEST"), None, ""),
}


def documented(command: str) -> set[str]:
    """What stands in code in the first column under that heading."""
    section = PAGE.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


@pytest.mark.parametrize("command", sorted(PRINTED))
def test_every_field_is_documented(command: str) -> None:
    assert documented(command) == set(PRINTED[command])


def test_every_field_of_an_edge_is_told() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `edges` |"))
    assert set(re.findall(r"`(\w+)`", row.split("|")[2])) - {"from"} == set(edge_json(FULL.edges[0])) - {"from"}
