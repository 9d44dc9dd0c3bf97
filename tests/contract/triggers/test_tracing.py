"""Traces over OTLP, to a receiver of the test's own; and nothing at all where nobody asked for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.tracing import begin_tracing, record, span
from tests.collector import attributes, collector

ROOT = Path(__file__).parents[3]


def test_a_turn_a_click_and_a_change_are_a_trace_each() -> None:
    with collector() as receiver:
        end = begin_tracing(receiver.endpoint, "naeda-genesis")
        with span("click"):
            pass
        with pytest.raises(ValueError, match="x"), span("change", proposal="P1", knob="ttl"):
            raise ValueError("x")
        record("turn", 2.5, turn="20260101T000000.000000Z")
        end()
    assert [one.name for one in receiver.spans] == ["click", "change", "turn"]
    assert len({one.trace_id for one in receiver.spans}) == 3
    turn = receiver.spans[2]
    assert turn.end_time_unix_nano - turn.start_time_unix_nano == pytest.approx(2.5e9, rel=0.2)
    assert attributes(receiver.spans[1]) == {"proposal": "P1", "knob": "ttl"}
    assert receiver.resources[0]["service.name"] == "lumen"
    assert receiver.resources[0]["gcp.project_id"] == "naeda-genesis"
    with span("click"):
        record("turn", 1.0)  # nobody listens any more


def test_without_the_setting_lumen_loads_nothing_of_opentelemetry() -> None:
    """The whole bot neither: tests/unit/bot/test_light_help.py."""
    run = subprocess.run(
        [sys.executable, "-c", "import sys, bot.tracing; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name.partition(".")[0] for name in run.stdout.split()}.isdisjoint({"opentelemetry", "grpc", "google"})
