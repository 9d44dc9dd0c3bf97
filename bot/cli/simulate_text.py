"""Output of a back-test and of a verification for people."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.table import Table

from bot.cli.page import Page
from lumen.backtest.history import File, Oddity, Problem
from lumen.backtest.run import BacktestResult
from lumen.backtest.score import BacktestScore, KindScore
from lumen.model.alert import Alert
from lumen.model.messages import Message, Param, message
from lumen.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from lumen.verification.judge import Adjustment
    from lumen.verification.verify import Verification

#: Of an odd file's problems so many of a kind are shown to people.
SHOWN_OF_A_KIND = 20
_STYLES = {"helped": "green", "harmed": "red"}


def print_backtest(result: BacktestResult, words: Catalogue) -> None:
    """Alerts, proposals, score, and what was odd about the file."""
    page = Page(words)
    for alert in result.alerts:
        _line(page, "verify.alert", **_alert_params(alert, words))
    for proposal in result.proposals:
        change = proposal.recommendation.change
        if change is not None:
            _line(
                page,
                "verify.proposal",
                at=_instant(proposal.at),
                service=proposal.service,
                knob=change.knob.value,
                old=change.old,
                new=change.new,
                reason=" ".join(words.plain(reason) for reason in proposal.recommendation.reasons),
            )
    _print_problems(page, result.problems)
    if result.score is not None:
        page.console.print(_score_table(page, result.score))
    _line(page, "verify.slices", slices=result.slices, alerts=len(result.alerts))
    assumed = result.settings.assumed
    _line(
        page,
        "backtest.judged_by",
        target=result.settings.alerts.error_free_share,
        ttl_seconds=assumed.ttl_seconds,
        cache_mb=assumed.cache_mb,
        budget_usd=assumed.budget_usd,
    )


def _print_problems(page: Page, problems: Iterable[Problem]) -> None:
    """The first of each kind; all of them stand in --json."""
    told: Counter[tuple[File, Oddity]] = Counter()
    for problem in problems:
        told[problem.file, problem.oddity] += 1
        if told[problem.file, problem.oddity] <= SHOWN_OF_A_KIND:
            _line(page, _where(problem), name=problem.name, line=problem.line, problem=page.words.plain(problem.says))
    for (_, oddity), count in told.items():
        if count > SHOWN_OF_A_KIND:
            _line(page, "verify.more_problems", count=count - SHOWN_OF_A_KIND, kind=oddity.value)


def _where(problem: Problem) -> str:
    """The text that names the place of a problem."""
    if problem.file is File.LABELS:
        return "verify.problem_labels"
    if problem.name:
        return "verify.problem_named"
    return "verify.problem" if problem.line else "verify.problem_anywhere"


def print_verification(result: "Verification", words: Catalogue) -> None:
    """The bars first, then the service before and after, then every adjustment."""
    from lumen.verification.summary import missed_bars

    page = Page(words)
    page.console.rule(page.plain("verify.title", days=result.days, seed=result.seed))
    page.line(_drawn(page, result))
    missed = missed_bars(result)
    for name, text in _bars(page, result):
        mark = "[red]✗[/red]" if name in missed else "[green]✓[/green]"
        page.console.print(mark, text, highlight=False)
    page.console.print(_figures_table(page, result))
    page.console.print(_score_table(page, result.alerts))
    for run, code in zip(result.runs, ("verify.by_hand_without", "verify.by_hand_with"), strict=True):
        kinds = Counter(one.kind.value for one in run.interventions)
        named = ", ".join(page.plain(f"verify.kind_{kind}", count=count) for kind, count in sorted(kinds.items()))
        _line(page, code, count=len(run.interventions), kinds=named or "0")
    if result.adjustments:
        page.console.print(_adjustments_table(page, result))


def _drawn(page: Page, result: "Verification") -> str:
    """The service and the days that the seed, or the scenario, makes, in a paragraph."""
    from lumen.verification.lumen_in_world import not_billed

    p = result.profile
    counts = Counter(one.trouble.value for one in result.incidents)
    told: list[Message] = [
        message(
            "verify.drawn",
            an_hour=p.requests_per_second * 3600,
            swing=p.daily_swing,
            weekend=p.weekend,
            holidays=p.holidays,
            ttl_seconds=p.ttl_seconds,
            cache_mb=p.cache_mb,
            life_hours=p.answer_life_seconds / 3600,
        )
    ]
    if p.office_hours:
        told.append(message("verify.drawn_office"))
    if p.cron_minutes:
        told.append(message("verify.drawn_cron", minutes=p.cron_minutes, more=p.cron_share))
    if p.stale_usd_per_1000:
        code = "verify.drawn_stale_told" if p.staleness_told else "verify.drawn_stale"
        told.append(Message(code, {"stale_usd": p.stale_usd_per_1000}))
    foreign = not_billed(p, result.started_at)
    if foreign is not None:
        told.append(foreign.reason)
    elif p.estimated_cost:
        told.append(message("verify.drawn_estimated"))
    if result.is_hard:
        told.append(message("verify.drawn_hard"))
    named = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    told.append(message("verify.drawn_incidents", named=named or "–"))
    return " ".join(map(page.words.plain, told))


def _bars(page: Page, result: "Verification") -> Iterator[tuple[str, str]]:
    from lumen.verification.judge import Outcome
    from lumen.verification.summary import summary_of

    found = summary_of(result)
    helped = page.plain("verify.helped", helped=found.outcomes[Outcome.HELPED], total=sum(found.outcomes.values()))
    harmed = page.plain("verify.harmed", harmed=found.outcomes[Outcome.HARMED], undone=found.harmed_undone)
    yield "helped", f"{helped} {harmed}"
    hands = {"without": found.by_hand_without, "with_lumen": found.by_hand_with, "answered": found.answered}
    yield "interventions", page.plain("verify.interventions", **hands, messages=found.messages)
    told = {"told": found.told, "for_nothing": found.told_for_nothing}
    yield "precision", page.plain("verify.precision", **told)
    yield "undone", page.plain("verify.undone", done=found.undone_in_time, asked=found.to_undo)
    yield "rollbacks", page.plain("verify.rollbacks", rollbacks=found.rollbacks, wrong=found.wrong_rollbacks)


def _columns(page: Page, *names: str) -> Iterator[str]:
    return (page.plain(f"verify.column_{name}") if name else "" for name in names)


def _figures_table(page: Page, result: "Verification") -> Table:
    table = page.table(*_columns(page, "", "before", "untuned", "without", "with"), justify="right")
    four = (result.before, result.untuned, result.without, result.with_lumen)
    table.add_row(page.plain("verify.row_hit_rate"), *(_or_dash(one.hit_rate, ".1%") for one in four))
    table.add_row(page.plain("verify.row_p95"), *(_or_dash(one.p95_ms, ".0f", " ms") for one in four))
    table.add_row(page.plain("verify.row_cost"), *(f"${one.cost_month_usd:.2f}" for one in four))
    if result.profile.stale_usd_per_1000:
        table.add_row(page.plain("verify.row_stale"), *(f"${one.stale_month_usd:.2f}" for one in four))
    table.add_row(page.plain("verify.row_errors"), *(_or_dash(one.error_rate, ".3%") for one in four))
    return table


def _or_dash(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"


def _score_table(page: Page, score: BacktestScore) -> Table:
    table = page.table(*_columns(page, "alerts", "precision", "recall", "ttd"), justify="right")
    table.columns[0].justify = "left"
    rows: list[tuple[str, KindScore]] = [(kind.value, one) for kind, one in score.by_kind.items()]
    for name, one in [*rows, (page.plain("verify.row_all"), score.overall)]:
        late = "–" if one.ttd_p90_minutes is None else f"{one.ttd_p90_minutes:.0f} min"
        table.add_row(name, f"{one.true_alerts}/{one.alerts}", f"{one.detected}/{one.incidents}", late)
    return table


def _adjustments_table(page: Page, result: "Verification") -> Table:
    table = page.table(*_columns(page, "at", "change", "outcome", "hit_rate", "cost", "verdict"))
    for one in result.adjustments:
        table.add_row(*_adjustment(page, one))
    return table


def _adjustment(page: Page, one: "Adjustment") -> tuple[str, ...]:
    change, judged = one.change, one.judgement
    outcome = "" if judged is None else judged.outcome.value
    style = _STYLES.get(outcome, "dim")
    verdict = "–" if one.verdict is None else one.verdict.value
    if one.undone_at is not None:
        hours = (one.undone_at - one.at) / timedelta(hours=1)
        verdict += " " + page.plain("verify.undone_after", hours=hours)
    return (
        f"{one.at:%m-%d %H:%M}",
        f"{change.knob.value} {change.old} → {change.new} {change.unit}",
        f"[{style}]{page.plain(f'verify.outcome_{outcome}')}[/{style}]" if outcome else "–",
        "" if judged is None else f"{judged.without_it.hit_rate:.1%} → {judged.with_it.hit_rate:.1%}",
        "" if judged is None else f"${judged.without_it.cost_month_usd:.2f} → ${judged.with_it.cost_month_usd:.2f}",
        verdict,
    )


def _alert_params(alert: Alert, words: Catalogue) -> dict[str, Param]:
    closed = "…" if alert.closed_at is None else _instant(alert.closed_at)
    return {
        "opened": _instant(alert.opened_at),
        "closed": closed,
        "service": alert.service,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "reason": words.plain(alert.reason),
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _line(page: Page, code: str, **params: Param) -> None:
    page.line(page.plain(code, **params))
