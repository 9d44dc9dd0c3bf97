"""`--verbose` and `--debug`, which every command takes: how much of what goes on is told, on standard error."""

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from enum import IntEnum
from typing import Annotated, Any

import typer


class Talk(IntEnum):
    """DEBUG tells all that VERBOSE tells, too."""

    NORMAL = 0
    VERBOSE = 1
    DEBUG = 2

    @property
    def log_level(self) -> str:
        """The coarsest level at which everything is told."""
        return ("CRITICAL", "INFO", "DEBUG")[self]


_TALK: ContextVar[Talk] = ContextVar("talk", default=Talk.NORMAL)

Verbose = Annotated[bool, typer.Option("--verbose", help="More of what goes on, and why.")]
Debug = Annotated[bool, typer.Option("--debug", help="All that goes on, and where it failed.")]


def talk() -> Talk:
    """Of the command that is being run."""
    return _TALK.get()


def teach(app: typer.Typer) -> None:
    """Every command of `app`, and of the groups below it, takes both."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _talking(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            teach(group.typer_instance)


def _talking(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def told(*args: Any, verbose: bool = False, debug: bool = False, **given: Any) -> Any:
        before = _TALK.set(Talk.DEBUG if debug else Talk.VERBOSE if verbose else Talk.NORMAL)
        try:
            return command(*args, **given)
        finally:
            _TALK.reset(before)

    own = inspect.signature(command)
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in (("verbose", Verbose), ("debug", Debug))
    ]
    vars(told)["__signature__"] = own.replace(parameters=[*own.parameters.values(), *more])
    return told
