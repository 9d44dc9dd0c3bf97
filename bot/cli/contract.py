"""`lumen contract check`: whether a running service keeps the contract, for those who write it."""

from typing import Annotated, Any

import typer

from bot.cli.common import ExitCode, Json, Service, chosen, load, load_thresholds, print_json, run, say
from lumen.model.messages import message
from lumen.policies.contract import Judged, judge
from lumen.wording.catalogue import Catalogue

contract_app = typer.Typer(help="What Lumen and the service that it tunes owe each other.", no_args_is_help=True)
_SIGNS = {True: "ok   ", False: "mend ", None: "?    "}


@contract_app.command("check")
def check(
    service: Service = "",
    cache: Annotated[str, typer.Option(help="URL of the service's cache; without it that of the settings.")] = "",
    prefix: Annotated[str, typer.Option(help="What the keys of the cache begin with.")] = "",
    as_json: Json = False,
) -> None:
    """Give a running service another TTL for two minutes, and say of each part of the contract whether it is kept."""
    from bot.store import clock_of
    from bot.wiring.contract import observed

    if cache and not service:
        raise typer.BadParameter("--cache needs --service: the keys of the contract bear the service's name.")
    language = load_thresholds().lumen_locale
    words = Catalogue(language)

    def told(step: str) -> None:
        say(words.plain(message(step, service=service)))

    if cache:
        _check_url(cache)
        seen = run(load_thresholds(), observed(cache, service, prefix or "ion:cache:", told), asking=True)
    else:
        settings = load(without_slack=True)
        of = chosen(settings, service)
        service, its = of.name, settings.watched[of]
        keys = prefix or its.cache_key_prefix
        seen = run(settings, observed(its.cache_url, service, keys, told, clock_of(settings)), asking=True)
    judged = judge(seen)
    if as_json:
        print_json(contract_json(service, judged))
    else:
        _print(words, judged)
    raise typer.Exit(exit_code(judged))


def _check_url(url: str) -> None:
    from redis.asyncio.connection import parse_url

    try:
        parse_url(url)
    except ValueError:
        raise typer.BadParameter("--cache: give redis://host:port/db, rediss:// or unix:///path.") from None


def contract_json(service: str, judged: Judged) -> dict[str, Any]:
    """For programs: codes and values instead of words."""
    findings = [
        {"part": each.part.value, "ok": each.ok, "says": {"code": each.says.code, **each.says.params}}
        for each in judged.findings
    ]
    return {"service": service, "version": judged.version, "findings": findings}


def exit_code(judged: Judged) -> ExitCode:
    """CRITICAL for a fault, NO_DATA where something could not be told, WARNING for a sound service of version 1."""
    told = [each.ok for each in judged.findings]
    if False in told:
        return ExitCode.CRITICAL
    if judged.version == 1 and told == [True, True, True, None, None]:
        return ExitCode.WARNING
    return ExitCode.NO_DATA if None in told else ExitCode.GOOD


def _print(words: Catalogue, judged: Judged) -> None:
    for each in judged.findings:
        typer.echo(
            f"{_SIGNS[each.ok]}{words.plain(message(f'contract.part_{each.part.value}'))}: {words.plain(each.says)}"
        )
    typer.echo(words.plain(message(f"contract.version_{judged.version or 'none'}")))


def register(app: typer.Typer) -> None:
    """Add it to `lumen`."""
    app.add_typer(contract_app, name="contract")
