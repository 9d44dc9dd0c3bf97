"""All views at once: as golden files in both languages, within Slack's limits whatever names are in them, and readable
by ear and without colours. `make golden` rewrites the files."""

import dataclasses
import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.blocks.app_home import home
from handlers.blocks.card import Json, Shown
from handlers.blocks.control import control_card
from handlers.blocks.digest import digest
from handlers.blocks.hourly import hourly
from handlers.blocks.incident import incident_card, mention_card
from handlers.blocks.proposal import card
from lumen.model.control import ControlKind
from lumen.model.messages import Message
from lumen.model.proposal import Change, State
from lumen.model.service import Person, ServiceId
from lumen.wording.catalogue import LOCALES, Catalogue, templates
from tests.snapshots import SERVICE
from tests.unit.handlers.blocks import validated
from tests.unit.handlers.test_app_home import STATUS
from tests.unit.handlers.test_app_home import validated as validated_view
from tests.unit.handlers.test_control_views import line
from tests.unit.handlers.test_digest import DAYS
from tests.unit.handlers.test_views import proposal
from tests.unit.handlers.views import INCIDENTS, REPORTS, as_read, plain, views

GOLDEN = Path(__file__).parent / "golden"
#: Emoji that differ by their colour alone.
COLOURS = "🔴🟠🟡🟢⚪"
VIEWS = [(locale, *view) for locale in LOCALES for view in views(Catalogue(locale))]


def golden(locale: str) -> dict[str, str]:
    """By the name of the file: all of its views."""
    found: dict[str, list[str]] = {}
    for language, file, name, shown in VIEWS:
        if language == locale:
            found.setdefault(file, []).extend([f"=== {name}", *as_read(shown), ""])
    return {file: "\n".join(lines) for file, lines in found.items()}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_view_has_words_of_this_version(locale: str) -> None:
    other = templates(locale)["state.other_words"].partition("}")[2]
    assert [file for file, now in golden(locale).items() if other in now] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_view_reads_as_it_did(locale: str) -> None:
    changed: list[str] = []
    for file, now in golden(locale).items():
        path = GOLDEN / locale / f"{file}.txt"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(now, encoding="utf-8")
        elif before != now:
            was = before.splitlines()
            changed += difflib.unified_diff(was, now.splitlines(), f"{locale}/{path.name}", "now", lineterm="", n=2)
    assert not changed, "\n".join(["Views changed; if they should, `make golden`:", *changed])


@pytest.mark.parametrize(("locale", "file", "name", "shown"), VIEWS, ids=["-".join(view[:3]) for view in VIEWS])
def test_every_view_is_valid_and_needs_neither_eyes_nor_colours(
    locale: str, file: str, name: str, shown: Shown
) -> None:
    if file != "home":  # App Home has no notification
        validated(shown)
        spoken = _letters(plain(shown.text))
        for block in shown.blocks:
            for text in _texts_of(block):
                for part in plain(text).splitlines():
                    assert _letters(part) in spoken, f"only in the blocks: {part}"
    assert _same_words(shown) == [], "buttons with the same words need an accessibility_label that tells them apart"
    for text in (text for block in shown.blocks for text in _texts_of(block)):
        for part in text.splitlines():
            assert part[:1] not in COLOURS or re.search(r"\w{2}", part), f"a colour alone: {part}"


def _texts_of(block: Json) -> list[str]:
    """What a block says; links and ids at the foot (context) are for eyes that look them up."""
    if block["type"] not in ("header", "section"):
        return []
    return [one["text"] for one in (*([block["text"]] if "text" in block else []), *block.get("fields", ()))]


def _letters(text: str) -> str:
    """Without mrkdwn's marks and spaces."""
    return re.sub(r"[\s*_`•]|…$", "", text)


def _pressed(shown: Shown) -> Iterator[Json]:
    for block in shown.blocks:
        yield from (one for one in block.get("elements", ()) if one.get("type") == "button")
        if block.get("accessory", {}).get("type") == "button":
            yield block["accessory"]


def _same_words(shown: Shown) -> list[str]:
    seen: dict[str, list[str]] = {}
    for button in _pressed(shown):
        seen.setdefault(button["text"]["text"], []).append(button.get("accessibility_label", ""))
        assert re.search(r"\w", button["text"]["text"]), "a button of signs alone"
    return [label for label, spoken in seen.items() if len(spoken) > 1 and len(set(spoken)) < len(spoken)]


def stretched(value: Any, text: str) -> Any:
    """The same value with every name in it as long, and as odd, as `text`: people, services, revisions, reasons."""
    if isinstance(value, Person):
        return dataclasses.replace(value, name=text)
    if isinstance(value, ServiceId):
        return dataclasses.replace(value, name="s" * 63)
    if isinstance(value, Message):
        return Message(value.code, {name: _stretched_param(name, one, text) for name, one in value.params.items()})
    if isinstance(value, Change) and isinstance(value.new, str):
        return dataclasses.replace(value, old=text, new=text[::-1])
    if isinstance(value, tuple):
        return tuple(stretched(one, text) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        free = ("why", "about", "text", "revision")
        new = {
            name: text if isinstance(one, str) and name in free else stretched(one, text) for name, one in named.items()
        }
        return dataclasses.replace(value, **{name: one for name, one in new.items() if one is not named[name]})
    return value


def _stretched_param(name: str, one: Any, text: str) -> Any:
    is_free = isinstance(one, str) and not name.endswith(("_at", "_mention", "_id"))
    return text if is_free else stretched(one, text)


LONG = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40).flatmap(
    lambda piece: st.integers(1, 60).map(lambda times: piece * times)
)


@settings(max_examples=6, deadline=None)
@given(LONG, st.sampled_from(LOCALES), st.data())
def test_no_model_however_long_its_names_makes_an_invalid_message(text: str, locale: str, data: st.DataObject) -> None:
    words = Catalogue(locale)
    seen = stretched(data.draw(st.sampled_from(list(INCIDENTS.values()))), text)
    validated(incident_card(words, seen, "S0ONCALL"))
    if (call := mention_card(words, seen.incident, "S0ONCALL", 1, 3)) is not None:
        validated(call)
    validated(hourly(words, stretched(data.draw(st.sampled_from(list(REPORTS.values()))), text)))
    validated(digest(words, stretched(data.draw(st.sampled_from(list(DAYS.values()))), text)))
    for kind in ControlKind:
        validated(control_card(words, SERVICE, stretched(line(kind), text)))
    validated(card(words, stretched(proposal(data.draw(st.sampled_from(list(State)))), text)))
    validated_view(home(words, [stretched(STATUS, text)]))
