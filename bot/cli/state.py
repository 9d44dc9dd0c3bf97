"""`lumen state`: prepare, show, copy and restore Lumen's own memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import ExitCode, Json, Service, chosen, load, print_done, print_json, run, say, watched
from lumen.model.messages import Message, Param, message
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from bot.cli.state_answers import Begun
    from bot.config import Settings

state_app = typer.Typer(help="Lumen's own memory.", no_args_is_help=True)

Audit = Annotated[Path | None, typer.Option(help="The newest exported audit.")]
Beyond = Annotated[
    int | None,
    typer.Option(min=0, max=999_999_999, help="The highest number of a proposal that Slack shows, where it is away."),
]


@state_app.command("init")
def init(as_json: Json = False) -> None:
    """Prepare the store for Lumen; what is prepared already stays as it is."""
    from bot.run import init_state

    settings = load()
    prepared = run(settings, init_state(settings))
    if as_json:
        told = [
            {"service": one.service.key, "epoch": one.id, "schema": one.schema, "fresh": one.fresh} for one in prepared
        ]
        print_json(told)
        return
    for made in prepared:
        word = "prepared" if made.fresh else "was prepared before, left as it is"
        typer.echo(f"{made.service.key}: {word} (epoch {made.id}, schema {made.schema}).")


@state_app.command("show")
def show(as_json: Json = False) -> None:
    """What the store holds: epoch, schema, proposals, turns."""
    from bot.run import show_state

    settings = load()
    shown = run(settings, show_state(settings), asking=True)
    if as_json:
        print_json(shown)
    else:
        typer.echo("\n".join(f"{k}: {v}" for k, v in shown.items()))


@state_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="JSON lines; must not be there yet.")],
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Write all that Lumen remembers of a service to a file that proves itself; bots go on meanwhile."""
    from bot.cli.state_answers import export as export_state

    settings = load()
    done = run(settings, export_state(settings, chosen(settings, service), file))
    print_done(settings, "state.exported", done, as_json)


@state_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `lumen state export` has written.")],
    service: Service = "",
    audit: Audit = None,
    beyond: Beyond = None,
    as_json: Json = False,
) -> None:
    """Write a copy into an empty store, and begin a new epoch: what was open in it is closed, and ids go on."""
    from bot.cli.state_answers import Given, import_copy

    settings = load()
    _print_begun(
        settings, run(settings, import_copy(settings, chosen(settings, service), file, Given(audit, beyond))), as_json
    )


@state_app.command("restored")
def restored(service: Service = "", audit: Audit = None, beyond: Beyond = None, as_json: Json = False) -> None:
    """Begin a new epoch on a store that was restored from a copy: what was open in it is closed, and ids go on."""
    from bot.cli.state_answers import Given
    from bot.cli.state_answers import restored as begin_epoch

    settings = load()
    _print_begun(
        settings, run(settings, begin_epoch(settings, chosen(settings, service), Given(audit, beyond))), as_json
    )


def _print_begun(settings: "Settings", begun: "Begun | None", as_json: bool) -> None:
    words = Catalogue(settings.lumen_locale)
    if begun is None:
        print_json({"imported": False}) if as_json else typer.echo(words.plain(message("state.imported_before")))
        return
    made = begun.epoch
    told: dict[str, Param] = {"service": made.service.key, "former": made.former, "id": made.id, "closed": made.closed}
    told["next"] = made.number + 1
    said = [words.plain(one) for one in (*begun.told, *([begun.audit] if begun.audit else []))]
    if as_json:
        print_json({"imported": begun.audit is not None, **told, "told": said})
    else:
        typer.echo("\n".join([words.plain(Message("state.restored", told)), *said]))


@state_app.command("reset")
def reset(service: Service = "") -> None:
    """Remove all that Lumen remembers of a service, damaged or not, once its name has been typed."""
    from bot.cli.state_answers import reset as reset_state

    settings = load()
    wanted, words = chosen(settings, service), Catalogue(settings.lumen_locale)
    say(words.plain(message("state.reset_confirm", service=wanted.key, name=wanted.name)))
    if typer.get_text_stream("stdin").readline().strip() != wanted.name:
        say(words.plain(message("state.reset_not")))
        raise typer.Exit(ExitCode.USAGE)
    keys = run(settings, reset_state(settings, wanted))
    typer.echo(words.plain(message("state.reset", service=wanted.key, keys=keys)))


@state_app.command("migrate")
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be changed.")] = False,
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Bring the store into the layout of this Lumen, when no bot runs any more that knows only the older one."""
    from bot.cli.state_answers import migrate as migrate_state

    settings = load()
    done = run(settings, migrate_state(settings, watched(settings, service), dry=dry_run))
    words = Catalogue(settings.lumen_locale)
    steps = [
        {"service": service.key, "before": step.before, "schema": step.schema, "values": step.values}
        for service, _, made in done
        for step in made
    ]
    if as_json:
        print_json({"dry_run": dry_run, "steps": steps})
        return
    for step in steps:
        code = (
            "state.migrate_later" if step["values"] is None else "state.would_migrate" if dry_run else "state.migrated"
        )
        typer.echo(words.plain(Message(code, {name: value for name, value in step.items() if value is not None})))
    for service_id, schema, made in done:
        if not made:
            typer.echo(words.plain(message("state.in_layout", service=service_id.key, schema=schema)))


def register(app: typer.Typer) -> None:
    """Add them to `lumen`."""
    app.add_typer(state_app, name="state")
