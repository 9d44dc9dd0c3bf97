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


@pytest.mark.parametrize(
    ("module", "nothing_of"),
    [
        ("bot.tracing", ("opentelemetry", "grpc", "google")),
        # What Google's and Redis's clients look for by themselves, where it is installed, is theirs.
        ("bot.run", ("opentelemetry.exporter", "opentelemetry.proto", "opentelemetry.sdk.trace.export")),
    ],
)
def test_without_the_setting_lumen_loads_nothing_of_opentelemetry(module: str, nothing_of: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [name for name in run.stdout.split() if any(f"{name}.".startswith(f"{one}.") for one in nothing_of)]
    assert found == []
