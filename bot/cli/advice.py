"""`lumen ttl`, `size`, `cache` and `gate`: judge, and with `--apply` change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import (
    ExitCode,
    Json,
    Service,
    Talk,
    chosen,
    load,
    load_thresholds,
    locale,
    print_json,
    run,
    say,
    seconds,
    talk,
    watched,
    whole_megabytes,
)

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.thresholds import Thresholds
    from lumen.model.answers import TtlReadout
    from lumen.model.proposal import Proposal
    from lumen.model.service import ServiceId
    from lumen.model.turn import Turn
    from lumen.policies.ttl import TtlLimits
    from lumen.use_cases.advice import SizeReadout

Apply = Annotated[bool, typer.Option("--apply", help="Propose, approve and carry it out under your Google account.")]
_BY_MEASURING = "that goes by what was measured, not by figures that are given: leave one or the other out."
_WITH_FIGURES = "that goes with given figures: --current-ttl, --hit-rate, --memory."
_STRATEGIES = ("auto", "aggressive", "moderate", "conservative")


def ttl(
    current_ttl: Annotated[int | None, typer.Option(parser=seconds, help="Judge these figures: the TTL …")] = None,
    hit_rate: Annotated[str | None, typer.Option(help="… the hit rate (0.65, 65% and 65 are the same) …")] = None,
    memory: Annotated[str | None, typer.Option(help="… and the share of the memory that is used.")] = None,
    evictions: Annotated[float | None, typer.Option(min=0, help="Evictions an hour, with these figures.")] = None,
    cost_change: Annotated[float | None, typer.Option(help="Cost against the days before, in %, with these.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="What --new-ttl would do; changes nothing.")] = False,
    new_ttl: Annotated[int | None, typer.Option(parser=seconds, help="The TTL that you think of: 420, 7m.")] = None,
    strategy: Annotated[str, typer.Option(help="auto, aggressive, moderate or conservative.")] = "",
    override_ttl: Annotated[
        int | None, typer.Option(parser=seconds, help="Judge as if pinned to this TTL; --apply pins it.")
    ] = None,
    apply: Apply = False,
    service: Service = "",
    as_json: Json = False,
) -> None:
    """The TTL as it is, what it should become and why."""
    from bot.cli.advice_answers import answer_ttl, ttl_of_figures
    from bot.cli.common import finite, refuse, share, together
    from lumen.policies.ttl import TtlFigures

    _check_ttl_flags(strategy, simulate=simulate, new_ttl=new_ttl, override_ttl=override_ttl, apply=apply)
    if together(current_ttl=current_ttl, hit_rate=hit_rate, memory=memory):
        if current_ttl is not None and current_ttl < 1:
            raise typer.BadParameter(f"--current-ttl {current_ttl}: give at least 1 second.")
        refuse(_BY_MEASURING, apply=apply, simulate=simulate, new_ttl=new_ttl, service=service)
        cost_ratio = None if cost_change is None else finite("--cost-change", cost_change) / 100
        given = TtlFigures(
            current_ttl or 0,
            share("--hit-rate", hit_rate or ""),
            share("--memory", memory or ""),
            finite("--evictions", evictions or 0.0),
            cost_ratio,
        )
        answer = ttl_of_figures(given, _ttl_limits(load_thresholds(), strategy, override_ttl))
        _show_ttl(answer, None, locale(), as_json)
        raise typer.Exit(ExitCode.GOOD)
    refuse(_WITH_FIGURES, evictions=evictions, cost_change=cost_change)
    from lumen.use_cases.apply_now import AskedTtl

    settings = load()
    of, limits = chosen(settings, service), _ttl_limits(settings, strategy, override_ttl)
    if new_ttl is not None:
        in_range("--new-ttl", new_ttl, limits)
    asked = AskedTtl(new_ttl, limits if strategy else None, override_ttl)
    found, proposal = run(settings, answer_ttl(settings, of, asked, apply=apply), asking=not apply)
    _show_ttl(found, proposal, settings.lumen_locale, as_json)
    _end(settings, found, proposal, applying=apply, quiet=as_json)


def _check_ttl_flags(
    strategy: str, *, simulate: bool, new_ttl: int | None, override_ttl: int | None, apply: bool
) -> None:
    if strategy and strategy not in _STRATEGIES:
        raise typer.BadParameter(f"--strategy {strategy}: give {', '.join(_STRATEGIES)}.")
    if simulate and new_ttl is None:
        raise typer.BadParameter("--simulate needs --new-ttl: the TTL that you think of.")
    if simulate and apply:
        raise typer.BadParameter("--simulate changes nothing, so --apply cannot go with it.")
    if new_ttl is not None and override_ttl is not None:
        raise typer.BadParameter("--new-ttl and --override-ttl name two TTLs: give one of them.")


def _ttl_limits(settings: "Thresholds", strategy: str, override_ttl: int | None) -> "TtlLimits":
    """TTL limits of the settings, overruled by the flags."""
    from dataclasses import replace

    from bot.thresholds import ttl_limits
    from lumen.policies.ttl import Strategy

    limits = ttl_limits(settings)
    if strategy:
        limits = replace(limits, strategy=None if strategy == "auto" else Strategy(strategy.upper()))
    if override_ttl is None:
        return limits
    in_range("--override-ttl", override_ttl, limits)
    return replace(limits, override_seconds=override_ttl)


def in_range(flag: str, wanted: int, limits: "TtlLimits") -> None:
    """Raises BadParameter."""
    from lumen.model.proposal import Knob
    from lumen.use_cases.knobs import out_of_range
    from lumen.wording.catalogue import Catalogue

    problem = out_of_range(Knob.TTL, wanted, "s", limits.min_seconds, limits.max_seconds)
    if problem:
        words = Catalogue(locale())
        raise typer.BadParameter(f"{flag}: {' '.join(words.plain(each) for each in problem)}")


def _show_ttl(answer: "TtlReadout", proposal: "Proposal | None", language: str, as_json: bool) -> None:
    if as_json:
        from bot.cli.advice_json import ttl_json

        print_json(ttl_json(answer, proposal, language))
    else:
        from bot.cli.advice_text import print_ttl

        print_ttl(answer, language)


def _show_size(answer: "SizeReadout", proposal: "Proposal | None", language: str, as_json: bool) -> None:
    if as_json:
        from bot.cli.advice_json import size_json

        print_json(size_json(answer, proposal, language))
    else:
        from bot.cli.advice_text import print_size

        print_size(answer, language)


def size(
    current_size: Annotated[
        int | None, typer.Option(parser=whole_megabytes, help="Judge these figures: the size, 256 or 2GB …")
    ] = None,
    usage: Annotated[str | None, typer.Option(help="… what of it is used (240 or 94%) …")] = None,
    hit_rate: Annotated[str | None, typer.Option(help="… the hit rate (0.70, 70% and 70 are the same) …")] = None,
    evictions: Annotated[float | None, typer.Option(min=0, help="… and the evictions an hour.")] = None,
    lock: Annotated[bool, typer.Option("--lock", help="Judge as if the size were locked; --apply locks it.")] = False,
    apply: Apply = False,
    service: Service = "",
    as_json: Json = False,
) -> None:
    """The size of the cache, what it should become, what that costs and saves."""
    from dataclasses import replace

    from bot.cli.advice_answers import answer_size, size_of_figures
    from bot.cli.common import finite, megabytes, refuse, share, together
    from bot.thresholds import size_limits
    from lumen.policies.size import SizeFigures

    if together(current_size=current_size, usage=usage, hit_rate=hit_rate, evictions=evictions):
        refuse(_BY_MEASURING, apply=apply, service=service)
        size_mb = current_size or 0
        used_mb = megabytes("--usage", usage or "", size_mb)
        given = SizeFigures(
            size_mb, used_mb, share("--hit-rate", hit_rate or ""), finite("--evictions", evictions or 0.0)
        )
        limits = size_limits(load_thresholds())
        # Whose memory these figures are of is not known, so the price is that of the MB.
        answer = size_of_figures(given, replace(limits, locked=limits.locked or lock, whole_gb=False))
        _show_size(answer, None, locale(), as_json)
        raise typer.Exit(ExitCode.GOOD)
    settings = load()
    found, proposal = run(
        settings, answer_size(settings, chosen(settings, service), lock=lock, apply=apply), asking=not apply
    )
    _show_size(found, proposal, settings.lumen_locale, as_json)
    _end(settings, found, proposal, applying=apply, quiet=as_json)


def cache(
    detailed: Annotated[bool, typer.Option("--detailed", help="With each row's grade, and why.")] = False,
    dump_metrics: Annotated[bool, typer.Option("--dump-metrics", help="What was measured, as JSON.")] = False,
    service: Service = "",
    as_json: Json = False,
) -> None:
    """The cache in the last turn, and what to do about it."""
    from bot.cli.advice_answers import last_turns
    from bot.cli.advice_json import cache_json, measured_json
    from bot.cli.cache_text import print_cache

    settings = load()
    services = watched(settings, service)
    last = run(settings, last_turns(settings, services), asking=True)
    language = settings.lumen_locale
    if dump_metrics:
        print_json(measured_json(last.turns))
    elif as_json:
        print_json([cache_json(each.turn, each.size, last.now, language) for each in last.found])
    else:
        for each in last.found:
            print_cache(each, last.now, language, detailed=detailed or talk() >= Talk.VERBOSE)
    say_no_turn(settings, services, last.turns)
    raise typer.Exit(last.cache_code())


def gate(service: Service = "", as_json: Json = False) -> None:
    """How it is, as exit code: 0 PASS, 1 WARN, 2 FAIL, 3 no data (or too old to tell); an open page fails."""
    from bot.cli.advice_answers import last_turns
    from bot.cli.advice_json import gate_json
    from bot.cli.cache_text import print_gate

    settings = load()
    services = watched(settings, service)
    last = run(settings, last_turns(settings, services), asking=True)
    if as_json:
        print_json(gate_json(last, settings.lumen_locale))
    else:
        print_gate(last, settings.lumen_locale)
    say_no_turn(settings, services, last.turns)
    raise typer.Exit(last.gate_code())


def say_no_turn(settings: "Settings", services: "Sequence[ServiceId]", turns: "Sequence[Turn]") -> None:
    """Say of each service without a turn that it has none."""
    from lumen.model.answers import NO_TURN_YET
    from lumen.wording.catalogue import Catalogue

    words, known = Catalogue(settings.lumen_locale), {turn.snapshot.service for turn in turns}
    for service in services:
        if service not in known:
            say(f"{service.key}: {words.plain(NO_TURN_YET.reason)} {words.plain(NO_TURN_YET.remedy)}")


def _end(
    settings: "Settings",
    found: "TtlReadout | SizeReadout",
    proposal: "Proposal | None",
    *,
    applying: bool,
    quiet: bool,
) -> None:
    """Say what became of `--apply`, and end the process with its code."""
    from bot.cli.advice_answers import exit_code_of_change, outcome
    from lumen.model.messages import NoData, message
    from lumen.wording.catalogue import Catalogue

    words, is_missing = Catalogue(settings.lumen_locale), isinstance(found.recommendation, NoData)
    if applying and not quiet:
        nothing = message("apply.no_answer" if is_missing else "apply.nothing")
        typer.echo(words.plain(nothing if proposal is None else outcome(words, proposal)))
    nothing_known = is_missing or (found.is_stale and proposal is None)
    raise typer.Exit(ExitCode.NO_DATA if nothing_known else ExitCode(exit_code_of_change(proposal)))


def register(app: typer.Typer) -> None:
    """Add them to `lumen`."""
    for command in (ttl, size, cache, gate):
        app.command()(command)
