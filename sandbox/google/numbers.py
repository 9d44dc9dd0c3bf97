"""Projects have an id, which people choose, and a number, by which Google names them in budgets and addresses."""

from zlib import crc32


def number_of(project: str) -> str:
    """The number of a project; a number is its own."""
    return project if project.isdigit() else str(100_000_000_000 + crc32(project.encode()))
