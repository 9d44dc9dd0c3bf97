"""What the command line shows of the doctor's checks, and the exit code of a turn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from handlers.catalogue import Catalogue
from lumen.model.assessment import HealthLevel
from lumen.model.turn import Turn

if TYPE_CHECKING:
    from bot.doctor.examine import Check

EXIT_CODES = {
    HealthLevel.EXCELLENT: 0,
    HealthLevel.GOOD: 0,
    HealthLevel.WARNING: 1,
    HealthLevel.CRITICAL: 2,
    HealthLevel.NO_DATA: 3,
}


def exit_code_of(turns: Sequence[Turn]) -> int:
    """Mission 8: 0 good, 1 warning, 2 critical, 3 no data. Of several services the most urgent counts."""
    codes = [EXIT_CODES[turn.assessment.gate.health] for turn in turns]
    known = [code for code in codes if code != 3]
    return max(known) if known else 3


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
