"""The small checks that shapes are made of. A rule looks at one value and reports what Slack would say about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Collected violations in Slack's words, each with the JSON pointer of the place."""

    problems: list[str] = field(default_factory=list)
    markdown_characters: int = 0
    tables: int = 0
    charts: int = 0

    def say(self, problem: str, path: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{path}]")


Rule = Callable[[Report, Any, str], None]


@dataclass(frozen=True)
class Shape:
    """An object: fields that must be there, fields that may, and nothing else. `also` sees the whole object."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)
    also: Rule | None = None

    def __call__(self, report: Report, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            report.say("must provide an object", path)
            return
        for name in self.required:
            if value.get(name) is None:
                report.say(f"missing required field: {name}", path)
        for name, field_value in value.items():
            rule = self.required.get(name) or self.optional.get(name)
            if rule is None:
                if name != "type":
                    report.say(f"invalid additional property: {name}", path)
            elif field_value is not None:
                rule(report, field_value, f"{path}/{name}")
        if self.also is not None:
            self.also(report, value, path)


def string(maximum: int, minimum: int = 0) -> Rule:
    """A text of `minimum` to `maximum` characters."""

    def check(report: Report, value: Any, path: str) -> None:
        if not isinstance(value, str):
            report.say("must be a string", path)
        elif len(value) < minimum:
            report.say(f"must be more than {minimum - 1} characters", path)
        elif len(value) > maximum:
            report.say(f"must be less than {maximum + 1} characters", path)

    return check


def boolean(report: Report, value: Any, path: str) -> None:
    if not isinstance(value, bool):
        report.say("must be a boolean", path)


def whole(lowest: int, highest: int) -> Rule:
    def check(report: Report, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.say("must be an integer", path)
        elif not lowest <= value <= highest:
            report.say(f"must be between {lowest} and {highest}", path)

    return check


def one_of(*allowed: str) -> Rule:
    def check(report: Report, value: Any, path: str) -> None:
        if value not in allowed:
            report.say(f"must be a valid enum value: {', '.join(allowed)}", path)

    return check


def anything(_report: Report, _value: Any, _path: str) -> None:
    """Carried, not checked."""


def items(rule: Rule, maximum: int, minimum: int = 0) -> Rule:
    """A list of `minimum` to `maximum` things that each follow `rule`."""

    def check(report: Report, value: Any, path: str) -> None:
        if not isinstance(value, list):
            report.say("must be an array", path)
            return
        if len(value) > maximum:
            report.say(f"no more than {maximum} items allowed", path)
        if len(value) < minimum:
            report.say(f"no fewer than {minimum} items allowed", path)
        for index, item in enumerate(value):
            rule(report, item, f"{path}/{index}")

    return check


def by_type(shapes: Mapping[str, Rule], allowed: frozenset[str] | None = None) -> Rule:
    """An object whose `type` says which shape it must have; `allowed` narrows the types for this place."""

    def check(report: Report, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            report.say("must provide an object", path)
            return
        kind = value.get("type")
        if kind is None:
            report.say("missing required field: type", path)
        elif not isinstance(kind, str) or kind not in shapes or (allowed is not None and kind not in allowed):
            report.say(f"unsupported type: {kind}", f"{path}/type")
        else:
            shapes[kind](report, value, path)

    return check


def web_address(report: Report, value: Any, path: str) -> None:
    """A picture's or button's address: http or https, at most 3000 characters."""
    string(3000, 1)(report, value, path)
    if isinstance(value, str) and not value.startswith(("http://", "https://")):
        report.say("invalid_url", path)


def link(report: Report, value: Any, path: str) -> None:
    """A link to follow: any scheme with a colon (https, slack, mailto), at most 3000 characters."""
    string(3000, 1)(report, value, path)
    if isinstance(value, str) and ":" not in value:
        report.say("invalid_url", path)
