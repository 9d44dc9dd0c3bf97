"""The demo's first minute: its words in both languages, and that what its buttons start is understood."""

import json

from demo.__main__ import GUIDE
from handlers.command_types import Misspelt
from handlers.parse import parse
from lumen.wording.catalogue import LOCALES
from sandbox.incidents.runner import KINDS

STEPS = json.loads(GUIDE.read_text(encoding="utf-8"))
#: Three lines of a phone.
LOOK_MAX = 115


def test_each_step_of_the_first_minute_is_told_in_both_languages_and_starts_something_that_exists() -> None:
    assert any("incident" in step for step in STEPS)
    for step in STEPS:
        assert set(LOCALES) <= set(step), step
        does = step.get("incident") or step.get("command")
        for locale in LOCALES:
            words = step[locale]
            assert words["title"]
            assert 0 < len(words["look"]) <= LOOK_MAX, words["look"]
            assert bool(words.get("button")) == bool(does)
        assert step.get("incident", "bad_release_errors") in KINDS
        assert not isinstance(parse(step.get("command", "/lumen help").removeprefix("/lumen ")), Misspelt)
