"""The command line: it parses, calls and prints; nothing is decided here."""

from bot.cli.commands import main

__all__ = ["main"]
