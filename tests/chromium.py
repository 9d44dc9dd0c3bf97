"""Where the browser of the browser tests is."""

import os
import shutil
from pathlib import Path

#: Debian, Ubuntu, and what people have on a Mac.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
#: No sandbox, since a container's root may make none; no calls home, which a closed network would refuse one by one.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """`CHROMIUM` from the environment, or the first one installed; None without any."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for name in NAMES if (path := shutil.which(name))]
    found += [str(path) for path in APPLICATIONS if path.exists()]
    return found[0] if found else None
