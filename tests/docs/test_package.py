"""What the package says of itself: its licence, its version, and how to install what is missing."""

import re
import tomllib
from pathlib import Path

from bot import __version__
from tests.docs.test_tracked_files import tracked

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: With or without an extra: on the public index that name is somebody else's.
FOREIGN = re.compile(r"pip3? +install\b[^\n`.;]*[ '\"]lumen(?![\w-])")


def test_the_licence_is_mit() -> None:
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert PROJECT["license"] == "MIT"
    assert re.match(r"MIT License Copyright \(c\) \d{4} the Lumen authors Permission is hereby granted, free of", text)
    assert "The above copyright notice and this permission notice shall be included in all copies" in text
    assert text.endswith("OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.")


def test_the_version_is_the_same_everywhere() -> None:
    (newest,) = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[:1]
    assert PROJECT["version"] == __version__ == newest


def test_no_hint_installs_a_foreign_package() -> None:
    hint = "pip install {}"
    assert all(FOREIGN.search(hint.format(name)) for name in ("lumen", "-U lumen", "'lumen[verify]'"))
    assert not any(FOREIGN.search(hint.format(name)) for name in ("'.[verify]'", "lumen-chatops", "--no-deps ."))
    found = [
        f"{file.relative_to(ROOT)}: {hint.group()}"
        for file in tracked()
        if file.suffix in (".py", ".toml", ".md", ".yml", ".yaml", "")
        for hint in FOREIGN.finditer(file.read_text(errors="replace"))
    ]
    assert found == []
