"""The Logging query language, as far as comparisons of an entry's own fields go.

`field op value` with =, !=, <, <=, >, >=, : (has), =~ and !~; log_id("…"); AND, OR, NOT, "-", parentheses; two terms
side by side mean AND. Texts are compared without regard to case, as Logging does.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.google.logs import SEVERITIES, Entry
from sandbox.google.refusal import Refusal, invalid_argument

Predicate = Callable[[Entry], bool]
_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<op>=~|!~|<=|>=|!=|[=:<>()-])|(?P<word>[^\s=:<>!()"~]+))', re.DOTALL
)
_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a.lower() == b.lower(),
    "!=": lambda a, b: a.lower() != b.lower(),
    ":": lambda a, b: b.lower() in a.lower(),
    "=~": lambda a, b: re.search(b, a) is not None,
    "!~": lambda a, b: re.search(b, a) is None,
}
MAX_LENGTH = 20_000


def parse(text: str) -> Predicate:
    """Raises Refusal for what Logging refuses, and for what is not read here."""
    if len(text) > MAX_LENGTH:
        raise invalid_argument(f"Field filter is too long: at most {MAX_LENGTH} characters.")
    return _Parser(text).whole()


def _bad(why: str) -> Refusal:
    return invalid_argument(f"Unparseable filter: {why}")


class _Parser:
    """Recursive descent: OR binds closer than AND, and NOT closest, as in Logging."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, stripped = 0, text.rstrip()
        while at < len(stripped):
            found = _TOKEN.match(stripped, at)
            if found is None:
                raise _bad(f"syntax error at position {at}: {stripped[at : at + 20]!r}")
            kind = found.lastgroup or ""
            raw = found[kind]
            self._tokens.append((kind, re.sub(r'\\(["\\])', r"\1", raw[1:-1]) if kind == "string" else raw))
            at = found.end()
        self._at = 0

    def whole(self) -> Predicate:
        if not self._tokens:
            return lambda _entry: True
        found = self._all()
        if self._at < len(self._tokens):
            raise _bad(f"unexpected {self._peek()!r}")
        return found

    def _peek(self) -> str:
        """The next word or sign; "" at the end and for a string."""
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return text if kind in ("op", "word") else ""

    def _next(self, what: str) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _bad(f"expected {what} at the end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _all(self) -> Predicate:
        parts = [self._any()]
        while self._at < len(self._tokens) and self._peek() != ")":
            if self._peek() == "AND":
                self._at += 1
            parts.append(self._any())
        return lambda entry: all(part(entry) for part in parts)

    def _any(self) -> Predicate:
        parts = [self._one()]
        while self._peek() == "OR":
            self._at += 1
            parts.append(self._one())
        return lambda entry: any(part(entry) for part in parts)

    def _one(self) -> Predicate:
        if self._peek() in ("NOT", "-"):
            self._at += 1
            inner = self._one()
            return lambda entry: not inner(entry)
        if self._peek() == "(":
            self._at += 1
            inside = self._all()
            self._close()
            return inside
        kind, field = self._next("a field")
        if kind != "word":
            raise _bad(f"{field!r} is no field; the sandbox searches in fields alone")
        if field == "log_id":
            return self._log_id()
        return _comparison(field, self._next("an operator")[1], self._next("a value")[1])

    def _close(self) -> None:
        if self._next("a parenthesis")[1] != ")":
            raise _bad("a parenthesis is not closed")

    def _log_id(self) -> Predicate:
        if self._next("a parenthesis")[1] != "(":
            raise _bad("log_id takes one text")
        wanted = self._next("a text")[1]
        self._close()
        return lambda entry: entry.log_id == wanted


def _comparison(field: str, operator: str, value: str) -> Predicate:
    if field in ("timestamp", "severity"):
        ordered = _ORDERED.get(operator)
        limit = _instant(value) if field == "timestamp" else _severity(value)
        if ordered is None:
            raise _bad(f"{field} cannot be compared with {operator}")
        if field == "timestamp":
            return lambda entry: ordered(entry.at, limit)
        return lambda entry: ordered(entry.severity, limit)
    compare, read = _TEXTS.get(operator), _reader(field)
    if compare is None:
        raise _bad(f"{field} cannot be compared with {operator}")
    if operator in ("=~", "!~"):
        try:
            re.compile(value)
        except re.error as error:
            raise _bad(f"invalid regular expression {value!r}: {error}") from error

    def passes(entry: Entry) -> bool:
        found = read(entry)
        return found is not None and compare(found, value)

    return passes


def _reader(field: str) -> Callable[[Entry], str | None]:
    if field == "resource.type":
        return lambda entry: entry.resource_type
    if field == "textPayload":
        return lambda entry: entry.text or None
    first, _, name = field.partition(".labels.")
    if first == "resource" and name:
        return lambda entry: entry.labels.get(name)
    first, _, name = field.partition(".")
    if first == "jsonPayload" and name:
        return lambda entry: (entry.fields or {}).get(name)
    raise _bad(f"the sandbox reads no field {field!r}")


def _instant(value: str) -> float:
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise _bad(f"{value!r} is no timestamp") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _severity(value: str) -> int:
    if value.upper() not in SEVERITIES:
        raise _bad(f"{value!r} is no severity")
    return SEVERITIES[value.upper()]
