"""A turn as Markdown, for files and pipes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from lumen.model.messages import Message
from lumen.use_cases.advice import TurnNow
from lumen.wording.catalogue import Catalogue
from lumen.wording.report import TurnReport, wrong_now
from lumen.wording.scores import score_lines, scores_of, trend_lines


def markdown(
    words: Catalogue,
    found: Sequence[TurnNow],
    *,
    summary_only: bool = False,
    now: datetime | None = None,
) -> str:
    """One chapter a service; `summary_only`: health and score alone. `now`: to say of an old turn that it is old."""
    lines: list[str] = []
    for each in found:
        report = TurnReport(words, words.plain, each.turn, each.size.recommendation)
        lines += _head(report, each, now or each.turn.started_at)
        if not summary_only:
            lines += _phases(report)
            lines += _rest(report, each)
        lines.append("")
    if not found:
        lines += [words.plain(Message(code, {})) for code in ("turn.none_yet", "turn.none_yet_remedy")] + [""]
    return "\n".join(lines)


def _head(report: TurnReport, found: TurnNow, now: datetime) -> Iterator[str]:
    health, worst = report.health(), found.worst(now)
    yield f"# {report.turn.snapshot.service.key}"
    wrong = wrong_now(report.words, report.turn, worst, found.alerts)
    told = (f"**{health.name}** · {health.told}",) if worst.is_of_turn else ()
    for paragraph in (*told, *wrong, *health.notes, *report.warnings(now), report.measured(now)):
        yield from ("", paragraph)


def _phases(report: TurnReport) -> Iterator[str]:
    for phase in report.phases():
        yield from ("", f"## {phase.title}", "")
        for row in phase.rows:
            yield f"- {row.name}: {row.told}" if row.name else f"- {row.told}"
            yield from (f"  - {note}" for note in row.notes)


def _rest(report: TurnReport, found: TurnNow) -> Iterator[str]:
    words, turn = report.words, found.turn
    yield from _titled(words, "priority.title")
    yield from (f"{number}. {one}" for number, one in enumerate(report.worth(found.worth_doing), 1))
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
