"""Lines of documents fit a screen and a review: 140 characters; tables, code blocks and long links may be longer."""

import re

from tests.docs.test_tracked_files import ROOT, tracked

MOST = 140
CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"\]\([^)]*\)")


def blank(block: re.Match[str]) -> str:
    """As many lines, so that those below it keep their number."""
    return "\n" * block.group().count("\n")


def test_no_line_is_too_long() -> None:
    pages = {file: CODE.sub(blank, file.read_text(encoding="utf-8")) for file in tracked() if file.suffix == ".md"}
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page, text in pages.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(ADDRESS.sub("]", line)) > MOST and not line.lstrip().startswith("|")
    ]
    assert len(pages) > 25
    assert long == []
