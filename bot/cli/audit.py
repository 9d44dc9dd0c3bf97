"""`lumen audit`: prove what was recorded, and take it out of the store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import ExitCode, Json, Service, chosen, load, locale, print_done, print_json, run, say
from lumen.model.messages import NotPossible
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from bot.cli.audit_answers import Proven

audit_app = typer.Typer(help="Who decided what, and what was done: proven, and handed out.", no_args_is_help=True)


@audit_app.command("verify")
def verify(
    as_json: Json = False,
    file: Annotated[Path | None, typer.Option("--file", help="An exported file; needs no store.")] = None,
    against: Annotated[Path | None, typer.Option(help="The newest exported file: the store goes on from it.")] = None,
    service: Service = "",
) -> None:
    """Prove that nothing was changed, removed or smuggled in. Exit code 2, and the first broken line, where it was."""
    from bot.cli.audit_answers import verify_against, verify_store

    if file is not None:
        _print_proven([_file(file)], locale(), as_json)
    settings = load()
    if against is not None:
        found = run(settings, verify_against(settings, chosen(settings, service), against), asking=True)
        _print_proven([found], settings.lumen_locale, as_json)
    _print_proven(run(settings, verify_store(settings), asking=True), settings.lumen_locale, as_json)


def _file(path: Path) -> "Proven":
    from bot.cli.audit_answers import verify_file

    try:
        return verify_file(path)
    except NotPossible as error:
        words = Catalogue(locale())
        say(f"{words.plain(error.reason)} {words.plain(error.remedy)}")
        # A file that is not there proves nothing; one that is no text any more was changed.
        raise typer.Exit(ExitCode.USAGE if isinstance(error.__cause__, OSError) else ExitCode.CRITICAL) from None


@audit_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="JSON lines; must not be there yet.")],
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Write all of the audit to a file that proves itself. From then on what is old may leave the store."""
    from bot.cli.audit_answers import export as export_audit

    settings = load()
    done = run(settings, export_audit(settings, chosen(settings, service), file))
    print_done(settings, "audit.exported", done, as_json)


def _print_proven(proven: "Sequence[Proven]", locale: str, as_json: bool) -> None:
    """Prints, and ends the process with 0 or 2."""

    words = Catalogue(locale)
    if as_json:
        print_json([each.as_json() for each in proven])
    else:
        for each in proven:
            typer.echo(words.plain(each.says(words)))
    raise typer.Exit(ExitCode.GOOD if all(each.good for each in proven) else ExitCode.CRITICAL)


def register(app: typer.Typer) -> None:
    """Add it to `lumen`."""
    app.add_typer(audit_app, name="audit")
