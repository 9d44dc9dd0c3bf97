"""The bot starts without the extra `numerics`, and never loads it in its own process (docs/adr/0008)."""

import subprocess
import sys

import pytest

NO_NUMERICS = "import sys; sys.modules.update(dict.fromkeys(('scipy', 'matplotlib', 'threadpoolctl')));"


@pytest.mark.parametrize("module", ["bot.run", "bot.wiring.assembly", "bot.cli.simulate", "lumen.verification"])
def test_it_is_imported_without_numerics(module: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"{NO_NUMERICS} import {module}"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
