"""The bot starts without the extra `numerics`, and never loads it in its own process (docs/adr/0008)."""

import subprocess
import sys

NO_NUMERICS = "import sys; sys.modules.update(dict.fromkeys(('scipy', 'matplotlib', 'threadpoolctl')));"
MODULES = "bot.run, bot.wiring.assembly, bot.cli.simulate, lumen.verification"


def test_it_is_imported_without_numerics() -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"{NO_NUMERICS} import {MODULES}"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
