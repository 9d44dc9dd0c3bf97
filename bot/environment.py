"""The only reader of the environment and of `.env`."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

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


def read_settings(kind: type[Some], *, are_all: bool = False) -> Some:
    """Settings of this kind. Raises ConfigurationError with every problem found, not just the first.

    `are_all`: there are no others, so any other name that begins with LUMEN_ is a mistake.

    Other people's variables are left alone: only names that begin as Lumen's, or are nearly one of `kind`'s.
    """
    given = _given()
    names = {name.upper(): name for name in kind.model_fields}
    told = Problems(kind, given)
    problems = [told.of_file(*wrong) for wrong in _from_files(kind, given)]
    problems += told.misspelt(names, are_all=are_all)
    try:
        settings = kind.model_validate({name: given[of] for of, name in names.items() if of in given})
    except ValidationError as error:
        problems += told.of(error)
    if problems:
        raise ConfigurationError(told.heading, problems)
    return settings


def _from_files(kind: type[BaseModel], given: dict[str, str]) -> Iterator[tuple[str, str, Message]]:
    """Put secrets that stand in files (STATE_REDIS_URL_FILE=…) into `given`. Yields name, file, and what is wrong."""
    secret = [name.upper() for name, field in kind.model_fields.items() if "SecretStr" in str(field.annotation)]
    for name in secret:
        path = given.pop(f"{name}_FILE", "")
        if path and name in given:
            yield name, path, message("setting.file_and_value")
        elif path:
            try:
                if Path(path).stat().st_mode & OTHERS_BITS:
                    yield name, path, message("setting.file_open_to_others")
                given[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                yield name, path, message("setting.file_unreadable", error=type(error).__name__)


def _given() -> dict[str, str]:
    """Names and values that are not empty; the environment wins."""
    from_file: Mapping[str, str | None] = {}
    if ENV_FILE.exists():
        from dotenv import dotenv_values

        from_file = dotenv_values(ENV_FILE)
    return {name.upper(): value for of in (from_file, os.environ) for name, value in of.items() if value}
