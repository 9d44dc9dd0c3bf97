"""`lumen report`, `lumen tick` and `lumen doctor` on a terminal."""

import re
import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.advice_answers import HEALTH_CODES, Last
from bot.cli.page import Page
from bot.doctor.folded import folded
from lumen.model.turn import Worth
from lumen.use_cases.advice import TurnNow
from lumen.wording.catalogue import Catalogue
from lumen.wording.report import Section, TurnReport, wrong_now
from lumen.wording.scores import score_lines, scores_of, trend_lines

if TYPE_CHECKING:
    from bot.doctor.examine import Check

INDENT = "     "
_COMMAND = re.compile(r"`[^`]+`")
#: By the exit code of a health.
_STYLES = {0: "green", 1: "yellow", 2: "red", 3: "dim"}
#: By the sign of a row.
_COLOURS = {
    **dict.fromkeys(("✅", "🟢"), "green"),
    **dict.fromkeys(("⚠️", "🟡"), "yellow"),
    **dict.fromkeys(("❌", "🔴"), "red"),
    "⚪": "dim",
}


def print_report(last: Last, locale: str, *, summary_only: bool, detailed: bool) -> None:
    """All phases, or only health and score; `detailed`: each part of each score too."""
    page = _Report(Catalogue(locale))
    if not last.found:
        page.line(page.plain("turn.none_yet"), page.plain("turn.none_yet_remedy"))
    for each in last.found:
        report = TurnReport(page.words, page.words.plain, each.turn, each.size.recommendation)
        page.headline(report, each, last.now)
        if not summary_only:
            for phase in report.phases():
                page.phase(phase)
            page.rest(report, each.worth_doing, detailed=detailed)
    code = last.health_code()
    page.line(page.plain("cli.exit_code", code=code, meaning=page.plain(f"cli.exit_{code}")), style="dim")


class _Report(Page):
    def headline(self, report: TurnReport, found: TurnNow, now: datetime) -> None:
        health, worst = report.health(), found.worst(now)
        style = _STYLES[HEALTH_CODES[worst.level]]
        self.rule(report.turn.snapshot.service.key)
        if worst.is_of_turn:
            self.console.print(f"[{style}]{health.name}[/{style}]  {health.value}  {health.verdict}", highlight=False)
        for line in wrong_now(self.words, report.turn, worst, found.alerts):
            self.line(line, style=style)
        for note in health.notes:
            self.line(note)
        for warning in report.warnings(now):
            self.line(warning, style="yellow")
        self.line(report.measured(now), style="dim")

    def phase(self, phase: Section) -> None:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
        for row in phase.rows:
            table.add_row(Text(row.name), Text(row.value), Text(row.verdict, _COLOURS.get(row.sign, "")))
            for note in row.notes:
                table.add_row("", Text(note, "dim"), "")
        self.console.print(f"[bold]{phase.title}[/bold]", highlight=False)
        self.console.print(table, highlight=False)

    def rest(self, report: TurnReport, found: Sequence[Worth], *, detailed: bool) -> None:
        words, turn = self.words, report.turn
        worth = list(report.worth(found)) or [self.plain("priority.none")]
        self.titled(self.plain("priority.title"), (f"{number}. {one}" for number, one in enumerate(worth, 1)))
        self.titled(self.plain("cli.what_to_do"), report.advice())
        for name, score in scores_of(turn) if detailed else ():
            title = f"{self.plain('cli.why')}: {self.plain(f'why.{name}')}"
            self.titled(title, score_lines(words, words.plain, turn, name, score))
        self.titled(self.plain("trend.title"), trend_lines(words, words.plain, turn.trends))
        self.titled(self.plain("cli.missing"), (f"• {lack.name}: {lack.value}" for lack in report.missing()))


def print_checks(checks: "Sequence[Check]", locale: str) -> None:
    """A kind of check in a line, below what is wrong the sentence that mends it. Nothing is cut, no command broken."""
    words, console = Catalogue(locale), Console()
    for each in folded(checks):
        sign = Text("ok   ", "green") if each.ok else Text("mend ", "red")
        counted = f" ({words.plain(each.counted)})" if each.counted else ""
        console.print(sign + Text(each.name + counted, "bold"), soft_wrap=True)
        for sentence in each.sentences:
            for line in whole_lines(words.plain(sentence), console.width - len(INDENT)):
                console.print(Text(INDENT + line), soft_wrap=True)


def whole_lines(text: str, width: int) -> Sequence[str]:
    """`text` in lines of `width`; what stands between backticks, or is one word, is never broken, however long."""
    glued = _COMMAND.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.wrap(glued, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
