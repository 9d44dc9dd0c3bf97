"""The only reader of the environment and of `.env`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.shapes import Problems

ENV_FILE = Path(".env")
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
    told = Problems(kind, given)
    names = {name.upper(): name for name in kind.model_fields}
    problems = list(told.misspelt(names, are_all=are_all))
    try:
        settings = kind.model_validate({name: given[of] for of, name in names.items() if of in given})
    except ValidationError as error:
        problems += told.of(error)
    if problems:
        raise ConfigurationError(told.heading, problems)
    return settings


def _given() -> dict[str, str]:
    """Names and values that are not empty; the environment wins."""
    from_file: Mapping[str, str | None] = {}
    if ENV_FILE.exists():
        from dotenv import dotenv_values

        from_file = dotenv_values(ENV_FILE)
    return {name.upper(): value for of in (from_file, os.environ) for name, value in of.items() if value}
