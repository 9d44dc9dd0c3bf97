"""What people write on the command line: 0.65, 65% and 65 are the same share; what could be two things is refused."""

import math
import re

import typer

from bot.judging import parse_share

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(MB|mb|%)?")


def share(flag: str, text: str) -> float:
    """A share as 0-1. Raises BadParameter, which says what is meant."""
    try:
        return parse_share(text)
    except ValueError as error:
        raise typer.BadParameter(f"{flag} {text}: {error}") from None


def megabytes(flag: str, text: str, size_mb: int) -> float:
    """`240` and `240MB` as they are, `94%` of `size_mb`. Raises BadParameter."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{flag} {text}: give what is used in MB (240), or as a share of the size (94%).")
    used = float(found[1]) * size_mb / 100 if found[2] == "%" else float(found[1])
    if used > size_mb:
        raise typer.BadParameter(f"{flag} {text}: more than the {size_mb} MB of --current-size.")
    return used


def finite(flag: str, value: float) -> float:
    """Raises BadParameter for `nan` and `inf`, which count as numbers otherwise."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"{flag} {value}: give a number.")
    return value


def refuse(why: str, **given: object) -> None:
    """Raises BadParameter that names the flags that were given and mean nothing here, and says `why`."""
    names = ["--" + name.replace("_", "-") for name, value in given.items() if value not in (None, False, "")]
    if names:
        raise typer.BadParameter(f"{', '.join(names)}: {why}")


def together(**given: object) -> bool:
    """Whether all of these flags were given; False for none. Raises BadParameter for some of them only."""
    names = {name: "--" + name.replace("_", "-") for name in given}
    missing = [names[name] for name, value in given.items() if value is None]
    if missing and len(missing) < len(given):
        raise typer.BadParameter(f"{', '.join(missing)} missing: {', '.join(names.values())} belong together.")
    return not missing
