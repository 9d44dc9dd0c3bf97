"""`lumen backtest` on what a team exports from its monitoring."""

import json
import subprocess
import sys
from pathlib import Path

EXPORTS = Path(__file__).parents[2] / "unit" / "backtest" / "exports"


def backtest(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-m", "bot", "backtest", *arguments]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": root}, capture_output=True, text=True, check=False)


def test_exports_are_tried_as_they_are_and_their_faults_named_by_line(tmp_path: Path) -> None:
    rate = (EXPORTS / "prometheus_rate.json").read_text().replace('"2.59', '"-2.59')
    (tmp_path / "rate.json").write_text(rate)
    p95 = EXPORTS / "prometheus_p95.json"
    found = backtest("requests_per_second=rate.json", f"p95_seconds={p95}", "--json", folder=tmp_path)
    result = json.loads(found.stdout)
    assert (found.returncode, result["slices"]) == (0, 4)
    (problem,) = result["problems"]
    assert (problem["file"], problem["line"], problem["kind"]) == ("rate.json", 1, "field")
    assert "data.result[0].values[3]" in problem["message"]


def test_a_figure_that_is_not_known_and_lines_beside_exports_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text('{"t": "2026-11-01T00:00:00Z", "service": "api"}\n')
    export = str(EXPORTS / "run_request_count.json")
    for arguments, says in (
        (("latency=a.json",), "latency= is no figure"),
        ((export, "lines.jsonl"), "lines.jsonl is no export"),
        (("lines.jsonl", "lines.jsonl"), "one history in lines"),
    ):
        refused = backtest(*arguments, folder=tmp_path)
        assert refused.returncode == 64
        assert says in " ".join(refused.stderr.replace("│", " ").split())
