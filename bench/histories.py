"""Labelled histories of real services through `lumen backtest`, beside simple baselines.

`python -m bench.histories [FILE.csv …] [--by-series] [--errors FILE.csv]`; needs the extra `numerics`. A latency of an
hour is that of its twelve slices, with 3 % of scatter. An alert is true where it overlaps a labelled window, give or
take an hour. Incidents are the windows that go up, from the third day on. Each baseline has the threshold that is best
*on these files*, so it is flattered.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from bench.labelled import BASELINES, Baseline, Score, Series, Span, judged, read_series, told
from lumen.model.snapshot import SLICE

ROOT = Path(__file__).parents[1]
FOLDER = ROOT.parent / "shared" / "data" / "latency"
REQUESTS = 1000
SCATTER = 0.03
THRESHOLDS = np.geomspace(1.5, 60, 40).tolist()
#: How many requests a slice has in which the minutes with errors are tried.
RATES = (5, 20, 50, 100, 500, 1000, 10_000)


def latency_lines(series: Series) -> Iterator[str]:
    """The history that `lumen backtest` reads. Steps above five minutes are held, shorter ones averaged."""
    dice = np.random.default_rng(sum(series.name.encode()))
    held = max(1, round(series.step / SLICE))
    for start, values in _by_slice(series):
        for index in range(held):
            known = [value for value in values if value > 0]
            line: dict[str, object] = {"t": (start + index * SLICE).isoformat(), "service": series.name}
            line |= {"requests": REQUESTS if known else 0, "errors_5xx": 0}
            if known:
                line["latency_ms"] = {"p95": float(np.mean(known) * np.exp(dice.normal(0, SCATTER)))}
            yield json.dumps(line)


def error_lines(series: Series, requests: int) -> Iterator[str]:
    """The values are failed requests; each slice has so many requests, and at least as many as failed."""
    for start, values in _by_slice(series):
        failed = round(sum(values))
        line = {"t": start.isoformat(), "service": f"{series.name} at {requests} a slice"}
        yield json.dumps({**line, "requests": max(requests, failed), "errors_5xx": failed})


def _by_slice(series: Series) -> Iterator[tuple[datetime, list[float]]]:
    slices: dict[datetime, list[float]] = defaultdict(list)
    for start, value in zip(series.starts, series.values.tolist(), strict=True):
        slices[start - (start - start.replace(hour=0, minute=0)) % SLICE].append(value)
    yield from slices.items()


def backtest(lines: Iterator[str]) -> Sequence[Mapping[str, str]]:
    """The alerts of `lumen backtest` with no setting of anybody's. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.jsonl")
        path.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, "-m", "bot", "backtest", path.name, "--json"]
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    found: Sequence[Mapping[str, str]] = json.loads(done.stdout)["alerts"]
    return found


def spans(alerts: Sequence[Mapping[str, str]], series: Series) -> list[Span]:
    """The latency alerts of one series; one that stays open lasts until its end."""
    end = (series.starts[-1] + series.step).isoformat()
    return [
        Span(datetime.fromisoformat(one["opened"]), datetime.fromisoformat(one["closed"] or end))
        for one in alerts
        if one["service"] == series.name and one["kind"] == "latency"
    ]


def best(baseline: Baseline, several: Sequence[Series]) -> tuple[float, Score]:
    """The threshold with the best F1, and what it finds."""
    scores = [baseline(one) for one in several]
    found = {
        above: sum((judged(s, list(told(s, z, above))) for s, z in zip(several, scores, strict=True)), Score())
        for above in THRESHOLDS
    }
    above = max(found, key=lambda one: found[one].f1)
    return above, found[above]


def latencies(paths: Sequence[Path], *, by_series: bool) -> None:
    several = [read_series(path) for path in paths]
    alerts = backtest(line for series in several for line in latency_lines(series))
    each = {series.name: judged(series, spans(alerts, series)) for series in several}
    for name, score in each.items() if by_series else ():
        sys.stdout.write(f"{name:20} {score}\n")
    sys.stdout.write(f"{'Lumen':20} {sum(each.values(), Score())}\n")
    for name, baseline in BASELINES.items():
        above, score = best(baseline, several)
        sys.stdout.write(f"{f'{name} > {above:.1f}':20} {score}\n")


def errors(path: Path) -> None:
    """Minutes with errors that nobody wants to be called for, at several rates of requests."""
    series = read_series(path)
    alerts = backtest(line for requests in RATES for line in error_lines(series, requests))
    failed, slices = round(series.values.sum()), round(len(series.starts) * series.step / SLICE)
    sys.stdout.write(f"{series.name}: {failed} failed requests in {slices} slices\n")
    for requests in RATES:
        own = [one for one in alerts if one["service"].endswith(f" at {requests} a slice")]
        kinds = {kind: sum(one["severity"] == kind for one in own) for kind in ("page", "ticket", "notice")}
        counted = "  ".join(f"{kind}s {count}" for kind, count in kinds.items())
        sys.stdout.write(f"  {requests:6} requests a slice: {counted}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="CSV: time, latency, label")
    parser.add_argument("--errors", type=Path, help="CSV: time, failed requests, label")
    parser.add_argument("--by-series", action="store_true", help="a line for each file")
    asked = parser.parse_args()
    paths = asked.files or ([] if asked.errors else sorted(FOLDER.glob("outbound-*.csv")))
    failing = asked.errors or (None if asked.files else next(FOLDER.glob("unavail-*.csv"), None))
    if not paths and failing is None:
        sys.stdout.write(f"There are no labelled histories in {FOLDER}: name files (time, value, label).\n")
    if paths:
        latencies(paths, by_series=asked.by_series)
    if failing is not None:
        errors(failing)


if __name__ == "__main__":
    main()
