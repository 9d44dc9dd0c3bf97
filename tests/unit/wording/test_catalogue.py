"""Both languages say the same things, every message that the source tree names has words, and all of them format."""

import ast
import functools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lumen.model.alert import short_id, typed_id
from lumen.model.assessment import CacheHealth, HealthLevel, RhythmState
from lumen.model.messages import Message, message
from lumen.model.proposal import Knob, Priority, State
from lumen.wording.catalogue import LOCALES, TEXTS, Catalogue, templates

ROOT = Path(__file__).parents[3]
SAMPLE: dict[str, str | int | float] = {
    "d": 3,
    "f": 1.5,
    "e": 1.5,
    "g": 1.5,
    "%": 0.5,
    "$": 2.5,
    "": "x<y & z>",
    "s": "x",
}


def fields(template: str) -> dict[str, str]:
    """Each placeholder of a template with its format specification."""
    return {name: spec or "" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


def sample(name: str, spec: str) -> str | int | float:
    """A value that fits the placeholder."""
    if name.endswith("_at"):
        return "2026-11-21T09:00:00+00:00"
    if spec.removeprefix("+") in ("price", "count"):
        return 0.005
    return SAMPLE[spec[-1:] if spec[-1:] in SAMPLE else ""]


@dataclass(frozen=True)
class Named:
    """One `message("area.name", …)` of the source tree; `given` is None where parameters are unpacked."""

    where: str
    code: str
    given: frozenset[str] | None


@functools.cache
def named_in_the_source() -> tuple[Named, ...]:
    return tuple(_named_in_the_source())


def _named_in_the_source() -> Iterator[Named]:
    for room in ("lumen", "handlers", "bot"):
        for path in sorted((ROOT / room).rglob("*.py")):
            where = path.relative_to(ROOT)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield from _named(where, node)


def _named(path: Path, node: ast.AST) -> Iterator[Named]:
    if not isinstance(node, ast.Call) or not node.args:
        return
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    first = node.args[0]
    if (
        called not in ("message", "Message", "with_remedy")
        or not isinstance(first, ast.Constant)
        or not isinstance(first.value, str)
    ):
        return
    unpacked = called == "Message" or any(keyword.arg is None for keyword in node.keywords)
    given = None if unpacked else frozenset(k.arg for k in node.keywords if k.arg)
    yield Named(f"{path}:{node.lineno}", first.value, given)
    if called == "with_remedy":
        yield Named(f"{path}:{node.lineno}", f"{first.value}_remedy", given)


@pytest.mark.parametrize(
    "code", ["", ".", "word", "word.", "word.none_such", "../en/word.no_data", "no_area.x", "\0.x", "a b"]
)
def test_what_is_no_code_has_no_words_and_reads_nothing(code: str) -> None:
    catalogue = Catalogue("en")
    assert not catalogue.has(code)
    assert "of another version" in catalogue.say(Message(code, {}))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "stored",
    [
        Message("forecast.none_such", {"hours": 3}),
        Message("effect.kept", {"hours": 24, "metric": "hit_rate"}),
        Message("effect.kept", {"hours": 24, "metric": "hit_rate", "effect": "much", "low": 0.1, "high": 0.2}),
        Message("control.until", {"until_at": "tomorrow"}),
    ],
    ids=["code", "names", "kinds", "moment"],
)
def test_what_another_version_has_stored_is_said_and_fails_nothing(locale: str, stored: Message) -> None:
    """Also inside of what this one knows."""
    catalogue = Catalogue(locale)
    for told in (
        catalogue.say(stored),
        catalogue.plain(Message("execution.partly_applied", {"places": "redis", "reason": stored})),
    ):
        assert f"`{stored.code}`" in told


@pytest.mark.parametrize("locale", [one for one in LOCALES if one != "en"])
def test_every_language_has_the_same_codes(locale: str) -> None:
    assert sorted(templates(locale)) == sorted(templates("en"))


@pytest.mark.parametrize("locale", [one for one in LOCALES if one != "en"])
def test_every_language_names_the_same_placeholders(locale: str) -> None:
    english, other = templates("en"), templates(locale)
    differing = {c: (fields(english[c]), fields(other[c])) for c in english if fields(english[c]) != fields(other[c])}
    assert differing == {}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_template_formats_in_both_ways(locale: str) -> None:
    catalogue = Catalogue(locale)
    for code, template in templates(locale).items():
        wanted = Message(code, {name: sample(name, spec) for name, spec in fields(template).items()})
        assert catalogue.say(wanted)
        assert catalogue.plain(wanted)


def test_every_code_that_the_source_names_has_words() -> None:
    missing = [f"{n.where} {n.code}" for n in named_in_the_source() if n.code not in templates("en")]
    assert missing == []


def test_every_code_gets_the_parameters_that_its_words_name() -> None:
    english = templates("en")
    lacking = [
        f"{n.where} {n.code}: {sorted(set(fields(english[n.code])) - n.given)}"
        for n in named_in_the_source()
        if n.given is not None and n.code in english and not set(fields(english[n.code])) <= n.given
    ]
    assert lacking == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_code_stands_once_in_its_file(locale: str) -> None:
    for path in (TEXTS / locale).glob("*.toml"):
        names = re.findall(r"^(\w+) *=", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("health", HealthLevel),
        ("cache", CacheHealth),
        ("rhythm", RhythmState),
        ("knob", Knob),
        ("priority", Priority),
        ("state", State),
    ],
)
def test_every_member_that_is_shown_has_a_word(kind: str, members: type[StrEnum]) -> None:
    for locale in LOCALES:
        assert [m for m in members if not Catalogue(locale).has(f"word.{kind}_{m}")] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_no_words_strike_anything_through(locale: str) -> None:
    """Slack takes what stands between two tildes for struck out; Korean ranges have a sign of their own (U+223C)."""
    assert [code for code, template in templates(locale).items() if "~" in template] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_words_inside_sentences_need_no_escape(locale: str) -> None:
    assert [c for c, t in templates(locale).items() if c.startswith("word.") and re.search("[&<>{}]", t)] == []


def test_an_instant_is_shown_in_the_readers_zone() -> None:
    wanted = message("views.report_next", next_turn_at="2026-11-21T09:00:00+00:00")
    assert Catalogue("en").say(wanted) == (
        "Next measurement: <!date^1795251600^{date_num} {time}|2026-11-21 09:00 UTC>"
    )
    assert Catalogue("en").plain(wanted) == "Next measurement: 2026-11-21 09:00 UTC"
    assert Catalogue("ko", ZoneInfo("Asia/Seoul")).plain(wanted) == "다음 측정: 2026-11-21 18:00 KST"


def test_what_people_typed_is_escaped_in_slack_alone() -> None:
    wanted = message("command.unknown_near", given="<!channel> & co", nearest="ttl")
    assert "&lt;!channel&gt; &amp; co" in Catalogue("en").say(wanted)
    assert "<!channel> & co" in Catalogue("en").plain(wanted)


def test_people_and_groups_are_mentioned() -> None:
    wanted = message("slack.refused", who_mentions="U1 S2")
    assert Catalogue("en").say(wanted) == "You may not decide this. Who may: <@U1>, <!subteam^S2>."
    assert Catalogue("en").plain(wanted) == "You may not decide this. Who may: U1, S2."


def test_ids_are_short_and_typable() -> None:
    long = "ion-api:availability:2026-11-22T01:10:00+00:00"
    short = short_id(long)
    assert re.fullmatch("i[0-9a-hjkmnp-tv-z]{4}", short)
    assert Catalogue("en").say(message("incident.print", incident=long)) == f"Incident `{short}`"
    assert [typed_id(one) for one in (short, short.upper(), f"#{short}", f" i-{short[1:]}")] == [short] * 4
    assert [typed_id(one) for one in ("cache", "cost", "no_data/traffic", "")] == [""] * 4
    made = {short_id(f"ion-api:cache:2026-11-22T{minute // 60:02}:{minute % 60:02}:00+00:00") for minute in range(300)}
    assert len(made) == 300


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="no texts in 'fr'"):
        Catalogue("fr")


#: What a parameter may be given, by its name: everything that the source has under that name.
_NAMES = {"knob": Knob, "state": State}


def _raw_keys(text: str) -> list[str]:
    """Codes of messages that stand in what people read."""
    return [one for one in re.findall(r"\b[a-z]+\.[a-z][a-z0-9_]+\b", text) if one in templates("en")]


def _given(name: str, spec: str) -> Iterator[object]:
    """A fitting value of every kind that a parameter can get: a name of the model, or another message."""
    yield from _NAMES.get(name, ())
    if not name.endswith("_at") and name != "unit" and not spec:
        yield message("actuator.traffic_pinned", revision="ion-api-00041")
    yield sample(name, spec)


@pytest.mark.parametrize("locale", LOCALES)
def test_no_message_shows_a_raw_key_whatever_it_gets(locale: str) -> None:
    catalogue = Catalogue(locale)
    for code, template in templates(locale).items():
        named = fields(template)
        plain = {name: sample(name, spec) for name, spec in named.items()}
        own = set(_raw_keys(template))
        for name, spec in named.items():
            for value in _given(name, spec):
                said = catalogue.plain(Message(code, {**plain, name: value}))  # type: ignore[dict-item]
                assert set(_raw_keys(said)) <= own, (code, name, value)
                if isinstance(value, State):
                    assert not re.search(rf"\b{value}\b", said), (code, name)


def test_nothing_hands_a_key_to_a_sentence() -> None:
    """`reason=error.reason.code` is a key; `reason=error.reason` is said in the reader's language."""
    handed = []
    for room in ("lumen", "handlers", "bot"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                if called in ("message", "Message", "with_remedy"):
                    given = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
                    text = " ".join(ast.unparse(value) for value in given)
                    if re.search(r"\b(reason|remedy|note|said|told)\.code\b", text):
                        handed.append(f"{path.relative_to(ROOT)}:{node.lineno} {text}")
    assert handed == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_message_inside_another_one_is_said_in_its_language(locale: str) -> None:
    reason = message("actuator.traffic_pinned", revision="a<b")
    catalogue = Catalogue(locale)
    whole = message("execution.partly_applied", places="redis", reason=reason)
    assert catalogue.plain(reason) in catalogue.plain(whole)
    assert catalogue.say(reason) in catalogue.say(whole)
    assert "a&lt;b" in catalogue.say(whole)
    # As an earlier Lumen has stored it: the key is not shown.
    stored = message("execution.partly_set", places="redis", reason="actuator.traffic_pinned")
    assert _raw_keys(catalogue.plain(stored)) == []
