"""YAML as nodes that know where they stand. Nothing is constructed: a value is the text that stands there.

Read from the parser's events, so that neither depth nor aliases cost more than the file itself: libyaml's own composer
goes as deep as the file does, and beyond the stack.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lumen.model.messages import Message, message

MOST_BYTES = 1_000_000
#: No file that Lumen reads goes deeper than ten.
MOST_DEPTH = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_PLAIN_TAGS = frozenset((None, "!", *(f"tag:yaml.org,2002:{one}" for one in ("str", "int", "float", "bool"))))


class Place(NamedTuple):
    """Where something stands; lines and columns from 1, as editors count."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(slots=True, eq=False)
class Node:
    """A value: text, a list, or the pairs of a mapping. None of them for nothing, and for what has a tag of its own."""

    place: Place
    text: str | None = None
    items: "list[Node] | None" = None
    pairs: "list[tuple[Node, Node]] | None" = None
    tag: str = ""

    @property
    def by_name(self) -> "Mapping[str, Node]":
        """The values of a mapping; {} where none stands."""
        return {key.text: value for key, value in self.pairs or () if key.text is not None}

    def get(self, *names: str) -> "Node | None":
        """The value at the end of these keys; None where it does not stand there."""
        found: Node | None = self
        for name in names:
            found = found.by_name.get(name) if found is not None else None
        return found


class NotReadable(Exception):
    """A file that is no YAML that Lumen reads: where, and what is wrong."""

    def __init__(self, place: Place, wrong: Message) -> None:
        super().__init__(str(place), wrong.code)
        self.place, self.wrong = place, wrong


def read_documents(path: Path, shown_as: str) -> list[Node]:
    """The documents of a file, [] for an empty one. Raises NotReadable, OSError."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise NotReadable(Place(shown_as, 1, 1), message("setting.yaml_large", most=MOST_BYTES))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(shown_as, raw[: error.start].decode("utf-8", "replace"))
        raise NotReadable(place, message("setting.yaml_not_utf8", byte=f"0x{raw[error.start]:02x}")) from error
    return parse_documents(text, shown_as)


def parse_documents(text: str, shown_as: str) -> list[Node]:
    """The documents of a text, [] for an empty one. Raises NotReadable."""
    try:
        return _Tree(shown_as).grown(yaml.parse(text, Loader=_LOADER))
    except yaml.reader.ReaderError as error:
        place = _place_of(shown_as, text[: error.position])
        raise NotReadable(place, message("setting.yaml_syntax", problem=str(error.reason))) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        lines = max(1, len(text.splitlines()))
        place = Place(shown_as, line, column) if line <= lines else Place(shown_as, lines, 1)
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise NotReadable(place, message("setting.yaml_syntax", problem=problem)) from error


def _place_of(file: str, before: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


@dataclass(slots=True)
class _Tree:
    """Nodes of the events so far."""

    file: str
    documents: list[Node] = field(default_factory=list)
    _open: list[tuple[Node, list[Node]]] = field(default_factory=list)
    _named: dict[str, Node] = field(default_factory=dict)

    def grown(self, events: Iterator[Any]) -> list[Node]:
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event), event.anchor)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._alias(event))
            elif isinstance(event, yaml.DocumentStartEvent):
                self._named.clear()
        return self.documents

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _scalar(self, event: Any) -> Node:
        place = self._place(event)
        if event.tag not in _PLAIN_TAGS:
            return Node(place, tag=event.tag)
        is_nothing = event.implicit[0] and not event.style and event.value in _NULL
        return Node(place, None if is_nothing else event.value)

    def _begin(self, event: Any) -> None:
        if len(self._open) >= MOST_DEPTH:
            raise NotReadable(self._place(event), message("setting.yaml_deep", most=MOST_DEPTH))
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        whole = Node(self._place(event), pairs=[]) if is_mapping else Node(self._place(event), items=[])
        if event.anchor:
            self._named[event.anchor] = whole
        self._open.append((whole, []))

    def _end(self) -> None:
        whole, parts = self._open.pop()
        # Aliases inside may hold these lists already, so they are filled and not made anew.
        if whole.pairs is not None:
            whole.pairs.extend(zip(parts[::2], parts[1::2], strict=True))
        elif whole.items is not None:
            whole.items.extend(parts)
        self._add(whole)

    def _alias(self, event: Any) -> Node:
        named = self._named.get(event.anchor)
        if named is None:
            raise NotReadable(self._place(event), message("setting.yaml_alias", name=event.anchor))
        # It is told where it is used.
        return Node(self._place(event), named.text, named.items, named.pairs, named.tag)

    def _add(self, node: Node, anchor: str | None = None) -> None:
        if anchor:
            self._named[anchor] = node
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.documents.append(node)
