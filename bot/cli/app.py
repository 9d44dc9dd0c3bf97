"""`lumen run`, `serve`, `work`, `dispatch`, `tick`, `report`, `doctor` and `demo`."""

import gc
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.advice import say_no_turn
from bot.cli.commands import USUAL_THRESHOLDS
from bot.cli.common import ExitCode, Json, Service, locale, print_json, watched
from bot.cli.common import load as _settings
from bot.cli.common import run as _run
from bot.cli.common import say as _say
from lumen.model.messages import message
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from bot.cli.advice_answers import Last
    from bot.config import Settings
    from lumen.model.messages import Param


def run() -> None:
    """Run the bot: Slack, the hourly turn, the outbox, /healthz, /readyz and /metrics."""
    with _without_collections():
        from bot.run import run_bot

    settings = _settings()
    _listening(settings, run_bot(settings))


def serve() -> None:
    """Take the calls of Cloud Scheduler and Pub/Sub where the bot runs elsewhere; needs no Slack."""
    with _without_collections():
        from bot.serve import serve as taking_calls

    settings = _settings(without_slack=True)
    _listening(settings, taking_calls(settings))


def work() -> None:
    """Do the work that is published for workers, as WORKERS says: pushed or pulled; needs no Slack."""
    with _without_collections():
        from bot.serve import work as working

    settings = _settings(without_slack=True)
    _listening(settings, working(settings))


def dispatch(
    schedule: Annotated[str, typer.Option("--schedule", help="look (each five minutes) or turn (each hour).")] = "look",
    as_json: Json = False,
) -> None:
    """Publish the work of now for the workers: the shards of a look or of the hour's turn."""
    from bot.cli.common import print_done
    from bot.wiring.work import dispatched
    from lumen.model.shard import Schedule

    if schedule not in tuple(Schedule):
        raise typer.BadParameter(f"--schedule {schedule}: give look or turn.")
    settings = _settings(without_slack=True)
    slot, count = _run(settings, dispatched(settings, Schedule(schedule)), asking=True)
    done: dict[str, Param] = {"schedule": schedule, "slot_at": slot.isoformat(), "count": count}
    print_done(settings, f"trigger.dispatched_{schedule}", done, as_json)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Around imports, which make a million objects to stay: looking through them again and again costs a seventh."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*USUAL_THRESHOLDS)
        gc.enable()


def _listening(settings: "Settings", work: Coroutine[Any, Any, None]) -> None:
    try:
        _run(settings, work)
    except OSError as error:
        _say(f"Cannot listen on {settings.http_host}:{settings.port}: {error.strerror}. Set PORT to a free one.")
        raise typer.Exit(ExitCode.CONFIGURATION) from None


def tick(service: Service = "", as_json: Json = False) -> None:
    """Make one extra turn now, remember it, and print it."""
    from bot.cli.advice_answers import extra_turns

    settings = _settings()
    services = watched(settings, service)
    last = _run(settings, extra_turns(settings, services), asking=True)
    _write_files(settings, last.turns)
    _print_turns(settings, last, as_json)


def report(
    service: Service = "",
    as_json: Json = False,
    summary_only: Annotated[bool, typer.Option("--summary-only", help="Only health and score.")] = False,
    form: Annotated[str, typer.Option("--format", help="markdown or json; by default REPORT_FORMAT.")] = "",
) -> None:
    """Print the last turn of each service; as Markdown where it is asked for, or where no terminal reads it."""
    from bot.cli.advice_answers import last_turns

    if form not in ("", "markdown", "json"):
        raise typer.BadParameter(f"--format {form}: give markdown or json.")
    settings = _settings()
    services = watched(settings, service)
    last = _run(settings, last_turns(settings, services), asking=True)
    wanted = "json" if as_json else form or settings.report_format
    if last.turns:
        say_no_turn(settings, services, last.turns)
    if wanted == "markdown" and (form or not sys.stdout.isatty()):
        _print_markdown(settings, last, summary_only)
    _print_turns(settings, last, wanted == "json", summary_only)


def _print_turns(settings: "Settings", last: "Last", as_json: bool, summary_only: bool = False) -> None:
    from bot.cli.advice_json import report_json
    from bot.cli.common import Talk, talk
    from bot.cli.report_text import print_report

    if as_json:
        print_json(report_json(last, settings.lumen_locale))
    else:
        print_report(last, settings.lumen_locale, summary_only=summary_only, detailed=talk() >= Talk.VERBOSE)
    raise typer.Exit(ExitCode(last.health_code()))


def _print_markdown(settings: "Settings", last: "Last", summary_only: bool) -> None:
    from bot.reports.markdown import markdown

    words = Catalogue(settings.lumen_locale)
    typer.echo(markdown(words, last.found, summary_only=summary_only, now=last.now), nl=False)
    raise typer.Exit(ExitCode(last.health_code()))


def _write_files(settings: "Settings", turns: Sequence[Turn]) -> None:
    """Under OUTPUT_DIR, where that is set. What cannot be written is said, and nothing else stops for it."""
    if not settings.output_dir:
        return
    from bot.reports.files import ReportFiles, SetAside
    from bot.service_settings import each
    from bot.thresholds import size_limits

    sizes = each(settings.watched, size_limits)
    files = ReportFiles(Path(settings.output_dir), Catalogue(settings.lumen_locale), sizes)
    try:
        written = files.write(turns)
    except OSError as error:
        _say(f"OUTPUT_DIR = {settings.output_dir}: {error.strerror}. The report was not written there.")
        return
    for one in written:
        if isinstance(one, SetAside):
            _say(f"{one.path} is damaged ({one.error}). It stands as {one.kept_as} now; a new one was begun.")


def doctor(as_json: Json = False) -> None:
    """Check every setting, token, scope, permission, server and metric; say how to mend what is wrong."""
    from bot.cli.report_text import print_checks
    from bot.doctor.examine import examine

    settings = _settings()
    checks = _run(settings, examine(settings))
    if as_json:
        print_json([check.as_json() for check in checks])
    else:
        print_checks(checks, settings.lumen_locale)
    raise typer.Exit(ExitCode.GOOD if all(check.ok for check in checks) else ExitCode.CRITICAL)


def demo(
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8765,
    scale: Annotated[float, typer.Option(help="Seconds of service time in a second.")] = 60.0,
) -> None:
    """A whole world on this machine: Slack, Google Cloud, the ION service, a cache, and this bot, unmodified."""

    checkout = Path(__file__).parents[2]
    if not (checkout / "pyproject.toml").is_file():
        _say(Catalogue(locale()).plain(message("cli.demo_needs_checkout")))
        raise typer.Exit(ExitCode.USAGE)
    sys.path.insert(0, str(checkout))
    try:
        from demo.__main__ import run_demo
    except ImportError as error:
        _say(Catalogue(locale()).plain(message("cli.demo_not_installed", error=str(error))))
        raise typer.Exit(ExitCode.CONFIGURATION) from None

    raise typer.Exit(run_demo(port=port, scale=scale))


def register(app: typer.Typer) -> None:
    """Add them to `lumen`."""
    for command in (run, serve, work, dispatch, tick, report, doctor, demo):
        app.command()(command)
