"""The part of YAML that app manifests are written in: maps, lists, plain and quoted scalars, `>` and `|` blocks.

Anchors, tags, flow collections other than `[]`, `{}` and one-line lists of scalars are refused with the line's
number. A manifest that needs more may be given as JSON, which Slack takes as well.
"""

import json
from dataclasses import dataclass
from typing import Any


class ManifestUnreadable(ValueError):
    """The manifest is not in the subset that is read here; says the line and what to write instead."""


@dataclass(frozen=True)
class _Line:
    number: int
    indent: int
    text: str


def parse(text: str) -> Any:
    """The document as maps, lists, strings, numbers, booleans and None."""
    lines = _lines(text)
    reader = _Reader(lines, text.splitlines())
    value = reader.block(lines[0].indent) if lines else {}
    if reader.position < len(lines):
        raise ManifestUnreadable(f"line {lines[reader.position].number}: unexpected indentation")
    return value


def _lines(text: str) -> list[_Line]:
    found = []
    for number, raw in enumerate(text.splitlines(), start=1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#") or stripped == "---":
            continue
        if "\t" in raw[: len(raw) - len(raw.lstrip())]:
            raise ManifestUnreadable(f"line {number}: a tab in the indentation; use spaces")
        found.append(_Line(number, len(raw) - len(raw.lstrip(" ")), stripped))
    return found


class _Reader:
    def __init__(self, lines: list[_Line], raw: list[str]) -> None:
        self._lines = lines
        self._raw = raw
        self.position = 0

    def block(self, indent: int) -> Any:
        first = self._lines[self.position]
        return self._list(indent) if _is_item(first.text) else self._map(indent)

    def _current(self, indent: int) -> _Line | None:
        if self.position >= len(self._lines):
            return None
        line = self._lines[self.position]
        return line if line.indent == indent else None

    def _list(self, indent: int) -> list[Any]:
        items: list[Any] = []
        while (line := self._current(indent)) is not None and _is_item(line.text):
            rest = line.text[1:].lstrip()
            if not rest:
                self.position += 1
                items.append(self._nested(indent))
            elif _key_of(rest) is not None:
                # "- key: value": the map's other keys stand where this one does.
                inner = indent + len(line.text) - len(rest)
                self._lines[self.position] = _Line(line.number, inner, rest)
                items.append(self._map(inner))
            else:
                self.position += 1
                items.append(_scalar(rest, line.number))
        return items

    def _map(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (line := self._current(indent)) is not None and not _is_item(line.text):
            split = _key_of(line.text)
            if split is None:
                raise ManifestUnreadable(f"line {line.number}: expected `key: value`, found {line.text!r}")
            key, rest = split
            self.position += 1
            if rest and rest[0] in "|>":
                found[key] = self._folded(line, keep_lines=rest[0] == "|", strip=rest.endswith("-"))
            elif rest and not rest.startswith("#"):
                found[key] = _scalar(rest, line.number)
            else:
                found[key] = self._nested(indent)
        return found

    def _nested(self, indent: int) -> Any:
        if self.position >= len(self._lines):
            return None
        following = self._lines[self.position]
        # A list may stand at the same depth as the key that it belongs to.
        if following.indent > indent or (following.indent == indent and _is_item(following.text)):
            return self.block(following.indent)
        return None

    def _folded(self, key_line: _Line, *, keep_lines: bool, strip: bool) -> str:
        collected: list[str] = []
        number = key_line.number
        for raw in self._raw[number:]:
            if raw.strip() and len(raw) - len(raw.lstrip(" ")) <= key_line.indent:
                break
            collected.append(raw.strip())
            number += 1
        while self.position < len(self._lines) and self._lines[self.position].number <= number:
            self.position += 1
        while collected and not collected[-1]:
            collected.pop()
        if keep_lines:
            joined = "\n".join(collected)
        else:
            joined = "\n".join(" ".join(p.split("\n")) for p in "\n".join(collected).split("\n\n"))
        return joined if strip else joined + "\n"


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _key_of(text: str) -> tuple[str, str] | None:
    if text.startswith(('"', "'")):
        quote = text[0]
        end = text.find(quote, 1)
        if end < 0 or not text[end + 1 :].lstrip().startswith(":"):
            return None
        return text[1:end], text[end + 1 :].lstrip()[1:].strip()
    name, colon, rest = text.partition(":")
    if not colon or (rest and not rest.startswith(" ")) or name.startswith(("[", "{")):
        return None
    return name.strip(), rest.strip()


def _scalar(text: str, number: int) -> Any:
    if text.startswith('"'):
        try:
            return json.loads(_without_comment(text, '"'))
        except ValueError as error:
            raise ManifestUnreadable(f"line {number}: a quoted text that cannot be read: {text!r}") from error
    if text.startswith("'"):
        return _without_comment(text, "'")[1:-1].replace("''", "'")
    plain = text.split(" #", 1)[0].strip()
    if plain.startswith("[") and plain.endswith("]"):
        return [_scalar(part.strip(), number) for part in plain[1:-1].split(",") if part.strip()]
    if plain.startswith(("{", "&", "*", "!")) and plain != "{}":
        raise ManifestUnreadable(f"line {number}: {plain!r} is beyond the YAML read here; write it out, or give JSON")
    return _plain(plain)


def _without_comment(text: str, quote: str) -> str:
    end = text.rfind(quote)
    return text[: end + 1]


def _plain(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "{}": {}}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return int(text)
    except ValueError:
        return text
