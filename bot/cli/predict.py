"""`lumen predict`: what another TTL or another size would do, from anybody's log of accesses or misses."""

import gzip
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from bot.cli.common import ExitCode, Json, locale, print_json, say
from lumen.model.messages import NotPossible, message
from lumen.wording.amounts import SIZE, TIME, amount
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from lumen.prediction.answers import Info, Prediction
    from lumen.prediction.logs import Log

predict_app = typer.Typer(
    help="What another TTL or size would do, from a log of yours (docs/prediction.md).", no_args_is_help=True
)
BLOCK = 1 << 20
#: A file of which a bar shows how far it has been read, and a replay likewise.
LONG_BYTES, LONG_ACCESSES = 20 << 20, 1_000_000
#: Of a prediction for programs, in this order.
FIELDS = (
    *("ttl", "capacity_mb", "hit_rate", "low", "high", "uplift", "confidence"),
    *("accesses_used", "method", "verdict", "needed"),
)
LONGEST_TTL, MOST_SETTINGS = 30 * 86_400, 100
MB = 1 << 20

Accesses = Annotated[
    Path | None, typer.Option("--accesses", metavar="FILE.csv", help="Every lookup: time_s,key[,bytes][,hit].")
]
Picture = Annotated[Path | None, typer.Option("--picture", help="FILE.png to draw it into.")]


@predict_app.command("ttl")
def predict_ttl(
    ttl: Annotated[int, typer.Option("--ttl", min=1, max=LONGEST_TTL, help="Seconds that were in force.")],
    to: Annotated[str, typer.Option("--to", help="Seconds to predict: 60,120,600.")],
    accesses: Accesses = None,
    misses: Annotated[
        Path | None, typer.Option("--misses", metavar="FILE.csv", help="Every miss: time_s,key; with --info.")
    ] = None,
    info: Annotated[
        Path | None, typer.Option("--info", metavar="FILE.csv", help="The server's counters: time_s,hits,misses.")
    ] = None,
    capacity: Annotated[str, typer.Option("--capacity", help="The cache's size (256MB), where it may be full.")] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn for a prediction from misses.")] = 1,
    picture: Picture = None,
    as_json: Json = False,
) -> None:
    """The hit rate at other TTLs. From accesses both ways; from misses alone at longer ones."""
    from lumen.prediction.answers import ttls_from_accesses, ttls_from_misses

    wanted = [_seconds(one) for one in _listed("--to", to)]
    if (accesses is None) == (misses is None):
        raise typer.BadParameter("give either --accesses, or --misses with --info.")
    if (misses is None) != (info is None):
        raise typer.BadParameter("--misses and --info belong together.")
    if accesses is not None:
        log = _log(accesses)
        size = _bytes("--capacity", capacity) if capacity else None
        with _replaying(log, (1 + len(wanted)) * bool(capacity)) as progress:
            found = ttls_from_accesses(log, ttl, wanted, size, progress)
    else:
        if capacity:
            raise typer.BadParameter("--capacity needs --accesses with bytes: misses do not tell what filled it.")
        counters = _info(cast(Path, info))
        log = _log(cast(Path, misses))
        with _bar("predict.drawing", 1 + len(wanted) if len(log) >= LONG_ACCESSES else 0) as progress:
            found = ttls_from_misses(log, counters, ttl, wanted, seed, progress)
    _tell(found, as_json, picture)


@predict_app.command("size")
def predict_size(
    capacity: Annotated[str, typer.Option("--capacity", help="The size that the cache had: 256MB.")],
    to: Annotated[str, typer.Option("--to", help="Sizes to predict: 128MB,384MB.")],
    accesses: Accesses = None,
    ttl: Annotated[
        int | None, typer.Option("--ttl", min=1, max=LONGEST_TTL, help="Seconds; without it nothing expires.")
    ] = None,
    picture: Picture = None,
    as_json: Json = False,
) -> None:
    """The hit rate in a cache of another size, which evicts what was used least recently."""
    from lumen.prediction.answers import sizes_from_accesses

    wanted = [_bytes("--to", one) for one in _listed("--to", to)]
    now = _bytes("--capacity", capacity)
    if accesses is None:
        raise typer.BadParameter("--accesses FILE.csv is missing: its lines are time_s,key,bytes.")
    log = _log(accesses)
    with _replaying(log, 1 + len(wanted)) as progress:
        found = sizes_from_accesses(log, ttl, now, wanted, progress)
    _tell(found, as_json, picture)


def register(app: typer.Typer) -> None:
    """Add the group to `lumen`."""
    app.add_typer(predict_app, name="predict")


def prediction_json(one: "Prediction", by_size: bool) -> dict[str, Any]:
    """A prediction for programs: `needed` only where something is lacking, `capacity_mb` where sizes were asked for."""
    from lumen.prediction.answers import Verdict

    left_out = set() if one.verdict is Verdict.TOO_FEW_MISSES else {"needed"}
    left_out |= set() if by_size else {"capacity_mb"}
    told = asdict(one)
    return {name: told[name] for name in FIELDS if name not in left_out}


def _tell(found: Sequence["Prediction"], as_json: bool, picture: Path | None) -> None:
    """Print and draw; ends the process with 0 where there is a number, with 3 where there is none."""
    from bot.cli.predict_text import print_predictions, save_picture

    words = Catalogue(locale())
    by_size = any(one.capacity_mb is not None for one in found)
    try:
        if picture is not None:
            save_picture(found, picture)
    except NotPossible as error:
        say(f"{words.plain(error.reason)} {words.plain(error.remedy)}")
        raise typer.Exit(ExitCode.USAGE) from None
    if as_json:
        print_json([prediction_json(one, by_size) for one in found])
    else:
        print_predictions(found, words)
    raise typer.Exit(ExitCode.GOOD if any(one.hit_rate is not None for one in found) else ExitCode.NO_DATA)


def _listed(flag: str, text: str) -> list[str]:
    """The parts of a list with commas. Raises BadParameter."""
    parts = [one.strip() for one in text.split(",") if one.strip()]
    if not 0 < len(parts) <= MOST_SETTINGS:
        raise typer.BadParameter(f"{flag} {text}: give 1 to {MOST_SETTINGS} values, with commas between.")
    return parts


def _seconds(text: str) -> int:
    """Whole seconds, as `/lumen ttl` reads them. Raises BadParameter."""
    found = amount(text, TIME)
    if found is None or found.whole is None or not 0 < found.whole <= LONGEST_TTL:
        raise typer.BadParameter(f"--to {text}: give whole seconds from 1 to {LONGEST_TTL}.")
    return found.whole


def _bytes(flag: str, text: str) -> float:
    """`256MB` (of 1024 KB of 1024 bytes, as Redis counts), `1.5GB`, or a number of MB. Raises BadParameter."""
    found = amount(text, SIZE)
    if found is None or found.value <= 0:
        raise typer.BadParameter(f"{flag} {text}: give a size above 0 with its unit, e.g. 256MB or 1.5GB.")
    return float(found.value * MB)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file or a pipe, unpacked where gzip packed it. Ends the process with 64 and a sentence where it cannot be
    read."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            yield cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        say(Catalogue(locale()).plain(message("verify.unreadable", path=str(path), error=reason)))
        raise typer.Exit(ExitCode.USAGE) from None


def _log(path: Path) -> "Log":
    """Read a log, and say on standard error what is odd about it."""
    from bot.cli.predict_text import oddities
    from lumen.prediction.logs import NoColumns, NotSeconds, read_log

    with _opened(path) as file, _bar("predict.reading", _length(path)) as progress:
        try:
            log = read_log(_blocks(file, path, progress))
        except NoColumns as error:
            raise typer.BadParameter(f"{path}: its first line names no column {', '.join(error.args[0])}.") from None
        except NotSeconds:
            raise typer.BadParameter(f"{path}: its times are no seconds; divide milliseconds by 1,000.") from None
    for sentence in oddities(log, path.name, Catalogue(locale())):
        say(sentence)
    return log


def _length(path: Path) -> int:
    """Bytes of the file, 0 where a short one needs no bar."""
    size = path.stat().st_size
    return size if size >= LONG_BYTES else 0


def _blocks(file: BinaryIO, path: Path, progress: "Callable[[int], None]") -> Iterator[bytes]:
    """Blocks of the file; how far it is goes by what is read of it, packed or not."""
    raw = file.fileobj if isinstance(file, gzip.GzipFile) else file
    length, before = _length(path), 0
    while block := file.read(BLOCK):
        if length:
            at = min(raw.tell(), length)
            progress(at - before)
            before = at
        yield block


@contextmanager
def _replaying(log: "Log", times: int) -> "Iterator[Callable[[int], None]]":
    """A bar for replays with memory, where there is much to do."""
    with _bar("predict.replaying", len(log) * times if len(log) >= LONG_ACCESSES else 0) as progress:
        yield progress


@contextmanager
def _bar(code: str, total: int) -> "Iterator[Callable[[int], None]]":
    """A bar on a terminal's standard error, which goes when it is full; none for a total of 0."""
    if not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(Catalogue(locale()).plain(message(code)), total=total)
        yield lambda more: bars.advance(task, more)


def _info(path: Path) -> "Info":
    """The server's counters, cumulative: `time_s,hits,misses`. Raises BadParameter for what is none."""
    import numpy as np

    from lumen.prediction.answers import Info
    from lumen.prediction.logs import cells_of

    rows, odd = [], []
    with _opened(path) as file:
        text = file.read().decode("utf-8-sig", "replace").splitlines()
    names = [one.strip().lower() for one in text[0].split(",")] if text else []
    named = {"time_s", "hits", "misses"} <= set(names)
    place = [names.index(one) for one in ("time_s", "hits", "misses")] if named else [0, 1, 2]
    for number, cells in enumerate(map(cells_of, text[named:]), 1 + named):
        try:
            row = [float(cells[one]) for one in place]
        except (ValueError, IndexError):
            row = []
        if len(row) == len(place) and np.isfinite(row).all() and min(row[1:]) >= 0:
            rows.append(row)
        elif text[number - 1].strip():
            odd.append(number)
    if odd:
        shown = ", ".join(map(str, odd[:20]))
        say(Catalogue(locale()).plain(message("predict.odd_info", name=path.name, count=len(odd), lines=shown)))
    if len(rows) < 2:
        raise typer.BadParameter(
            f"{path}: give at least two lines time_s,hits,misses, counted on from one to the next."
        )
    at_s, hits, misses = np.array(rows).T
    return Info(at_s, hits, misses)
