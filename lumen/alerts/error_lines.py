"""The commonest lines of an error log: entries that differ in figures and ids alone are one line."""

import re
from collections import Counter
from collections.abc import Iterable

from lumen.alerts.masking import masked
from lumen.model.error_lines import ErrorLine

SHOWN = 3
#: Characters of a line as it is shown.
LONGEST_SHOWN = 160
#: So many different lines are masked, the commonest of them; what is beyond them is no common line.
MOST_MASKED = 100
_FIGURES = re.compile(r"[^\s\d]*\d\S*")
_NO_MESSAGE = re.compile(r"traceback \(most recent call last\)|^\s*[-=*#]+\s*$|^\s+at |^\s+File ", re.IGNORECASE)


def commonest(texts: Iterable[str], most: int = SHOWN) -> tuple[ErrorLine, ...]:
    """The commonest first, each as its newest entry says it, masked."""
    said: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text in texts:
        line = line_of(text)
        if line:
            alike = _FIGURES.sub("#", line)
            said.setdefault(alike, line)
            counts[alike] += 1
    return tuple(ErrorLine(text, count) for text, count in _masked(said, counts).most_common(most))


def _masked(said: dict[str, str], counts: "Counter[str]") -> "Counter[str]":
    """Lines that differ in what is masked alone are one line, too."""
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for alike, count in counts.most_common(MOST_MASKED):
        text = masked(said[alike]).strip()
        if not text:
            continue
        text = first.setdefault(_FIGURES.sub("#", text), text)
        found[_shortened(text)] += count
    return found


def line_of(text: str) -> str:
    """The line that says what is wrong: the last one of Python's traceback, the first one of anything else."""
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _NO_MESSAGE.search(line)] or lines
    if not telling:
        return ""
    if "traceback (most recent call last)" not in lines[0].lower():
        return " ".join(telling[0].split())
    outmost = [line for line in telling if not line[0].isspace()] or telling
    return " ".join(outmost[-1].split())


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
