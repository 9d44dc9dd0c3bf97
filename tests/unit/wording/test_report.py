"""One turn says the same on a terminal, in Markdown and in Slack, row by row and in both languages."""

import html
import pkgutil
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from importlib import import_module

import pytest

import lumen.model
from bot.cli.advice_answers import Last
from bot.cli.report_text import print_report
from bot.reports.markdown import markdown
from handlers.blocks.digest import digest
from handlers.blocks.explain_scores import explained
from handlers.blocks.report import report
from handlers.command_types import Subject
from lumen.model.answers import StatusReadout
from lumen.model.digest import DigestReadout
from lumen.model.messages import NoData, message
from lumen.model.snapshot import ServiceSpend, Spend
from lumen.model.turn import Missing, Turn
from lumen.policies.ttl import TtlLimits, recommend_ttl
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW, SERVICE, as_now, cache, traffic
from tests.unit.handlers.test_explained import GONE, PARTS, PULSE, readout
from tests.unit.handlers.test_why import MONTH, turn

Capture = pytest.CaptureFixture[str]
SUM = (ServiceSpend("ion-api", 100.0), ServiceSpend("ion-api-canary", 4.25))
PARTIAL = NoData(message("source.month_partial", services="ion-api-canary", known_usd=170.0), GONE.remedy)


def drawn(seed: int) -> Turn:
    """Healthy or not, of much or little traffic, over or under the budget, with any part missing: by chance."""
    chance = random.Random(seed)
    month = PARTIAL if chance.random() < 0.3 else chance.uniform(0, 999)
    parts, estimate = chance.choice([(), SUM]), chance.choice([None, 104.25, GONE])
    measured: dict[str, object] = {
        "cache": cache(chance.uniform(0.01, 1), chance.uniform(0.1, 0.99), chance.randrange(400)),
        "traffic": traffic(chance.choice([0, 3, 900]), chance.randrange(60), chance.randrange(9)),
        "spend": Spend(month, chance.random() < 0.5, chance.choice([200.0, 1234.5]), NOW, parts, estimate),
        "history": PULSE,
    }
    lacking = chance.sample(PARTS, chance.choice([0, 0, 1, 3]))
    made = turn(chance.choice([MONTH, MONTH[-3:], []]), **{**measured, **dict.fromkeys(lacking, GONE)})
    low = chance.choice([None, message("alert.low_traffic", rate=0.01, hours=24, least=0.1)])
    wanted = recommend_ttl(made.snapshot, TtlLimits())
    return replace(made, ttl=wanted, low_traffic=low, missing=tuple(Missing(name, GONE) for name in sorted(lacking)))


TURNS = [drawn(seed) for seed in range(16)]


def terminal(made: Turn, locale: str, capsys: Capture) -> str:
    capsys.readouterr()
    print_report(Last([as_now(made)], 1, NOW), locale, summary_only=False, detailed=True)
    return capsys.readouterr().out


def slack(made: Turn, locale: str) -> StatusReadout:
    return StatusReadout(SERVICE, made, (), (), None, priorities=as_now(made).worth_doing, now=NOW)


def bare(text: str) -> str:
    """Slack mrkdwn as a terminal shows it: moments in UTC, nothing escaped or bold, no sign in front."""
    text = html.unescape(re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", text)).replace("*", "")
    return text.strip("✅⚠️❌⚪🟢🟡🔴• ")


def terminal_rows(out: str) -> list[tuple[str, str]]:
    """Name with value and verdict, of the lines that begin right under a title."""
    lines = (re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if re.match(r"  [^\s\d•]", line))
    return [(pieces[0], " · ".join(pieces[1:])) for pieces in lines if len(pieces) > 1]


def markdown_rows(text: str) -> list[tuple[str, str]]:
    rows = (line.removeprefix("- ").split(": ", 1) for line in text.splitlines() if line.startswith("- "))
    return [(row[0], row[1]) for row in rows if len(row) == 2]


def slack_rows(blocks: tuple[Mapping[str, object], ...]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        fields = block.get("fields", ())
        assert isinstance(fields, (list, tuple))
        for field in fields:
            name, value = field["text"].split("\n", 1)
            yield bare(name), bare(value)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("made", TURNS)
def test_the_same_figures_words_and_units_everywhere(made: Turn, locale: str, capsys: Capture) -> None:
    words = Catalogue(locale)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "900")
        out = terminal(made, locale, capsys)
    text = markdown(words, [as_now(made)], now=NOW)
    shown = report(words, slack(made, locale))
    printed, written = terminal_rows(out), markdown_rows(text)
    assert len(printed) >= 15
    assert [row for row in printed if row not in written] == []
    in_the_grid = list(slack_rows(shown.blocks))
    assert len(in_the_grid) == 10
    for name, value in in_the_grid:
        assert value in [told.split(" · ")[0] for named, told in printed if named == name], (name, value)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("made", TURNS)
def test_every_sentence_in_slack_stands_on_a_terminal_and_in_markdown_too(
    made: Turn, locale: str, capsys: Capture
) -> None:
    words = Catalogue(locale)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "900")
        elsewhere = terminal(made, locale, capsys), markdown(words, [as_now(made)], now=NOW)
    why = words.plain(message("views.report_why"))
    blocks = report(words, slack(made, locale)).blocks
    pieces = [block["text"]["text"].split("\n") for block in blocks if block["type"] == "section" and "text" in block]
    titled = [lines[1:] for lines in pieces if lines[0].startswith("*") and bare(lines[0]) != why]
    assert len(titled) >= 4
    for line in (bare(each) for lines in titled for each in lines):
        assert [line for text in elsewhere if line not in text] == []


def upper_case_members() -> set[str]:
    """Of every enum of the model."""
    modules = [import_module(f"lumen.model.{one.name}") for one in pkgutil.iter_modules(lumen.model.__path__)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    enums = {kind for kind in kinds if issubclass(kind, StrEnum)}
    return {str(member) for kind in enums for member in kind if member.isupper()}


@pytest.mark.parametrize("made", TURNS)
def test_korean_speaks_no_name_of_the_code(made: Turn, capsys: Capture) -> None:
    words, seen = Catalogue("ko"), slack(made, "ko")
    told = [terminal(made, "ko", capsys), markdown(words, [as_now(made)]), report(words, seen).text]
    told += [digest(words, DigestReadout(seen, NOW, (made,))).text]
    told += [explained(words, subject, readout(made, NOW + timedelta(hours=5))).text for subject in (None, *Subject)]
    members = upper_case_members()
    assert {"RESONANT", "PASS", "EXCELLENT", "HIGH"} <= members
    assert sorted(set(re.findall(r"\b[A-Z][A-Z_]+\b", "\n".join(told))) & members) == []


@pytest.mark.parametrize("made", TURNS)
def test_what_is_subtracted_agrees_with_what_stands_there(made: Turn) -> None:
    text = markdown(Catalogue("en"), [as_now(made)])
    for before, now, points in re.findall(r"([\d.]+) → ([\d.]+) \(([+−][\d.]+)\)", text):
        assert f"{float(now) - float(before) + 0.0:+z.1f}".replace("-", "−") == points
