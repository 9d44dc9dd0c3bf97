"""`lumen rollback` and `unpin`, and what people set against Lumen: `override`, `lock`, `unlock`, `pause`, `resume`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.advice import Apply, in_range
from bot.cli.common import ExitCode, Json, Service, chosen, duration, load, print_json, run, seconds
from lumen.model.answers import Trusted
from lumen.model.messages import Message, message
from lumen.model.override import Terms, locked_by
from lumen.model.proposal import LATEST, Proposal
from lumen.wording.catalogue import Catalogue
from lumen.wording.restrictions import NOTHING_HELD, held, lifted, pinned_messages, trusted, unlocked

if TYPE_CHECKING:
    from bot.cli.change_answers import TrafficAnswer
    from bot.config import Settings

For = Annotated[str, typer.Option("--for", metavar="DURATION", help="90m, 2h, 7d; without it 30 days.")]
Because = Annotated[str, typer.Option("--because", metavar="WORDS", help="Why; shown wherever it is.")]

Anyway = Annotated[bool, typer.Option("--anyway", help="Also to a revision that was taken out, which is named.")]

#: As much of somebody's own words as is shown.
_WHY_MAX = 120

override_app = typer.Typer(help="Pin the TTL, and see what people have set against changes.", no_args_is_help=True)
lock_app = typer.Typer(help="Leave the size of the cache as it is.", no_args_is_help=True)


def rollback(
    revision: Annotated[str, typer.Argument(help="The revision; without it the newest that is known to be good.")] = "",
    apply: Apply = False,
    anyway: Anyway = False,
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Where a rollback would send all traffic; with --apply it does."""
    _traffic(revision, apply, anyway, service, as_json)


def unpin(apply: Apply = False, anyway: Anyway = False, service: Service = "", as_json: Json = False) -> None:
    """Whether all traffic goes to the newest revision; with --apply it does again."""
    _traffic(None, apply, anyway, service, as_json)


def _traffic(revision: str | None, apply: bool, anyway: bool, service: str, as_json: bool) -> None:
    from bot.cli.advice_answers import exit_code_of_change, outcome
    from bot.cli.change_answers import answer_traffic

    settings = load()
    of = chosen(settings, service)
    answer, proposal = run(
        settings, answer_traffic(settings, of, revision, apply=apply, anyway=anyway), asking=not apply
    )
    words = Catalogue(settings.lumen_locale)
    told = (_said(answer), *answer.known) if proposal is None else (outcome(words, proposal),)
    says = " ".join(words.plain(one) for one in told)
    if as_json:
        print_json(traffic_json(answer, proposal, says))
    else:
        typer.echo(says)
    raise typer.Exit(ExitCode(exit_code_of_change(proposal)))


def _said(answer: "TrafficAnswer") -> Message:
    service, target, serving = answer.service.name, str(answer.target), answer.serving
    if answer.present == answer.target:
        code = "apply.traffic_not_pinned" if target == LATEST else "apply.traffic_already"
        return message(code, service=service, target=target, serving=serving)
    if target == LATEST:
        return message("apply.traffic_unpin", service=service, present=str(answer.present))
    return message("apply.traffic_would", service=service, target=target, serving=serving)


def traffic_json(answer: "TrafficAnswer", proposal: Proposal | None, says: str) -> dict[str, object]:
    """docs/json.md names the fields."""
    return {
        "service": answer.service.key,
        "pinned_to": None if answer.present == "LATEST" else answer.present,
        "serving": answer.serving,
        "target": answer.target,
        "applied": None if proposal is None else {"proposal": proposal.id, "state": proposal.state.value, "says": says},
    }


@override_app.command("ttl")
def override_ttl(
    wanted: Annotated[int, typer.Argument(parser=seconds, metavar="SECONDS", help="The TTL: 420, 7m, 1.5h.")],
    lasts: For = "",
    because: Because = "",
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Pin the TTL, and propose it in Slack where it is another one."""
    from bot.cli.change_answers import pin_ttl
    from bot.thresholds import ttl_limits

    settings = load()
    in_range("SECONDS", wanted, ttl_limits(settings))
    pinned = run(settings, pin_ttl(settings, chosen(settings, service), wanted, _terms(lasts, because)))
    _say(settings, as_json, *pinned_messages(Catalogue(settings.lumen_locale), pinned))


@override_app.command("off")
def override_off(service: Service = "", as_json: Json = False) -> None:
    """Let the TTL be another one again."""
    from bot.cli.change_answers import lift_ttl

    settings = load()
    _say(settings, as_json, lifted(run(settings, lift_ttl(settings, chosen(settings, service)))))


@override_app.command("show")
def override_show(service: Service = "", as_json: Json = False) -> None:
    """What is pinned, locked, paused and frozen, and what is done without asking."""
    from bot.cli.change_answers import held as read_held
    from lumen.adapters.store.codec import encode

    settings = load()
    found = run(settings, read_held(settings, chosen(settings, service)), asking=True)
    if as_json:
        parts = {"override": found.override, "size_lock": found.size_lock, "pause": found.pause}
        shown = {name: None if part is None else json.loads(encode(part)) for name, part in parts.items()}
        frozen = found.frozen_until.isoformat() if found.frozen_until else None
        unasked = [_trusted_json(one) for one in found.trusted]
        print_json({**shown, "frozen_until": frozen, "unasked": unasked})
    else:
        words = Catalogue(settings.lumen_locale)
        sentences = [sentence for _, sentence in held(found)] or NOTHING_HELD
        _say(settings, False, *sentences, *(trusted(words, one) for one in found.trusted))


def _trusted_json(one: Trusted) -> dict[str, object]:
    return {
        "knob": one.knob.value,
        "direction": "up" if one.up else "down",
        "helped": one.helped,
        "trials": one.trials,
        "chance": round(one.chance, 3),
        "named": one.named,
        "without_asking": one.named and not one.against,
        "against": [{"code": reason.code, **reason.params} for reason in one.against],
    }


@lock_app.command("size")
def lock_size(lasts: For = "", because: Because = "", service: Service = "", as_json: Json = False) -> None:
    """Leave the size of the cache as it is for a while: 30 days, unless told."""
    from bot.cli.change_answers import lock_size as lock

    settings = load()
    locked = run(settings, lock(settings, chosen(settings, service), _terms(lasts, because)))
    _say(settings, as_json, locked_by(locked))


def unlock(service: Service = "", as_json: Json = False) -> None:
    """Let the size of the cache change again."""
    from bot.cli.change_answers import unlock_size

    settings = load()
    _say(settings, as_json, unlocked(run(settings, unlock_size(settings, chosen(settings, service)))))


def pause(lasts: For = "", because: Because = "", service: Service = "", as_json: Json = False) -> None:
    """Stop all automation for a while: 30 days, unless told."""
    from bot.cli.change_answers import pause as stop

    settings = load()
    made = run(settings, stop(settings, chosen(settings, service), _terms(lasts, because)))
    if made.until is None:
        _say(settings, as_json, message("emergency.paused"))
    else:
        _say(settings, as_json, message("emergency.paused_until", until_at=made.until.isoformat()))


def resume(service: Service = "", as_json: Json = False) -> None:
    """Let automation go on."""
    from bot.cli.change_answers import resume as go_on

    settings = load()
    run(settings, go_on(settings, chosen(settings, service)))
    _say(settings, as_json, message("emergency.resumed"))


def _terms(lasts: str, because: str) -> Terms:
    """Raises BadParameter."""
    return Terms(duration("--for", lasts), because[:_WHY_MAX])


def _say(settings: "Settings", as_json: bool, *sentences: Message) -> None:
    words = Catalogue(settings.lumen_locale)
    if as_json:
        said = [{"code": one.code, **one.params, "text": words.plain(one)} for one in sentences]
        print_json(said)
    else:
        typer.echo("\n".join(words.plain(one) for one in sentences))


def register(app: typer.Typer) -> None:
    """Add them to `lumen`."""
    for command in (rollback, unpin, unlock, pause, resume):
        app.command()(command)
    app.add_typer(override_app, name="override")
    app.add_typer(lock_app, name="lock")
