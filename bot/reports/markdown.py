"""A turn as Markdown, for files and pipes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from lumen.model.messages import Message, NoData
from lumen.model.turn import Turn
from lumen.policies.priorities import priorities
from lumen.policies.size import SizeAdvice, SizeLimits, recommend_size
from lumen.wording.catalogue import Catalogue
from lumen.wording.report import TurnReport
from lumen.wording.scores import score_lines, scores_of, trend_lines


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
        sized = size if isinstance(size, NoData) else size.recommendation
        report = TurnReport(words, words.plain, turn, sized)
        lines += _head(report, now or turn.started_at)
        if not summary_only:
            lines += _phases(report)
            lines += _rest(report, size)
        lines.append("")
    if not turns:
        lines += [words.plain(Message(code, {})) for code in ("turn.none_yet", "turn.none_yet_remedy")] + [""]
    return "\n".join(lines)


def _head(report: TurnReport, now: datetime) -> Iterator[str]:
    health = report.health()
    yield f"# {report.turn.snapshot.service.key}"
    for paragraph in (f"**{health.name}** · {health.told}", *health.notes, *report.warnings(now), report.measured(now)):
        yield from ("", paragraph)


def _phases(report: TurnReport) -> Iterator[str]:
    for phase in report.phases():
        yield from ("", f"## {phase.title}", "")
        for row in phase.rows:
            yield f"- {row.name}: {row.told}" if row.name else f"- {row.told}"
            yield from (f"  - {note}" for note in row.notes)


def _rest(report: TurnReport, size: SizeAdvice | NoData) -> Iterator[str]:
    words, turn = report.words, report.turn
    yield from _titled(words, "priority.title")
    worth = report.worth(priorities(turn, None if isinstance(size, NoData) else size))
    yield from (f"{number}. {one}" for number, one in enumerate(worth, 1))
    yield from _titled(words, "cli.what_to_do")
    yield from _bulleted(report.advice())
    yield from _titled(words, "cli.why")
    for name, score in scores_of(turn):
        yield from _titled(words, f"why.{name}", "###")
        yield from _bulleted(score_lines(words, words.plain, turn, name, score))
    yield from _titled(words, "trend.title")
    yield from _bulleted(trend_lines(words, words.plain, turn.trends))
    if turn.missing:
        yield from _titled(words, "cli.missing")
        yield from (f"- {lack.name}: {lack.value}" for lack in report.missing())


def _bulleted(lines: Iterable[str]) -> Iterator[str]:
    return (f"- {line.removeprefix('• ')}" for line in lines)


def _titled(words: Catalogue, code: str, level: str = "##") -> Iterator[str]:
    yield from ("", f"{level} {words.plain(Message(code, {}))}", "")
