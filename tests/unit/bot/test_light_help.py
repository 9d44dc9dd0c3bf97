"""`lumen --help` answers at once: no command's module imports what only its work needs."""

import subprocess
import sys

HEAVY = ("google", "grpc", "redis", "pydantic", "aiohttp", "slack_sdk", "slack_bolt", "scipy", "numpy")


def test_the_command_line_is_parsed_without_what_its_work_needs() -> None:
    script = "import sys, bot.cli.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert "typer" in loaded
    assert set(loaded).isdisjoint(HEAVY)
