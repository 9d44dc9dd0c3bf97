"""How a sentence is printed, whoever prints it."""

from rich.console import Console


def print_line(console: Console, *said: str, style: str | None = None) -> None:
    """As it is, without markup; unbroken, however long, where a program reads it."""
    console.print(*said, style=style, highlight=False, markup=False, soft_wrap=not console.is_terminal)
