"""Monitoring filters: the text → a predicate over series.

Grammar (Cloud Monitoring, "Monitoring filters"): comparisons `selector op value` with =, !=, :, <, <=, >, >=;
values are words, numbers, "strings" or functions starts_with, ends_with, has_substring, one_of,
monitoring.regex.full_match; AND, OR, NOT, "-", parentheses; two terms side by side mean AND.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.google.monitoring.metric import MetricType
from sandbox.google.monitoring.series import Labels

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<op><=|>=|!=|[=:<>(),-])|(?P<word>[^\s=:<>!(),"\']+))'
)
_FUNCTIONS = ("starts_with", "ends_with", "has_substring", "one_of", "monitoring.regex.full_match")
_OPERATORS = ("=", "!=", ":", "<", "<=", ">", ">=")

Predicate = Callable[[MetricType, Labels], bool]
Matcher = Callable[[str], bool]


class FilterError(ValueError):
    """The filter cannot be parsed, or names what no descriptor has. The message says where."""


@dataclass(frozen=True, slots=True)
class Selector:
    """The field that is compared: ("metric.type", ""), ("resource.labels", "zone"), ("metric.labels", "code") …"""

    field: str
    label: str = ""

    def read(self, metric: MetricType, labels: Labels) -> str | None:
        """The series' value; None where it has none."""
        match self.field:
            case "metric.type":
                return metric.name
            case "resource.type":
                return labels.resource_type
            case "resource.labels":
                return labels.resource.get(self.label)
            case "metric.labels":
                return labels.metric.get(self.label)
            case "project":
                return labels.resource.get("project_id")
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One term of a filter; kept apart so that a filter's terms can be checked against descriptors."""

    selector: Selector
    matches: Matcher
    negated: bool = False

    def __call__(self, metric: MetricType, labels: Labels) -> bool:
        found = self.selector.read(metric, labels)
        return (found is not None and self.matches(found)) != self.negated


@dataclass(frozen=True)
class Filter:
    """A parsed filter. `comparisons` are its terms wherever they stand."""

    text: str
    predicate: Predicate
    comparisons: tuple[Comparison, ...]

    def __call__(self, metric: MetricType, labels: Labels) -> bool:
        return self.predicate(metric, labels)

    def may_have_metric(self, name: str) -> bool:
        """Whether a series of the metric type could match, by the positive terms on metric.type alone."""
        terms = [c for c in self.comparisons if c.selector.field == "metric.type"]
        return any(c.matches(name) != c.negated for c in terms) if terms else True

    @property
    def names_metric(self) -> bool:
        """Whether the filter says anything about metric.type."""
        return any(c.selector.field == "metric.type" for c in self.comparisons)


def parse(text: str) -> Filter:
    """Raises FilterError."""
    parser = _Parser(text)
    predicate = parser.expression() if parser.tokens else (lambda _metric, _labels: True)
    parser.finish()
    return Filter(text, predicate, tuple(parser.comparisons))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "string", "op" or "word"
    text: str


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise FilterError(f"could not parse filter at position {at}: {stripped[at : at + 20]!r}")
        kind = match.lastgroup or ""
        raw = match.group(kind)
        found.append(_Token(kind, re.sub(r"\\(.)", r"\1", raw[1:-1]) if kind == "string" else raw))
        at = match.end()
    return found


class _Parser:
    """Recursive descent: OR binds loosest, then AND (or nothing), then NOT."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.comparisons: list[Comparison] = []
        self._at = 0

    def _peek(self) -> _Token | None:
        return self.tokens[self._at] if self._at < len(self.tokens) else None

    def _next(self) -> _Token:
        token = self._peek()
        if token is None:
            raise FilterError("could not parse filter: unexpected end")
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.kind != "string" and token.text == text

    def _take(self, text: str) -> None:
        if not self._is(text):
            raise FilterError(f"could not parse filter: expected {text!r} before {self._rest()!r}")
        self._at += 1

    def _rest(self) -> str:
        return " ".join(t.text for t in self.tokens[self._at : self._at + 4])

    def finish(self) -> None:
        if self._peek() is not None:
            raise FilterError(f"could not parse filter: unexpected {self._rest()!r}")

    def expression(self) -> Predicate:
        terms = [self._conjunction()]
        while self._is("OR"):
            self._at += 1
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda m, s: any(t(m, s) for t in terms)

    def _conjunction(self) -> Predicate:
        terms = [self._factor()]
        while (token := self._peek()) is not None and not self._is("OR") and not self._is(")"):
            if token.kind == "word" and token.text == "AND":
                self._at += 1
            terms.append(self._factor())
        return terms[0] if len(terms) == 1 else lambda m, s: all(t(m, s) for t in terms)

    def _factor(self) -> Predicate:
        if self._is("NOT") or self._is("-"):
            self._at += 1
            inner = self._factor()
            return lambda m, s: not inner(m, s)
        if self._is("("):
            self._at += 1
            inner = self.expression()
            self._take(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        selector = _selector(self._next())
        operator = self._next()
        if operator.kind != "op" or operator.text not in _OPERATORS:
            raise FilterError(f"could not parse filter: expected a comparison after the field, not {operator.text!r}")
        matches = self._operand(operator.text)
        comparison = Comparison(selector, matches, negated=operator.text == "!=")
        self.comparisons.append(comparison)
        return comparison

    def _operand(self, operator: str) -> Matcher:
        token = self._next()
        if token.kind == "op" and token.text == "-":  # a negative number
            token = _Token("word", "-" + self._next().text)
        if token.kind == "op":
            raise FilterError(f"could not parse filter: expected a value, not {token.text!r}")
        if token.kind == "word" and self._is("("):
            return self._function(token.text)
        return _plain(operator, token.text)

    def _function(self, name: str) -> Matcher:
        if name not in _FUNCTIONS:
            raise FilterError(f"could not parse filter: unknown function {name!r}; known: {', '.join(_FUNCTIONS)}")
        self._take("(")
        arguments = [self._next().text]
        while self._is(","):
            self._at += 1
            arguments.append(self._next().text)
        self._take(")")
        return _function(name, arguments)


def _selector(token: _Token) -> Selector:
    path = token.text
    if path in ("metric.type", "resource.type", "project", "group.id"):
        return Selector(path)
    for prefix, field in (
        ("resource.labels.", "resource.labels"),
        ("resource.label.", "resource.labels"),
        ("metric.labels.", "metric.labels"),
        ("metric.label.", "metric.labels"),
        ("metadata.system_labels.", "metadata"),
        ("metadata.user_labels.", "metadata"),
    ):
        if path.startswith(prefix) and len(path) > len(prefix):
            return Selector(field, path[len(prefix) :])
    raise FilterError(f"could not parse filter: unknown field {path!r}")


def _plain(operator: str, wanted: str) -> Matcher:
    match operator:
        case ":":
            return lambda found: wanted.casefold() in found.casefold()
        case "<":
            return lambda found: _order(found, wanted) < 0
        case "<=":
            return lambda found: _order(found, wanted) <= 0
        case ">":
            return lambda found: _order(found, wanted) > 0
        case ">=":
            return lambda found: _order(found, wanted) >= 0
    return lambda found: found == wanted


def _order(found: str, wanted: str) -> int:
    """-1, 0, 1; as numbers where both are some."""
    try:
        a, b = float(found), float(wanted)
    except ValueError:
        return (found > wanted) - (found < wanted)
    return (a > b) - (a < b)


def _function(name: str, arguments: list[str]) -> Matcher:
    if name == "one_of":
        allowed = frozenset(arguments)
        return lambda found: found in allowed
    if len(arguments) != 1:
        raise FilterError(f"could not parse filter: {name} takes one argument")
    wanted = arguments[0]
    match name:
        case "starts_with":
            return lambda found: found.startswith(wanted)
        case "ends_with":
            return lambda found: found.endswith(wanted)
        case "has_substring":
            return lambda found: wanted in found
    try:
        pattern = re.compile(wanted)
    except re.error as error:
        raise FilterError(f"could not parse filter: bad regular expression {wanted!r}: {error}") from error
    return lambda found: pattern.fullmatch(found) is not None
