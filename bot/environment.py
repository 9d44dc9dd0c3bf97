"""The only reader of the environment and of `.env`."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.shapes import Problems
from lumen.model.messages import Message, message

ENV_FILE = Path(".env")
#: Rights of anybody but the owner: a secret in a file is nobody else's to read.
OTHERS_BITS = 0o077
Some = TypeVar("Some", bound=BaseModel)


class ConfigurationError(Exception):
    """The environment cannot be used. `problems`: each names the setting, its value, what is allowed, an example."""

    def __init__(self, heading: str, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.heading, self.problems = heading, problems


@dataclass(frozen=True, slots=True)
class ReadBeside:
    """Settings that stand in a file beside the environment, and go before it.

    `elsewhere`: names that the environment need not have then. `context`: for the settings' own validators. `against`
    tells what does not fit the whole.
    """

    problems: Sequence[str]
    values: Mapping[str, Any]
    elsewhere: Collection[str]
    context: object = None
    against: Callable[[Any], Sequence[str]] = lambda _: ()


NOTHING_BESIDE = ReadBeside((), {}, ())
Beside = Callable[[Mapping[str, str]], ReadBeside]


def names_of(kind: type[BaseModel]) -> dict[str, str]:
    """The environment's names of these settings, each with what validation calls it."""
    called = [field.alias or name for name, field in kind.model_fields.items()]
    return {name.upper(): name for name in called}


def read_settings(kind: type[Some], *, are_all: bool = False, beside: Beside = lambda _: NOTHING_BESIDE) -> Some:
    """Settings of this kind. Raises ConfigurationError with every problem found, not just the first.

    `are_all`: there are no others, so any other name that begins with LUMEN_ is a mistake.

    Other people's variables are left alone: only names that begin as Lumen's, or are nearly one of `kind`'s.
    """
    given = _given()
    names = names_of(kind)
    told = Problems(kind, given)
    problems = [told.of_file(*wrong) for wrong in _from_files(kind, given)]
    problems += told.misspelt(names, are_all=are_all)
    more = beside(given)
    values = {**{name: given[of] for of, name in names.items() if of in given}, **more.values}
    try:
        settings = kind.model_validate(values, context=more.context)
    except ValidationError as error:
        problems += told.of(error, more.elsewhere)
        raise ConfigurationError(told.heading, _each_once(problems, more.problems)) from None
    if not problems:
        problems += more.against(settings)
    if problems or more.problems:
        raise ConfigurationError(told.heading, _each_once(problems, more.problems))
    return settings


def _each_once(*problems: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(problems)))


def _from_files(kind: type[BaseModel], given: dict[str, str]) -> Iterator[tuple[str, str, Message]]:
    """Put secrets that stand in files (STATE_REDIS_URL_FILE=…) into `given`. Yields name, file, and what is wrong."""
    secret = [name.upper() for name, field in kind.model_fields.items() if "SecretStr" in str(field.annotation)]
    for name in secret:
        path = given.pop(f"{name}_FILE", "")
        if path and name in given:
            yield name, path, message("setting.file_and_value")
        elif path:
            given[name], wrong = secret_of_file(Path(path))
            if wrong is not None:
                yield name, path, wrong
            if not given[name]:
                del given[name]


def secret_of_file(path: Path) -> tuple[str, Message | None]:
    """What stands there, and what is wrong with the file: others may read it, or it cannot be read."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
        return secret, message("setting.file_open_to_others") if is_open_to_others(path) else None
    except (OSError, UnicodeDecodeError) as error:
        return "", message("setting.file_unreadable", error=type(error).__name__)


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but its owner has any right to it. Raises OSError."""
    return bool(path.stat().st_mode & OTHERS_BITS)


def _given() -> dict[str, str]:
    """Names and values that are not empty; the environment wins."""
    from_file: Mapping[str, str | None] = {}
    if ENV_FILE.exists():
        from dotenv import dotenv_values

        from_file = dotenv_values(ENV_FILE)
    return {name.upper(): value for of in (from_file, os.environ) for name, value in of.items() if value}
