"""A short verification from end to end: deterministic, complete in its figures, and true to its scenario."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.verify import pooled
from bot.cli.commands import app
from lumen.verification.incidents import SimulatedIncident, Trouble
from lumen.verification.on_call import ByHand
from lumen.verification.report import as_json, save_picture
from lumen.verification.summary import in_time, missed_bars, summary_of
from lumen.verification.traffic import draw_profile
from lumen.verification.verify import Verification, verify
from lumen.wording.catalogue import Catalogue

HOUR = 3600.0
STEPS = (
    SimulatedIncident(Trouble.RELEASE, 1 * HOUR, 1.1 * HOUR, 1.0),
    SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, 5 * HOUR + 60, 11 * HOUR, 0.10),
    SimulatedIncident(Trouble.PLATFORM_ERRORS, 16 * HOUR, 17 * HOUR, 0.20),
)
SMALL = replace(draw_profile(3), requests_per_second=0.6)


def run() -> Verification:
    return verify(1, 3, STEPS, SMALL)


@pytest.fixture(scope="module")
def found() -> Verification:
    return run()


@pytest.mark.prove
def test_it_is_deterministic(found: Verification) -> None:
    say = Catalogue("en").plain
    assert as_json(run(), say) == as_json(found, say)


def test_the_release_is_rolled_back_and_both_incidents_are_told(found: Verification) -> None:
    without, helped = found.runs
    assert helped.rollbacks >= 1
    assert found.alerts.overall.incidents == found.alerts.overall.detected == 2
    assert sum(one.errors_5xx for one in helped.slices) < sum(one.errors_5xx for one in without.slices)
    kinds = {one.kind.value for one in helped.interventions}
    assert "rolled_back" not in kinds


def test_the_figures_are_complete(found: Verification) -> None:
    shown = json.loads(json.dumps(as_json(found, Catalogue("ko").plain)))
    assert set(shown) == {
        "seed", "days", "started", "alerts", "adjustments", "interventions", "rollbacks", "told",
        "told_for_nothing", "messages", "messages_by_kind", "figures", "hard", "drawn",
    }  # fmt: skip
    assert shown["adjustments"]["count"] == len(found.adjustments) == len(shown["adjustments"]["list"])
    assert all(one["outcome"] for one in shown["adjustments"]["list"])
    assert shown["interventions"]["without_lumen"]["count"] == len(found.runs[0].interventions)
    assert 0 < shown["figures"]["with_lumen"]["hit_rate"] < 1
    assert len(found.runs[1].slices) == len(found.runs[0].slices) == 288


def test_without_lumen_nobody_is_told(found: Verification) -> None:
    assert found.runs[0].posts.total() == found.runs[0].told == 0
    assert all(one.kind is not ByHand.ANSWERED for one in found.runs[0].interventions)
    assert found.runs[0].alerts == ()


def test_pooling_adds_counts(found: Verification) -> None:
    one = summary_of(found)
    two = pooled([one, one])
    assert two.by_hand_without == 2 * one.by_hand_without
    assert two.hit_rate == pytest.approx(one.hit_rate)
    assert set(missed_bars(found)) <= {"helped", "interventions", "undone", "precision"}
    assert all(in_time(each) for each in found.adjustments if each.asked_back)


def test_the_picture(found: Verification, tmp_path: Path) -> None:
    save_picture(found, tmp_path / "week.png")
    assert (tmp_path / "week.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["verify", "--days", "0"], 2, ""),
        (["verify", "--scenario", "no/such/file.yaml"], 64, "cannot be read"),
        (["backtest", "no/such/file.jsonl"], 64, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], code: int, says: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code
    assert says in result.output


def test_a_bad_scenario_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("steps: [{incident: fire}]")
    result = CliRunner().invoke(app, ["verify", "--scenario", str(path)])
    assert result.exit_code == 64
    assert "fire" in result.output


def test_a_history_on_the_command_line(tmp_path: Path) -> None:
    history, labels = tmp_path / "h.jsonl", tmp_path / "l.jsonl"
    history.write_text('{"t": "2026-11-01T00:00:00Z", "service": "a", "requests": 5, "errors_5xx": 0}\nno\n')
    labels.write_text('{"service": "a", "start": "x", "end": "y", "kind": "cost"}\n')
    shown = CliRunner().invoke(app, ["backtest", str(history), "--labels", str(labels), "--json"])
    assert shown.exit_code == 0
    assert [one["line"] for one in json.loads(shown.stdout)["problems"]] == [2, 1]
    assert CliRunner().invoke(app, ["backtest", str(history)]).exit_code == 0
