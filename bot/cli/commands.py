"""`lumen`: the table of its commands. Only the module of the command that is called is imported, for help none is."""

import gc
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bot import __version__

#: Of each command its module, whose `register` adds it, and its line in the help, which is that of the command itself.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("app", "Run the bot: Slack, the hourly turn, the outbox, /healthz, /readyz and /metrics."),
    "serve": (
        "app",
        "Take the calls of Cloud Scheduler and Pub/Sub where the bot runs elsewhere; needs no Slack.",
    ),
    "work": (
        "app",
        "Do the work that is published for workers, as WORKERS says: pushed or pulled; needs no Slack.",
    ),
    "dispatch": ("app", "Publish the work of now for the workers: the shards of a look or of the hour's turn."),
    "tick": ("app", "Make one extra turn now, remember it, and print it."),
    "report": (
        "app",
        "Print the last turn of each service; as Markdown where it is asked for, or where no terminal reads it.",
    ),
    "doctor": (
        "app",
        "Check every setting, token, scope, permission, server and metric; say how to mend what is wrong.",
    ),
    "demo": (
        "app",
        "A whole world on this machine: Slack, Google Cloud, the ION service, a cache, and this bot, unmodified.",
    ),
    "ttl": ("advice", "The TTL as it is, what it should become and why."),
    "size": ("advice", "The size of the cache, what it should become, what that costs and saves."),
    "cache": ("advice", "The cache in the last turn, and what to do about it."),
    "gate": (
        "advice",
        "How it is, as exit code: 0 PASS, 1 WARN, 2 FAIL, 3 no data (or too old to tell); an open page fails.",
    ),
    "rollback": ("changes", "Where a rollback would send all traffic; with --apply it does."),
    "unpin": ("changes", "Whether all traffic goes to the newest revision; with --apply it does again."),
    "override": ("changes", "Pin the TTL, and see what people have set against changes."),
    "lock": ("changes", "Leave the size of the cache as it is."),
    "unlock": ("changes", "Let the size of the cache change again."),
    "pause": ("changes", "Stop all automation for a while: 30 days, unless told."),
    "resume": ("changes", "Let automation go on."),
    "silence": (
        "incidents",
        "What is silenced; or silence a kind of alert for a while. It is recorded all the same, and countdowns run on.",
    ),
    "incident": (
        "incidents",
        "The newest incidents; or everything that was recorded of one, from its first sign to its end.",
    ),
    "backtest": ("simulate", "Your own history through the same alerts, assessments and policies (docs/backtest.md)."),
    "verify": (
        "simulate",
        "A simulated ION with incidents, with and without Lumen: what Lumen is worth (docs/verify.md).",
    ),
    "predict": ("predict", "What another TTL or size would do, from a log of yours (docs/prediction.md)."),
    "graph": (
        "graph",
        "What moves what, by how much and how sure that is; what is not known yet, and what it lacks.",
    ),
    "state": ("state", "Lumen's own memory."),
    "setup": ("setup", "Metrics, dashboards, alert policies, the budget, triggers and roles in Google Cloud."),
    "contract": ("contract", "What Lumen and the service that it tunes owe each other."),
    "audit": ("audit", "Who decided what, and what was done: proven, and handed out."),
}


#: Of new objects, until Python looks for cycles. A command makes many by its imports, which stay, and soon ends.
COLLECT_AFTER = 500_000
#: As Python has it, for what runs on.
USUAL_THRESHOLDS = gc.get_threshold()


class _Brought(Mapping[str, Any]):
    """The commands by their names; a module is imported when one of its commands is taken."""

    def __getitem__(self, name: str) -> Any:
        return _commands_of(COMMANDS[name][0])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


@cache
def _commands_of(module: str) -> Mapping[str, Any]:
    """All commands of a module, each with --verbose and --debug."""
    from bot.cli.common import teach

    taught = typer.Typer(rich_markup_mode=None)
    import_module(f"bot.cli.{module}").register(taught)
    teach(taught)
    return typer.main.get_group(taught).commands


class Commands(TyperGroup):
    """Answers of all commands from the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Brought()

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 Typer calls it so
        """The table, for the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Names of commands that begin so, for a shell; options where it begins like one."""
        from typer._click.shell_completion import CompletionItem

        found = [(name, line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        named: list[Any] = [CompletionItem(name, help=line) for name, line in found]
        return named or super().shell_complete(ctx, incomplete)


app = typer.Typer(
    name="lumen",
    cls=Commands,
    help="A ChatOps bot that tunes a Cloud Run service and its Redis cache, with approval.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lumen {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end.")
    ] = False,
) -> None:
    """What `lumen` takes before a command."""


def main() -> None:
    """Run the console script. Usage errors exit with 64 (EX_USAGE of sysexits.h); Typer alone would say 2."""
    gc.set_threshold(COLLECT_AFTER)
    try:
        code = app(standalone_mode=False, prog_name=app.info.name)
    except typer.TyperException as error:
        what = error.format_message()
        if not what.startswith("Usage:"):  # the whole help, where a command was left out
            what = what.rstrip(".")
            what += " " if what.endswith("?") else ". "
            what += "`lumen --help`, or `--help` after a command, shows what there is."
        typer.echo(what, err=True)
        code = 64
    except typer.Abort:
        code = 0
    gc.freeze()  # the interpreter would take a hundred thousand objects apart before it ends: a quarter of `lumen gate`
    sys.exit(int(code or 0))
