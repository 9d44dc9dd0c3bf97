"""What the command line shows of a turn and of the doctor's checks: Rich for people, JSON for programs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from handlers.catalogue import Catalogue
from handlers.views.judged import budget_lines, move_line, move_of, score_message, trend_lines
from lumen.model.assessment import HealthLevel
from lumen.model.message import Message, message
from lumen.model.nodata import NoData
from lumen.model.turn import Turn

if TYPE_CHECKING:
    from bot.doctor.examine import Check

_EXIT_CODES = {
    HealthLevel.EXCELLENT: 0,
    HealthLevel.GOOD: 0,
    HealthLevel.WARNING: 1,
    HealthLevel.CRITICAL: 2,
    HealthLevel.NO_DATA: 3,
}
_STYLES = {0: "green", 1: "yellow", 2: "red", 3: "dim"}


def exit_code_of(turns: Sequence[Turn]) -> int:
    """Mission 8: 0 good, 1 warning, 2 critical, 3 no data. Of several services the most urgent counts."""
    codes = [_EXIT_CODES[turn.assessment.gate.health] for turn in turns]
    known = [code for code in codes if code != 3]
    return max(known) if known else 3


def print_turns(turns: Sequence[Turn], locale: str, summary_only: bool) -> None:
    """The phases of the mission's report, or only health and score."""
    words, console = Catalogue(locale), Console()
    if not turns:
        console.print(words.plain(message("turn.none_yet")), words.plain(message("turn.none_yet_remedy")))
    for turn in turns:
        _headline(console, words, turn)
        if not summary_only:
            _phases(console, words, turn)
            for line in trend_lines(words, words.plain, turn.trends):
                console.print(line, highlight=False, markup=False)
            _recommendation(console, words, turn)
            _missing(console, words, turn)


def _figure(words: Catalogue, code: str, value: float | NoData | None) -> str:
    if value is None or isinstance(value, NoData):
        return words.plain(message("cli.no_data"))
    return words.plain(Message(code, {"value": value}))


def _headline(console: Console, words: Catalogue, turn: Turn) -> None:
    gate = turn.assessment.gate
    score, move = words.plain(score_message(gate.score)), move_of(turn, "gate")
    style = _STYLES[_EXIT_CODES[gate.health]]
    window = turn.snapshot.window
    console.rule(f"[bold]{turn.snapshot.service.key}[/bold]")
    console.print(f"[{style}]{gate.health.value}[/{style}]  {score}  {gate.verdict.value}", highlight=False)
    console.print(words.plain(gate.health_reason), highlight=False)
    moved = move_line(words, words.plain, move) if move is not None else None
    for line in (moved, words.plain(turn.low_traffic) if turn.low_traffic else None):
        if line is not None:
            console.print(line, highlight=False, markup=False)
    start_at, end_at = window.start.isoformat(), window.end.isoformat()
    deployment = turn.snapshot.deployment
    if not isinstance(deployment, NoData) and deployment.pinned_revision is not None:
        pinned = message("cli.pinned", revision=deployment.pinned_revision)
        console.print(words.plain(pinned), style="yellow", highlight=False)
    for drifted in turn.drift:
        console.print(words.plain(drifted), style="yellow", highlight=False)
    console.print(words.plain(message("cli.window", start_at=start_at, end_at=end_at)), style="dim", highlight=False)


def _phases(console: Console, words: Catalogue, turn: Turn) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value, verdict in _rows(words, turn):
        table.add_row(name, value, verdict)
    console.print(table)


def _rows(words: Catalogue, turn: Turn) -> Iterator[tuple[str, str, str]]:
    found = turn.assessment
    yield "[bold]1[/bold]", "", ""
    yield "maturity", words.plain(score_message(found.maturity.score)), found.maturity.verdict.value
    yield "ROI", _figure(words, "cli.percent", found.roi.roi), found.roi.verdict.value
    yield "[bold]2[/bold]", "", ""
    for objective in found.slo.objectives:
        met = {True: "PASS", False: "FAIL", None: "NO_DATA"}[objective.met]
        yield objective.name, words.plain(objective.shown), met
    for line in budget_lines(words, words.plain, found.slo.budgets):
        yield "error budget", line, ""
    yield "[bold]3[/bold]", "", ""
    yield "cost rhythm", words.plain(found.rhythm.reason), found.rhythm.state.value
    yield "budget", _figure(words, "cli.percent", found.rhythm.budget_share), ""
    yield "[bold]4[/bold]", "", ""
    yield "cache", words.plain(found.cache.health_reason), found.cache.health.value
    yield "action", words.plain(found.cache.action_reason), found.cache.action.value


def _recommendation(console: Console, words: Catalogue, turn: Turn) -> None:
    wanted = turn.first
    if isinstance(wanted, NoData):
        console.print("TTL:", words.plain(wanted.reason), words.plain(wanted.remedy), highlight=False)
        return
    change = wanted.change
    move = "=" if change is None else f"{change.old} → {change.new} {change.unit}"
    name = "TTL" if change is None else words.plain(Message(f"word.knob_{change.knob}", {}))
    console.print(f"{name}: {move}  \\[{wanted.priority.value}] {wanted.strategy}", highlight=False)
    for reason in (*wanted.reasons, *turn.held_back):
        console.print(f"  • {words.plain(reason)}", highlight=False)


def _missing(console: Console, words: Catalogue, turn: Turn) -> None:
    for missing in turn.missing:
        why = f"{words.plain(missing.why.reason)} {words.plain(missing.why.remedy)}"
        console.print(f"[yellow]no {missing.what}:[/yellow] {why}", highlight=False)


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
