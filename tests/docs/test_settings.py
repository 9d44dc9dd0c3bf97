"""docs/configuration.md names every setting with its true default, and none that is not there."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config import Settings, parse_duration
from bot.environment import names_of

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \|(.*?)\| (.+) \|$", re.MULTILINE)
WRITTEN = {name: default for name, default, _ in ROW.findall(PAGE.read_text())}


def test_each_setting_stands_there_once_and_no_other() -> None:
    rows = [name for name, _, _ in ROW.findall(PAGE.read_text())]
    assert sorted(rows) == sorted(names_of(Settings))


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_default_is_the_true_one(name: str) -> None:
    field = Settings.model_fields[name]
    written = WRITTEN[(field.alias or name).upper()].strip()
    if field.is_required():
        assert written in ("required", "required, or `SERVICES`")
    elif field.default in (None, "", ()):
        assert written in ("", "required, or `REDIS_HOST`")
    elif isinstance(field.default, timedelta):
        assert parse_duration(written.strip("`")) == field.default
    elif isinstance(field.default, bool):
        assert written == f"`{str(field.default).lower()}`"
    else:
        assert written == f"`{field.default}`"
