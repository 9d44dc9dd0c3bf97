"""What is printed for people: lines, rules and tables on a terminal, plain text in a pipe."""

from collections.abc import Iterable
from typing import Literal

from rich.console import Console
from rich.table import Table

from bot.cli.common import print_line
from lumen.model.messages import Message, Param
from lumen.wording.catalogue import Catalogue


class Page:
    """Rich on standard output; in a pipe it is plain text."""

    def __init__(self, words: Catalogue) -> None:
        self.words = words
        self.console = Console()

    def plain(self, code: str, /, **params: Param) -> str:
        """The text of a code."""
        return self.words.plain(Message(code, params))

    def line(self, *said: str, style: str | None = None) -> None:
        """One line, whatever stands in it."""
        print_line(self.console, *said, style=style)

    def rule(self, title: str) -> None:
        """A title with a rule."""
        self.console.rule(f"[bold]{title}[/bold]")

    def table(self, *columns: str, justify: Literal["left", "right"] = "left") -> Table:
        """An empty table with headings; it is for the caller to print."""
        table = Table(show_header=bool(columns), box=None, padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column, justify=justify)
        return table

    def titled(self, title: str, lines: Iterable[str]) -> None:
        """Nothing at all without lines."""
        shown = list(lines)
        if shown:
            self.console.print(f"[bold]{title}[/bold]", highlight=False)
        for one in shown:
            self.line(f"  {one}")
