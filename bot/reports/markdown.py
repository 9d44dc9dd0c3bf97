"""A turn as Markdown: the phases of the report, for files and pipes."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lumen.model.answers import STALE_AFTER
from lumen.model.assessment import CacheFinding
from lumen.model.messages import Message, NoData, message
from lumen.model.turn import Recommendation, Turn
from lumen.policies.priorities import priorities
from lumen.policies.size import SizeAdvice, SizeLimits, recommend_size
from lumen.wording.catalogue import Catalogue
from lumen.wording.money import beside
from lumen.wording.scores import (
    budget_lines,
    latency_source,
    move_line,
    move_of,
    score_lines,
    score_message,
    scores_of,
    since_before,
    span,
    trend_lines,
)


def markdown(
    words: Catalogue,
    turns: Sequence[Turn],
    limits: SizeLimits,
    *,
    summary_only: bool = False,
    now: datetime | None = None,
) -> str:
    """One chapter a service; `summary_only`: health and score alone. `now`: to say of an old turn that it is old."""
    lines: list[str] = []
    for turn in turns:
        size = recommend_size(turn.snapshot, limits)
        lines += _head(words, turn, now or turn.started_at)
        if not summary_only:
            lines += _phases(words, turn, size)
            lines += _rest(words, turn, size)
        lines.append("")
    if not turns:
        lines += [words.plain(message("turn.none_yet")), words.plain(message("turn.none_yet_remedy")), ""]
    return "\n".join(lines)


def _head(words: Catalogue, turn: Turn, now: datetime) -> Iterator[str]:
    gate, window = turn.assessment.gate, turn.snapshot.window
    health = words.plain(Message(f"word.health_{gate.health}", {}))
    yield f"# {turn.snapshot.service.key}"
    yield ""
    yield f"**{health}** · {words.plain(score_message(gate.score))} · {gate.verdict.value}"
    yield ""
    yield words.plain(gate.health_reason)
    start_at, end_at = window.start.isoformat(), window.end.isoformat()
    move = move_of(turn, "gate")
    moved = move_line(words, words.plain, move) if move is not None else None
    notes = [words.plain(message("cli.window", start_at=start_at, end_at=end_at)), moved]
    age = now - window.end
    if age > STALE_AFTER:
        notes.insert(0, words.plain(message("cli.stale", age=words.plain(span(age)))))
    notes += [words.plain(each) for each in (turn.low_traffic, *turn.drift) if each is not None]
    for note in notes:
        if note:
            yield ""
            yield note


def _phases(words: Catalogue, turn: Turn, size: SizeAdvice | NoData) -> Iterator[str]:
    found = turn.assessment
    yield from _titled(words, "phase_1")
    score = words.plain(score_message(found.maturity.score))
    level = found.maturity.level
    score = score if level is None else words.plain(message("cli.level", level=level, score=score))
    yield f"- {_name(words, 'maturity')}: {score} · {found.maturity.verdict}"
    yield f"- {_name(words, 'roi')}: {words.plain(found.roi.shown)} · {found.roi.verdict}"
    yield from _since(words, turn, "roi")
    yield from _titled(words, "phase_2")
    for objective in found.slo.objectives:
        yield f"- {_name(words, objective.name)}: {words.plain(objective.shown)} · {objective.verdict}"
    compliance = words.plain(score_message(found.slo.compliance))
    yield f"- {_name(words, 'slo_compliance')}: {compliance} · {found.slo.verdict}"
    yield from (f"- {line}" for line in budget_lines(words, words.plain, found.slo.budgets))
    yield from _titled(words, "phase_3")
    yield f"- {words.plain(Message(f'word.rhythm_{found.rhythm.state}', {}))}: {words.plain(found.rhythm.reason)}"
    yield from _since(words, turn, "rhythm")
    yield from _rhythm(words, turn)
    yield from _titled(words, "phase_4")
    yield f"- {words.plain(Message(f'word.cache_{found.cache.health}', {}))}: {words.plain(found.cache.health_reason)}"
    yield from _since(words, turn, "cache")
    yield from (f"- {_finding(words, finding)}" for finding in found.cache.findings)
    source = latency_source(turn.snapshot.cache)
    if source is not None:
        yield f"- {words.plain(source)}"
    yield f"- {found.cache.action.value}: {words.plain(found.cache.action_reason)}"
    yield f"- {words.plain(message('cli.ttl_advice'))}: {_advised(words, turn.ttl)}"
    sized = size if isinstance(size, NoData) else size.recommendation
    yield f"- {words.plain(message('cli.size_advice'))}: {_advised(words, sized)}"


def _since(words: Catalogue, turn: Turn, what: str) -> Iterator[str]:
    return (f"  - {words.plain(each)}" for each in since_before(words, turn, what))


def _rhythm(words: Catalogue, turn: Turn) -> Iterator[str]:
    rhythm = turn.assessment.rhythm
    if rhythm.coherence is not None and rhythm.phase is not None and rhythm.entropy is not None:
        figures = {"coherence": rhythm.coherence, "phase": rhythm.phase, "entropy": rhythm.entropy}
        yield f"- {words.plain(Message('markdown.rhythm', figures))}"
    share, spend = rhythm.budget_share, turn.snapshot.spend
    budget = message("markdown.no_budget") if share is None else message("markdown.budget", share=share)
    for line in (budget, *beside(spend)):
        yield f"- {words.plain(line)}"
    if rhythm.forecast_usd is not None:
        yield f"- {words.plain(message('markdown.forecast', forecast_usd=rhythm.forecast_usd))}"


def _finding(words: Catalogue, finding: CacheFinding) -> str:
    if isinstance(finding.value, NoData):
        return f"{_name(words, finding.name)}: {words.plain(finding.value.reason)}"
    shown = words.plain(Message(f"assess.finding_{finding.name}", {"value": finding.value}))
    return shown if finding.grade is None else f"{shown} ({finding.grade.value})"


def _advised(words: Catalogue, wanted: Recommendation | NoData) -> str:
    if isinstance(wanted, NoData):
        return words.plain(wanted.reason)
    change = wanted.change
    move = wanted.strategy if change is None else f"{change.old} → {change.new} {change.unit} · {wanted.strategy}"
    return " · ".join([move, *(words.plain(reason) for reason in wanted.reasons[:1])])


def _rest(words: Catalogue, turn: Turn, size: SizeAdvice | NoData) -> Iterator[str]:
    yield from _titled(words, "what_to_do")
    wanted = turn.first
    if isinstance(wanted, NoData):
        yield f"- {words.plain(wanted.reason)} {words.plain(wanted.remedy)}"
    else:
        change = wanted.change
        move = words.plain(message("views.recommended_hold"))
        if change is not None:
            knob = words.plain(Message(f"word.knob_{change.knob}", {}))
            move = f"{knob} {change.old} → {change.new} {change.unit}".rstrip()
        yield f"- [{wanted.priority.value}] {move}"
        yield from (f"  - {words.plain(reason)}" for reason in (*wanted.reasons, *turn.held_back))
    yield from _titled(words, "priorities")
    for number, worth in enumerate(priorities(turn, None if isinstance(size, NoData) else size), 1):
        what, impact = words.plain(worth.what), words.plain(worth.impact)
        told = message("priority.line", priority=worth.priority.value, what=what, impact=impact)
        yield f"{number}. {words.plain(told)}"
    yield from _titled(words, "why")
    for name, score in scores_of(turn):
        yield f"### {words.plain(Message(f'why.{name}', {}))}"
        yield ""
        for line in score_lines(words, words.plain, turn, name, score):
            yield f"- {line.removeprefix('• ')}"
        yield ""
    yield f"### {words.plain(message('trend.title'))}"
    yield ""
    yield from (f"- {line}" for line in trend_lines(words, words.plain, turn.trends))
    if turn.missing:
        yield from _titled(words, "missing")
        for lack in turn.missing:
            yield f"- {words.plain(lack.why.reason)} {words.plain(lack.why.remedy)}"


def _titled(words: Catalogue, name: str) -> Iterator[str]:
    yield from ("", f"## {words.plain(Message(f'markdown.{name}', {}))}", "")


def _name(words: Catalogue, name: str) -> str:
    return words.plain(Message(f"assess.name_{name}", {}))
