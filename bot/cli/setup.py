"""`lumen setup`: the resources of Google Cloud as code; what would change, read as a Terraform plan is read."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.common import ExitCode, Json, Talk, load, print_json, run, say, talk
from lumen.model.messages import Message, message
from lumen.model.setup import Action, Difference, LeftOut, Outcome, Plan, Step
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

setup_app = typer.Typer(
    help="Metrics, dashboards, alert policies, the budget, triggers and roles in Google Cloud.", no_args_is_help=True
)
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Also what was changed by hand, or made by others under the same name.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete without asking.")]

_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.KEEP: "!", Action.UNKNOWN: "?"}
#: As much of one value as is shown.
LONGEST_VALUE = 100


@setup_app.command("plan")
def setup_plan(
    overwrite: Overwrite = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 2 where anything differs.")] = False,
    as_json: Json = False,
) -> None:
    """What `apply` would do; changes nothing. Ends with 0, with 3 where a part could not be read."""
    from bot.wiring.setup import planned

    settings = load()
    words = Catalogue(settings.lumen_locale)
    plan = run(settings, planned(settings, overwrite=overwrite), asking=True)
    if as_json:
        print_json(plan_json(words, plan, ()))
    else:
        _print_plan(words, plan)
    raise typer.Exit(_code_of_plan(plan, exit_code=exit_code))


@setup_app.command("apply")
def setup_apply(overwrite: Overwrite = False, yes: Yes = False, as_json: Json = False) -> None:
    """Make and change what differs. What fails holds up nothing else, and a second run completes it."""
    _change(destroy=False, overwrite=overwrite, yes=yes, as_json=as_json)


@setup_app.command("destroy")
def setup_destroy(yes: Yes = False, as_json: Json = False) -> None:
    """Delete what Lumen made, the history of its metrics with it; what is not its own stays."""
    _change(destroy=True, overwrite=False, yes=yes, as_json=as_json)


def _change(*, destroy: bool, overwrite: bool, yes: bool, as_json: bool) -> None:
    from bot.wiring.setup import change

    settings = load()
    words = Catalogue(settings.lumen_locale)

    def agreed(plan: Plan) -> bool:
        if not as_json:
            _print_plan(words, plan)
        deletes = plan.count(Action.DELETE)
        asks = deletes and not yes and sys.stdin.isatty() and not settings.dry_run
        if asks and not typer.confirm(words.plain(message("setup.confirm", count=deletes)), err=True):
            say(words.plain(message("setup.not_agreed")))
            raise typer.Exit(ExitCode.WARNING)
        if settings.dry_run:
            say(words.plain(message("setup.dry_run")))
        return not settings.dry_run

    def told(outcome: Outcome) -> None:
        if not as_json:
            typer.echo(_outcome(words, outcome))

    plan, outcomes = run(settings, change(settings, agreed, told, destroy=destroy, overwrite=overwrite))
    if as_json:
        print_json(plan_json(words, plan, outcomes))
    elif outcomes:
        typer.echo("\n" + words.plain(_made(outcomes)))
    failed = any(not one.done for one in outcomes)
    raise typer.Exit(ExitCode.CRITICAL if failed else _code_of_plan(plan, exit_code=False))


def _code_of_plan(plan: Plan, *, exit_code: bool) -> ExitCode:
    if plan.count(Action.UNKNOWN):
        return ExitCode.NO_DATA
    return ExitCode.CRITICAL if exit_code and plan.differs else ExitCode.GOOD


def _made(outcomes: "Sequence[Outcome]") -> Message:
    failed = sum(not one.done for one in outcomes)
    code = "setup.done_in_part" if failed else "setup.done"
    return message(code, done=len(outcomes) - failed, failed=failed)


# In words


def _print_plan(words: Catalogue, plan: Plan) -> None:
    for step in plan.steps:
        for line in _lines(words, step):
            typer.echo(line)
    for one in plan.left_out:
        typer.echo(f"  # {_named(words, one)}: {words.plain(one.why)}")
    if plan.differs:
        counts = {action.value: plan.count(action) for action in Action}
        typer.echo("\n" + words.plain(message("setup.summary", **counts)))
    else:
        typer.echo("\n" + words.plain(message("setup.no_changes")))


def _lines(words: Catalogue, step: Step) -> list[str]:
    if step.action is Action.NOTHING:
        return []
    lines = [f"  {_SIGNS[step.action]} {_named(words, step)}"]
    changes = step.changes
    if step.action is Action.CREATE and talk() < Talk.VERBOSE:
        changes = tuple(change for change in changes if "[" not in change.path)
    lines += [f"      {_change_line(step.action, change)}" for change in changes]
    lines += [f"      # {words.plain(note)}" for note in step.notes]
    return lines


def _named(words: Catalogue, one: Step | LeftOut) -> str:
    kind = words.plain(message(f"setup.kind_{one.kind}"))
    return kind if one.title == one.kind else f'{kind} "{one.title}"'


def _change_line(action: Action, change: Difference) -> str:
    if action is Action.CREATE:
        return f"+ {change.path} = {_value(change.new)}"
    sign = "~" if action is Action.UPDATE else "!"
    return f"{sign} {change.path}: {_value(change.old)} -> {_value(change.new)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _outcome(words: Catalogue, outcome: Outcome) -> str:
    named = _named(words, outcome.step)
    if outcome.waits_for:
        return "  ✗ " + words.plain(message("setup.waits", named=named, needs=", ".join(outcome.waits_for)))
    if outcome.error is not None:
        return f"  ✗ {named}: {words.plain(outcome.error.reason)} {words.plain(outcome.error.remedy)}"
    return f"  ✓ {named}: " + words.plain(message(f"setup.did_{outcome.step.action}"))


# For programs


def plan_json(words: Catalogue, plan: Plan, outcomes: "Sequence[Outcome]") -> dict[str, object]:
    """docs/json.md names the fields."""
    became = {id(one.step): one for one in outcomes}
    return {
        "differs": plan.differs,
        "counts": {action.value: plan.count(action) for action in Action},
        "resources": [_step_json(words, step, became.get(id(step))) for step in plan.steps],
        "left_out": [
            {"kind": one.kind.value, "title": one.title, "why": words.plain(one.why)} for one in plan.left_out
        ],
    }


def _step_json(words: Catalogue, step: Step, outcome: Outcome | None) -> dict[str, object]:
    error = outcome.error if outcome else None
    return {
        "action": step.action.value,
        "address": step.address,
        "kind": step.kind.value,
        "title": step.title,
        "name": step.found.name if step.found else None,
        "changes": [{"path": one.path, "old": one.old, "new": one.new} for one in step.changes],
        "notes": [words.plain(note) for note in step.notes],
        "done": outcome.done if outcome else None,
        "error": f"{words.plain(error.reason)} {words.plain(error.remedy)}" if error else None,
        "waits_for": list(outcome.waits_for) if outcome else [],
    }


def register(app: typer.Typer) -> None:
    """Add it to `lumen`."""
    app.add_typer(setup_app, name="setup")
