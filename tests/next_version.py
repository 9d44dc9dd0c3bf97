"""A checkout of the next version of Lumen: this one, with another layout of the store and the step that leads to it."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
EDITS = {
    "lumen/adapters/store/scripts.py": ('SCHEMAS = ("1",)', 'SCHEMAS = ("1", "2")'),
    "lumen/adapters/store/migrations.py": (
        "MIGRATIONS: tuple[Migration, ...] = ()",
        'MIGRATIONS: tuple[Migration, ...] = (Migration("1", "2", "to_2"),)',
    ),
}


def next_version(directory: Path) -> Path:
    """What PYTHONPATH names for its processes."""
    for package in ("bot", "handlers", "lumen"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (here, there) in EDITS.items():
        text = (directory / name).read_text(encoding="utf-8")
        assert text.count(here) == 1, name
        (directory / name).write_text(text.replace(here, there), encoding="utf-8")
    (directory / "lumen/adapters/store/scripts/to_2.lua").write_text(STEP, encoding="utf-8")
    return directory
