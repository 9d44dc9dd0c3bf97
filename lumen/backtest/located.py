"""The line in which a part of a JSON text stands: faults of an export are named by it."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
#: Keys and indices from the root on.
Path = Sequence[str | int]


class Located:
    """A text that is JSON. Nothing is looked for before somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._children = lru_cache(maxsize=64)(self._scanned)

    def line(self, path: Path) -> int:
        """The line (from 1) of what stands at `path`, or of the nearest thing around it."""
        offset = self._skipped(0)
        for step in path:
            inside = self._children(offset).get(step)
            if inside is None:
                break
            offset = inside
        return self._text.count("\n", 0, offset) + 1

    def _scanned(self, offset: int) -> Mapping[str | int, int]:
        """Where each part of the object or array at `offset` begins."""
        opening = self._text[offset]
        found: dict[str | int, int] = {}
        at = self._skipped(offset + 1)
        while opening in "{[" and self._text[at] not in "}]":
            key: str | int = len(found)
            if opening == "{":
                key, at = _DECODER.raw_decode(self._text, at)
                at = self._skipped(self._skipped(at) + 1)
            found[key] = at
            _, at = _DECODER.raw_decode(self._text, at)
            at = self._skipped(at)
            if self._text[at] == ",":
                at = self._skipped(at + 1)
        return found

    def _skipped(self, at: int) -> int:
        while self._text[at : at + 1] and self._text[at] in _SPACE:
            at += 1
        return at


def shown_path(path: Path) -> str:
    """As people write it: `data.result[0].values[12]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
