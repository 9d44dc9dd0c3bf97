"""What every command of the command line does alike: exit codes, settings, and failures said in one sentence."""

import asyncio
from collections.abc import Coroutine
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from bot.config import Settings
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
    from bot.config import ConfigurationError, load_settings
    from bot.logs import configure_logs

    try:
        settings = load_settings()
    except ConfigurationError as error:
        say("Lumen cannot start: its configuration needs mending.")
        for problem in error.problems:
            say(f"  - {problem}")
        raise typer.Exit(ExitCode.CONFIGURATION) from None
    configure_logs(settings.log_level)
    return settings


def known() -> "Settings | None":
    """The settings for a command that can do without; None where they are missing or need mending."""
    from bot.config import ConfigurationError, load_settings

    try:
        return load_settings()
    except ConfigurationError:
        return None


def locale() -> str:
    """The language of a command that can do without settings: that of the settings where there are any."""
    settings = known()
    return settings.lumen_locale if settings else "en"


def run(settings: "Settings", work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a failure that Lumen knows by name becomes its sentence and its remedy."""
    from handlers.catalogue import Catalogue
    from lumen.model.errors import LumenError

    try:
        return asyncio.run(work)
    except LumenError as error:
        words = Catalogue(settings.lumen_locale)
        say(f"{words.plain(error.reason)} {words.plain(error.remedy)}")
        raise typer.Exit(ExitCode.CRITICAL) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.GOOD) from None


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
