"""Shared by every command of the command line: exit codes, settings, failures in one sentence, flags and their values.

`--verbose` and `--debug`, which every command takes, say how much is told on standard error. Of values, 0.65, 65% and
65 are the same share, and what could be two things is refused. Nothing heavy is imported before a command runs.
"""

import functools
import inspect
import json
import logging
import math
import re
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.console import Console

    from bot.config import Settings
    from bot.thresholds import Thresholds
    from lumen.model.messages import Message, Param
    from lumen.model.service import ServiceId


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
    """The level of the command that is being run."""
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


T = TypeVar("T")


class ExitCode(IntEnum):
    """Exit codes (docs/commands.md). 64 and 78 are those of sysexits.h."""

    GOOD = 0
    WARNING = 1
    CRITICAL = 2
    NO_DATA = 3
    USAGE = 64
    CONFIGURATION = 78


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]

Service = Annotated[str, typer.Option("--service", help="Which one, where several are watched.")]


def say(text: str) -> None:
    """A line on standard error, so that standard output holds the answer alone."""
    typer.echo(text, err=True)


def print_json(value: object) -> None:
    """On standard output, for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_done(settings: "Settings", code: str, done: "Mapping[str, Param]", as_json: bool) -> None:
    """What a command has done: the sentence, or its figures for programs."""
    from lumen.model.messages import Message
    from lumen.wording.catalogue import Catalogue

    if as_json:
        print_json(done)
    else:
        typer.echo(Catalogue(settings.lumen_locale).plain(Message(code, done)))


def load(*, without_slack: bool = False) -> "Settings":
    """The settings, for a process that speaks to Slack or not. Ends it with 78 where they need mending."""
    from bot.config import Settings, WithoutSlack, load_settings
    from bot.logs import configure_logs

    with _mendable():
        settings = load_settings(WithoutSlack if without_slack else Settings)
    levels = logging.getLevelNamesMapping()
    configure_logs(min(settings.log_level, talk().log_level, key=lambda name: levels[name]))
    return settings


def load_thresholds() -> "Thresholds":
    """The thresholds, of which none need be set. Ends the process with 78 where it needs mending."""
    from bot.thresholds import load_thresholds as read

    with _mendable():
        return read()


@contextmanager
def _mendable() -> Iterator[None]:
    from bot.environment import ConfigurationError

    try:
        yield
    except ConfigurationError as error:
        say(error.heading)
        for problem in error.problems:
            say(f"  - {problem}")
        raise typer.Exit(ExitCode.CONFIGURATION) from None


def locale() -> str:
    """The language of a command that can do without settings: that of the settings where there are any."""
    from bot.environment import ConfigurationError
    from bot.thresholds import load_thresholds

    try:
        return load_thresholds().lumen_locale
    except ConfigurationError:
        return "en"


def run(settings: "Thresholds", work: Coroutine[Any, Any, T], *, asking: bool = False) -> T:
    """Run to the end; a failure that Lumen knows by name becomes its sentence and its remedy, and the exit code 2.

    `asking`: nothing is to be changed, so whom it cannot ask (a dead store) is no failure but no data, 3.
    With --verbose it says where it looked and how long that took, with --debug where it failed too.
    """

    import asyncio

    from bot.config import Settings
    from lumen.model.messages import LumenError, Message, SourceUnavailable, StoreUnavailable
    from lumen.wording.catalogue import Catalogue

    words, began = Catalogue(settings.lumen_locale), time.monotonic()
    if talk() >= Talk.VERBOSE and isinstance(settings, Settings):
        say(words.plain(_where(settings)))
    try:
        return asyncio.run(work)
    except LumenError as error:
        if talk() >= Talk.DEBUG:
            say("".join(traceback.format_exception(error)).rstrip())
        say(f"{words.plain(error.reason)} {words.plain(error.remedy)}")
        unknown = isinstance(error, (SourceUnavailable, StoreUnavailable)) and asking
        raise typer.Exit(ExitCode.NO_DATA if unknown else ExitCode.CRITICAL) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.GOOD) from None
    finally:
        if talk() >= Talk.VERBOSE:
            say(words.plain(Message("cli.took", {"seconds": time.monotonic() - began})))


def _where(settings: "Settings") -> "Message":
    """The addresses that a command may ask, without passwords."""
    from lumen.model.messages import Message

    return Message(
        "cli.where",
        {
            "services": ", ".join(service.key for service in settings.services),
            "store": _host(settings.state_redis_url.get_secret_value()),
            "cache": _host(settings.cache_url),
            "google": settings.lumen_gcp_endpoint or "googleapis.com",
            "slack": _host(settings.slack_api_url),
        },
    )


def _host(url: str) -> str:
    """The host and port of a URL, or the path of a socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def chosen(settings: "Settings", name: str) -> "ServiceId":
    """The service that `--service` names; the only one where it names none. Raises BadParameter."""
    from lumen.model.service import named, names_of

    names = ", ".join(names_of(settings.services).values())
    if not name and len(settings.services) == 1:
        return settings.services[0]
    if not name:
        raise typer.BadParameter(f"several services are watched: add --service with one of {names}.")
    meant = named(settings.services, name)
    if len(meant) > 1:
        keys = ", ".join(service.key for service in meant)
        raise typer.BadParameter(f"--service {name}: that could be several: {keys}.")
    if not meant:
        raise typer.BadParameter(f"--service {name}: it is not watched. There are: {names}.")
    return meant[0]


def watched(settings: "Settings", name: str) -> "tuple[ServiceId, ...]":
    """The service that `--service` names, or all of them. Raises BadParameter."""
    return (chosen(settings, name),) if name else settings.services


_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(MB|mb|%)?")


def duration(flag: str, text: str) -> "timedelta | None":
    """How long a control lasts, as `/lumen` reads it; None for nothing. Raises BadParameter, with the range."""
    from lumen.model.override import length_problem
    from lumen.wording.amounts import duration as read
    from lumen.wording.catalogue import Catalogue

    lasts = read(text)
    if text and lasts is None:
        raise typer.BadParameter(f"{flag} {text}: give minutes, hours or days: 90m, 2h, '1.5 hours', 7d.")
    problem = length_problem(lasts) if lasts is not None else None
    if problem:
        words = Catalogue(locale())
        raise typer.BadParameter(f"{flag} {text}: {' '.join(words.plain(each) for each in problem)}")
    return lasts


def seconds(text: str) -> int:
    """A TTL as `/lumen ttl` reads it. Raises BadParameter."""
    from lumen.wording.amounts import TIME, amount

    found = amount(text, TIME)
    if found is None or found.whole is None:
        raise typer.BadParameter(f"{text}: give whole seconds, also as minutes or hours: 420, 7m, 1.5h.")
    return found.whole


def whole_megabytes(text: str) -> int:
    """A size as `/lumen size` reads it. Raises BadParameter."""
    from lumen.wording.amounts import SIZE, amount

    found = amount(text, SIZE)
    if found is None or found.whole is None or found.whole < 1:
        raise typer.BadParameter(f"{text}: give whole MB, also as GB: 384, 512MB, 2GB.")
    return found.whole


def share(flag: str, text: str) -> float:
    """A share as 0-1. Raises BadParameter, which says what is meant."""
    from bot.thresholds import parse_share

    try:
        return parse_share(text)
    except ValueError as error:
        raise typer.BadParameter(f"{flag} {text}: {error}") from None


def megabytes(flag: str, text: str, size_mb: int) -> float:
    """`240` and `240MB` as they are, `94%` of `size_mb`. Raises BadParameter."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{flag} {text}: give what is used in MB (240), or as a share of the size (94%).")
    used = float(found[1]) * size_mb / 100 if found[2] == "%" else float(found[1])
    if used > size_mb:
        raise typer.BadParameter(f"{flag} {text}: more than the {size_mb} MB of --current-size.")
    return used


def finite(flag: str, value: float) -> float:
    """Raises BadParameter for `nan` and `inf`, which count as numbers otherwise."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"{flag} {value}: give a number.")
    return value


def refuse(why: str, **given: object) -> None:
    """Raises BadParameter that names the flags that were given and mean nothing here, and says `why`."""
    names = ["--" + name.replace("_", "-") for name, value in given.items() if value not in (None, False, "")]
    if names:
        raise typer.BadParameter(f"{', '.join(names)}: {why}")


def together(**given: object) -> bool:
    """Whether all of these flags were given; False for none. Raises BadParameter for some of them only."""
    names = {name: "--" + name.replace("_", "-") for name in given}
    missing = [names[name] for name, value in given.items() if value is None]
    if missing and len(missing) < len(given):
        raise typer.BadParameter(f"{', '.join(missing)} missing: {', '.join(names.values())} belong together.")
    return not missing


def print_line(console: "Console", *said: str, style: str | None = None) -> None:
    """Print without markup; unbroken, however long, where a program reads it."""
    console.print(*said, style=style, highlight=False, markup=False, soft_wrap=not console.is_terminal)
