"""What every command of the command line does alike: exit codes, settings, and failures said in one sentence."""

import asyncio
import logging
import time
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from bot.cli.talk import Talk, talk
from lumen.model.message import Message

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.judging import Judging
    from lumen.model.service import ServiceId

T = TypeVar("T")


class ExitCode(IntEnum):
    """Mission 8. 64 and 78 are those of sysexits.h."""

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


def load() -> "Settings":
    """The settings. Ends the process with 78 where they need mending."""
    from bot.config import load_settings
    from bot.logs import configure_logs

    with _mendable():
        settings = load_settings()
    levels = logging.getLevelNamesMapping()
    configure_logs(min(settings.log_level, talk().log_level, key=lambda name: levels[name]))
    return settings


def load_judging() -> "Judging":
    """What figures are judged by, of which nothing need be set. Ends the process with 78 where it needs mending."""
    from bot.config import load_judging as read

    with _mendable():
        return read()


@contextmanager
def _mendable() -> Iterator[None]:
    from bot.config import ConfigurationError

    try:
        yield
    except ConfigurationError as error:
        say("Lumen cannot start: its configuration needs mending.")
        for problem in error.problems:
            say(f"  - {problem}")
        raise typer.Exit(ExitCode.CONFIGURATION) from None


def locale() -> str:
    """The language of a command that can do without settings: that of the settings where there are any."""
    from bot.config import ConfigurationError, load_settings

    try:
        return load_settings().lumen_locale
    except ConfigurationError:
        return "en"


def run(settings: "Settings", work: Coroutine[Any, Any, T], *, asking: bool = False) -> T:
    """Run to the end; a failure that Lumen knows by name becomes its sentence and its remedy, and the exit code 2.

    `asking`: nothing is to be changed, so whom it cannot ask (a dead store) is no failure but no data, 3.
    With --verbose it says where it looked and how long that took, with --debug where it failed too.
    """
    from handlers.catalogue import Catalogue
    from lumen.model.errors import LumenError, SourceUnavailable, StoreUnavailable

    words, began = Catalogue(settings.lumen_locale), time.monotonic()
    if talk() >= Talk.VERBOSE:
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
    """Where everything is that a command may ask; passwords stay out."""
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
    names = ", ".join(settings.service_name)
    if not name and len(settings.services) == 1:
        return settings.services[0]
    if not name:
        raise typer.BadParameter(f"several services are watched: add --service with one of {names}.")
    for service in settings.services:
        if service.name == name:
            return service
    raise typer.BadParameter(f"--service {name}: it is not watched. There are: {names}.")


def watched(settings: "Settings", name: str) -> "tuple[ServiceId, ...]":
    """The service that `--service` names, or all of them. Raises BadParameter."""
    return (chosen(settings, name),) if name else settings.services
