"""Other versions of Lumen, to run beside this one: an older commit, and a next one with another layout of the store."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "lumen")
#: Of the same layout, and the first that follows the service of the sandbox. A hundred commits were made since.
OLDER = "3d1dcc1"
#: Every proposal gets a field that this version does not know.
STEP = """
local function migrate(dry)
  local changed = 0
  for _, id in ipairs(redis.call('ZRANGE', ORDER, 0, -1)) do
    if not get(id, 'layout') then
      if not dry then put(id, 'layout', '2') end
      changed = changed + 1
    end
  end
  return changed
end
"""
#: It has other words for who wished a change, which every card of such a change stores.
WORDS = "asked_by_person", "wished_by_person"
EDITS = {
    "lumen/adapters/store/scripts.py": ('SCHEMAS = ("1",)', 'SCHEMAS = ("1", "2")'),
    "lumen/adapters/store/migrations.py": (
        "MIGRATIONS: tuple[Migration, ...] = ()",
        'MIGRATIONS: tuple[Migration, ...] = (Migration("1", "2", "to_2"),)',
    ),
}


def next_version(directory: Path) -> Path:
    """What PYTHONPATH names for its processes."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (here, there) in EDITS.items():
        text = (directory / name).read_text(encoding="utf-8")
        assert text.count(here) == 1, name
        (directory / name).write_text(text.replace(here, there), encoding="utf-8")
    for path in (*directory.rglob("*.py"), *directory.rglob("*.toml")):
        text = path.read_text(encoding="utf-8")
        if WORDS[0] in text:
            path.write_text(text.replace(*WORDS), encoding="utf-8")
    (directory / "lumen/adapters/store/scripts/to_2.lua").write_text(STEP, encoding="utf-8")
    return directory


def older_version(directory: Path) -> Path | None:
    """Likewise, as the repository remembers it; None where it does not."""
    command = ["git", "-C", str(ROOT), "archive", OLDER, *PACKAGES]
    packed = subprocess.run(command, capture_output=True, check=False)
    if packed.returncode != 0:
        return None
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as files:
        files.extractall(directory, filter="data")
    return directory
