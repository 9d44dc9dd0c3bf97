"""`lumen report` and `lumen tick`: the phases of the report, what is worth doing, the exit code.

What the command line shows of the doctor's checks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.advice_answers import HEALTH_CODES
from bot.cli.common import print_line
from lumen.model.answers import is_stale
from lumen.model.assessment import CacheFinding
from lumen.model.messages import Message, NoData, Param
from lumen.model.turn import Recommendation, Turn, Worth
from lumen.policies.priorities import priorities
from lumen.use_cases.advice import SizeReadout
from lumen.wording.catalogue import Catalogue, iso
from lumen.wording.money import beside
from lumen.wording.scores import (
    budget_lines,
    move_line,
    move_of,
    score_lines,
    score_message,
    scores_of,
    since_before,
    span,
    trend_lines,
)

if TYPE_CHECKING:
    from bot.doctor.examine import Check


_STYLES = {0: "green", 1: "yellow", 2: "red", 3: "dim"}


_VERDICT_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "red", "NO_DATA": "dim"}


@dataclass(frozen=True, slots=True)
class Reported:
    """What is printed: turns with the size advice of each, as they stand at `now`."""

    turns: Sequence[Turn]
    sizes: Sequence[SizeReadout]
    now: datetime
    exit_code: int


def worth_doing(turn: Turn, size: SizeReadout) -> tuple[Worth, ...]:
    """The most urgent first."""
    return priorities(turn, None if isinstance(size.advice, NoData) else size.advice)


def print_report(found: Reported, locale: str, *, summary_only: bool, detailed: bool) -> None:
    """All phases, or only health and score; `detailed`: each part of each score too."""
    page = _Page(locale)
    if not found.turns:
        page.line(page.plain("turn.none_yet"), page.plain("turn.none_yet_remedy"))
    for turn, size in zip(found.turns, found.sizes, strict=True):
        page.headline(turn, found.now)
        if not summary_only:
            page.phases(turn, size)
            page.numbered(page.plain("priority.title"), page.worth(turn, size))
            page.titled(page.plain("cli.what_to_do"), page.now(turn))
            if detailed:
                for name, score in scores_of(turn):
                    title = f"{page.plain('cli.why')}: {page.plain(f'why.{name}')}"
                    page.titled(title, score_lines(page.words, page.words.plain, turn, name, score))
            page.titled(page.plain("cli.trends"), trend_lines(page.words, page.words.plain, turn.trends))
            page.titled(page.plain("cli.missing"), (f"• {lack}" for lack in page.missing(turn)))
    meaning = page.plain(f"cli.exit_{found.exit_code}")
    page.line(page.plain("cli.exit_code", code=found.exit_code, meaning=meaning), style="dim")


class _Page:
    """Rich on standard output; in a pipe it is plain text."""

    def __init__(self, locale: str) -> None:
        self.words = Catalogue(locale)
        self._console = Console()

    def plain(self, code: str, /, **params: Param) -> str:
        return self.words.plain(Message(code, params))

    def line(self, *said: str, style: str | None = None) -> None:
        print_line(self._console, *said, style=style)

    def titled(self, title: str, lines: Iterator[str]) -> None:
        """Nothing at all without lines."""
        shown = list(lines)
        if shown:
            self._console.print(f"[bold]{title}[/bold]", highlight=False)
        for one in shown:
            self.line(f"  {one}")

    def numbered(self, title: str, lines: Iterator[str]) -> None:
        self.titled(title, (f"{number}. {one}" for number, one in enumerate(lines, 1)))

    def missing(self, turn: Turn) -> Iterator[str]:
        """One dead server takes several figures with it, and is told once."""
        return iter(dict.fromkeys(self._lack(missing.why) for missing in turn.missing))

    def headline(self, turn: Turn, now: datetime) -> None:
        gate, window = turn.assessment.gate, turn.snapshot.window
        style = _STYLES[HEALTH_CODES[gate.health]]
        self._console.rule(f"[bold]{turn.snapshot.service.key}[/bold]")
        score = self.words.plain(score_message(gate.score))
        self._console.print(f"[{style}]{gate.health.value}[/{style}]  {score}  {gate.verdict.value}", highlight=False)
        self.line(self.words.plain(gate.health_reason))
        move = move_of(turn, "gate")
        moved = move_line(self.words, self.words.plain, move) if move is not None else None
        for said in (moved, self.words.plain(turn.low_traffic) if turn.low_traffic else None):
            if said is not None:
                self.line(said)
        deployment = turn.snapshot.deployment
        if not isinstance(deployment, NoData) and deployment.pinned_revision is not None:
            self.line(self.plain("cli.pinned", revision=deployment.pinned_revision), style="yellow")
        for drifted in turn.drift:
            self.line(self.words.plain(drifted), style="yellow")
        age = self.words.plain(span(max(now - window.end, timedelta(0))))
        self.line(self.plain("cli.measured", start_at=iso(window.start), end_at=iso(window.end), age=age), style="dim")
        if is_stale(turn, now):
            self.line(self.plain("cli.stale", age=age), style="yellow")

    def phases(self, turn: Turn, size: SizeReadout) -> None:
        for number, rows in enumerate((self._one(turn), self._two(turn), self._three(turn), self._four(turn, size)), 1):
            table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
            for name, value, verdict in rows:
                style = _VERDICT_STYLES.get(verdict, "")
                table.add_row(Text(name), Text(value), Text(verdict, style))
            self._console.print(f"[bold]{self.plain(f'cli.phase_{number}')}[/bold]", highlight=False)
            self._console.print(table, highlight=False)

    def worth(self, turn: Turn, size: SizeReadout) -> Iterator[str]:
        found = worth_doing(turn, size)
        if not found:
            yield self.plain("priority.none")
        for one in found:
            what, impact = self.words.plain(one.what), self.words.plain(one.impact)
            yield self.plain("priority.line", priority=one.priority.value, what=what, impact=impact)

    def now(self, turn: Turn) -> Iterator[str]:
        """What would be proposed now, why, and what holds it back."""
        wanted = turn.first
        if isinstance(wanted, NoData):
            yield self._lack(wanted)
            return
        change = wanted.change
        if change is None:
            yield self.plain("views.recommended_hold")
        else:
            knob = self.plain(f"word.knob_{change.knob}")
            moves = f"{knob} {change.old} → {change.new} {change.unit}".rstrip()
            yield f"[{wanted.priority.value}] {moves} ({wanted.strategy})"
        yield from (f"• {self.words.plain(reason)}" for reason in (*wanted.reasons, *turn.held_back))

    def _one(self, turn: Turn) -> Iterator[tuple[str, str, str]]:
        maturity, roi = turn.assessment.maturity, turn.assessment.roi
        score = self.words.plain(score_message(maturity.score))
        level = score if maturity.level is None else self.plain("cli.level", level=maturity.level, score=score)
        yield self._name("maturity"), level, maturity.verdict.value
        yield self._name("roi"), self.words.plain(roi.shown), roi.verdict.value
        yield from self._since(turn, "roi")

    def _since(self, turn: Turn, what: str) -> Iterator[tuple[str, str, str]]:
        return (("", self.words.plain(each), "") for each in since_before(self.words, turn, what))

    def _two(self, turn: Turn) -> Iterator[tuple[str, str, str]]:
        slo = turn.assessment.slo
        for objective in slo.objectives:
            yield self._name(objective.name), self.words.plain(objective.shown), objective.verdict.value
        yield self._name("slo_compliance"), self.words.plain(score_message(slo.compliance)), slo.verdict.value
        for number, line in enumerate(budget_lines(self.words, self.words.plain, slo.budgets)):
            yield "" if number else self.plain("budget.title"), line, ""

    def _three(self, turn: Turn) -> Iterator[tuple[str, str, str]]:
        rhythm = turn.assessment.rhythm
        yield self.plain("cli.state"), self.words.plain(rhythm.reason), rhythm.state.value
        yield from self._since(turn, "rhythm")
        if rhythm.coherence is not None and rhythm.phase is not None and rhythm.entropy is not None:
            figures = {"coherence": rhythm.coherence, "phase": rhythm.phase, "entropy": rhythm.entropy}
            yield "", self.plain("markdown.rhythm", **figures), ""
        yield self.plain("cli.budget"), self._budget(turn), ""
        for line in beside(turn.snapshot.spend):
            yield "", self.words.plain(line), ""

    def _budget(self, turn: Turn) -> str:
        rhythm, spend = turn.assessment.rhythm, turn.snapshot.spend
        if isinstance(spend, NoData) or rhythm.budget_share is None:
            return self.plain("cli.no_data")
        used = self.plain("cli.budget_used", share=rhythm.budget_share, budget_usd=spend.budget_usd)
        if rhythm.forecast_usd is None:
            return used
        return self.plain("cli.budget_forecast", used=used, forecast_usd=rhythm.forecast_usd)

    def _four(self, turn: Turn, size: SizeReadout) -> Iterator[tuple[str, str, str]]:
        found, seen = turn.assessment.cache, turn.snapshot
        for finding in found.findings:
            yield self._name(finding.name), self._finding(finding), finding.grade.value if finding.grade else ""
        yield self.plain("advice.health"), self.words.plain(found.health_reason), found.health.value
        yield from self._since(turn, "cache")
        yield self.plain("advice.action"), self.words.plain(found.action_reason), found.action.value
        ttl = "" if isinstance(seen.ttl, NoData) else f"{seen.ttl.value_seconds} s"
        yield self.plain("cli.ttl_advice"), *self._advised(turn.ttl, ttl)
        present = "" if isinstance(size.figures, NoData) else f"{size.figures.size_mb} MB"
        yield self.plain("cli.size_advice"), *self._advised(size.recommendation, present)

    def _finding(self, finding: CacheFinding) -> str:
        if isinstance(finding.value, NoData):
            return self.words.plain(finding.value.reason)
        return self.plain(f"assess.finding_{finding.name}", value=finding.value).partition(": ")[2]

    def _advised(self, wanted: Recommendation | NoData, present: str) -> tuple[str, str]:
        if isinstance(wanted, NoData):
            return self.words.plain(wanted.reason), ""
        if wanted.change is None:
            return self.plain("cli.hold", value=present or "="), wanted.strategy
        change = wanted.change
        return f"{change.old} → {change.new} {change.unit}", f"{wanted.strategy} ({wanted.priority.value})"

    def _lack(self, why: NoData) -> str:
        return f"{self.words.plain(why.reason)} {self.words.plain(why.remedy)}"

    def _name(self, name: str) -> str:
        return self.plain(f"assess.name_{name}")


def print_checks(checks: "Sequence[Check]", locale: str) -> None:
    """One line a check: ok, or the sentence that mends it."""
    words, console = Catalogue(locale), Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "check", ""):
        table.add_column(heading)
    for check in checks:
        sign = "[green]ok[/green]" if check.ok else "[red]mend[/red]"
        table.add_row(sign, check.name, " ".join(words.plain(sentence) for sentence in check.sentences))
    console.print(table)
