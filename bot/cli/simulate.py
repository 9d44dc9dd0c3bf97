"""`lumen backtest` and `lumen verify`: one's own history, and a simulated week, through the bot's own pipeline."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.common import ExitCode, Json, load_thresholds, locale, print_json, say
from lumen.model.messages import NotPossible, message
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from bot.thresholds import Thresholds
    from lumen.backtest.history import SliceHistory
    from lumen.backtest.run import Each
    from lumen.verification.scenario import Scenario
    from lumen.verification.verify import Verification

T = TypeVar("T")
#: Characters that tell what a file is.
HEAD = 2000
#: Fewer are done before another process has started.
MANY_SLICES = 20_000


def backtest(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE.jsonl | [FIGURE=]EXPORT.json …", help="Lines, or answers of your monitoring."),
    ],
    labels: Annotated[Path | None, typer.Option(help="What really was wrong: FILE.jsonl.")] = None,
    target: Annotated[str, typer.Option(help="How many requests must not fail, e.g. 99.5%; else SLO_ERROR_RATE.")] = "",
    service: Annotated[str, typer.Option(help="Whose the exports are, where their series do not say.")] = "",
    page: Annotated[Path | None, typer.Option("--html", help="FILE.html: every alert on its curve.")] = None,
    as_json: Json = False,
) -> None:
    """Your own history through the same alerts, assessments and policies (docs/backtest.md)."""
    from dataclasses import replace

    from bot.thresholds import backtest_settings
    from lumen.backtest.report import as_json as result_json
    from lumen.backtest.run import run_backtest
    from lumen.backtest.score import read_labels

    words, settings = Catalogue(locale()), backtest_settings(_thresholds(target))
    past = _history(files, service)
    truth = None if labels is None else _read(labels, lambda lines: read_labels(lines, past.services))
    with _several(past) as each:
        result = run_backtest(past, settings, truth and truth[0], each)
    if truth is not None:
        result = replace(result, problems=(*result.problems, *truth[1]))
    if page is not None:
        from lumen.backtest.page import as_html

        _write(page, as_html(result, past, truth[0] if truth else (), words))
    if as_json:
        print_json(result_json(result, words.plain))
    else:
        from bot.cli.simulate_text import print_backtest

        print_backtest(result, words)
    raise typer.Exit(ExitCode.GOOD if result.slices else ExitCode.NO_DATA)


def _history(files: Sequence[str], service: str) -> "SliceHistory":
    """One file of lines, or any number of exports. Ends the process with 64 where they are neither."""
    from lumen.backtest.exports import Export
    from lumen.backtest.history import read_history
    from lumen.backtest.imported import is_export, read_exports

    named = [_figure_and_path(one) for one in files]
    are_exports = [bool(figure) or is_export(_read(path, _head)) for figure, path in named]
    if not any(are_exports):
        if len(files) > 1:
            raise typer.BadParameter("Give one history in lines, or exports alone (docs/backtest.md).")
        return _read(named[0][1], read_history)
    if not all(are_exports):
        path = next(path for (_, path), is_one in zip(named, are_exports, strict=True) if not is_one)
        raise typer.BadParameter(f"{path} is no export: give one history in lines, or exports alone.")
    return read_exports([Export(path.name, _text(path), figure, service) for figure, path in named])


def _figure_and_path(given: str) -> tuple[str, Path]:
    """`p95_ms=answer.json` as its two parts; a path may have an = of its own."""
    from lumen.backtest.exports import FIGURES

    figure, separator, path = given.partition("=")
    if separator and figure in FIGURES:
        return figure, Path(path)
    if separator and figure.isidentifier() and not Path(given).exists():
        raise typer.BadParameter(f"{figure}= is no figure that is known. Known are {', '.join(FIGURES)}.")
    return "", Path(given)


def _head(lines: Iterable[str]) -> str:
    """The beginning of a file, as much as tells what it is."""
    found = ""
    for line in lines:
        found += line
        if len(found) >= HEAD:
            break
    return found[:HEAD]


@contextmanager
def _several(past: "SliceHistory") -> "Iterator[Each]":
    """Services in processes, where there are several with much to do and a processor for each."""
    processes = min(len(past.services), os.cpu_count() or 1)
    if processes < 2 or sum(map(len, past.services.values())) < MANY_SLICES:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield pool.map


def verify(
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days are simulated.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another service and other incidents.")] = 1,
    scenario: Annotated[Path | None, typer.Option(help="FILE.yaml with incidents and the service.")] = None,
    picture: Annotated[Path | None, typer.Option(help="FILE.png to draw it into.")] = None,
    as_json: Json = False,
) -> None:
    """A simulated ION with incidents, with and without Lumen: what Lumen is worth (docs/verify.md)."""
    words = Catalogue(locale())
    try:
        result = _verified(days, seed, scenario)
        if picture is not None:
            from lumen.verification.report import save_picture

            save_picture(result, picture)
    except NotPossible as error:
        say(f"{words.plain(error.reason)} {words.plain(error.remedy)}")
        raise typer.Exit(ExitCode.USAGE) from None
    if as_json:
        from lumen.verification.report import as_json as result_json

        print_json(result_json(result, words.plain))
    else:
        from bot.cli.simulate_text import print_verification

        print_verification(result, words)
    raise typer.Exit(_exit_code(result))


def register(app: typer.Typer) -> None:
    """Put both commands on the command line."""
    app.command()(backtest)
    app.command()(verify)


def _thresholds(target: str) -> "Thresholds":
    """The settings, with the flag before them."""
    from bot.cli.common import share
    from bot.thresholds import MOST_ERRORS

    settings = load_thresholds()
    if not target:
        return settings
    allowed = 1 - share("--target", target)
    if not 0 < allowed <= MOST_ERRORS:
        raise typer.BadParameter(f"--target {target}: give a share from {1 - MOST_ERRORS:.0%} to below 100%.")
    return settings.model_copy(
        update={"slo_error_rate": allowed, "alert_error_rate": max(allowed, settings.slo.error_rate_alert)}
    )


def _verified(days: int, seed: int, scenario: Path | None) -> "Verification":
    from lumen.verification import check_numerics

    check_numerics()
    from lumen.verification.traffic import draw_profile
    from lumen.verification.verify import verify as run

    if scenario is None:
        return run(days, seed)
    found = _scenario(scenario)
    return run(days, seed, found.incidents, found.profile(draw_profile(seed)))


def _scenario(path: Path) -> "Scenario":
    from lumen.verification.scenario import read_scenario

    return read_scenario(_text(path))


def _text(path: Path) -> str:
    return _read(path, "".join)


def _read(path: Path, read: Callable[[Iterable[str]], T]) -> T:
    """Apply `read` to the lines of a file, gzipped or not. Ends the process with 64 and a sentence where that fails."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        unpack = gzip.open if packed else open
        with unpack(path, "rt", encoding="utf-8-sig", errors="replace") as lines:
            return read(lines)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        say(Catalogue(locale()).plain(message("verify.unreadable", path=str(path), error=reason)))
        raise typer.Exit(ExitCode.USAGE) from None


def _write(path: Path, text: str) -> None:
    """Ends the process with 64 and a sentence where that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        says = message("backtest.unwritable", path=str(path), error=error.strerror or str(error))
        say(Catalogue(locale()).plain(says))
        raise typer.Exit(ExitCode.USAGE) from None


def _exit_code(result: "Verification") -> ExitCode:
    """1 where a bar of docs/verify.md is missed; one week is little evidence, so it is no more than a warning."""
    from lumen.verification.summary import missed_bars

    missed: Sequence[str] = missed_bars(result)
    return ExitCode.WARNING if missed else ExitCode.GOOD
