"""What the command line shows of the doctor's checks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from handlers.catalogue import Catalogue

if TYPE_CHECKING:
    from bot.doctor.examine import Check


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
