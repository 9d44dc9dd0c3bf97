"""Output of `lumen ttl`, `size`, `cache` and `gate` for people; advice_json.py has the same for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.cli.advice_answers import Last, verdict_of
from bot.cli.report_text import Page
from lumen.model.answers import GIVEN, TtlReadout, is_stale
from lumen.model.messages import Message, NoData, Param
from lumen.model.proposal import Knob, Priority
from lumen.model.turn import Recommendation, Turn
from lumen.use_cases.advice import SizeReadout, TurnNow
from lumen.use_cases.approvals import NOT_PREDICTABLE, not_predictable
from lumen.wording.catalogue import Catalogue
from lumen.wording.incidents import alert_line
from lumen.wording.report import TurnReport, recommended_in_short, wrong_now
from lumen.wording.scores import score_message

_BY_URGENCY = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


class _Rows(Page):
    """Collects rows of a name and a value, then the reasons, and prints them."""

    def __init__(self, locale: str) -> None:
        super().__init__(Catalogue(locale))
        self._table = self.table()

    def say(self, code: str, **params: Param) -> str:
        """One text of `advice.toml`."""
        return self.words.plain(Message(f"advice.{code}", params))

    def row(self, name: str, value: str) -> None:
        """`name` is a code of `advice.toml`."""
        self.named_row(self.say(name), value)

    def named_row(self, name: str, value: str) -> None:
        """`name` as it is shown."""
        self._table.add_row(name, value)

    def missing(self, why: NoData) -> str:
        """The reason and the remedy."""
        return f"{self.words.plain(why.reason)} {self.words.plain(why.remedy)}"

    def show(self, title: str) -> None:
        """The title and the rows."""
        self.rule(title)
        self.console.print(self._table, highlight=False)

    def bullets(self, reasons: Sequence[Message]) -> None:
        """The reasons, a line each."""
        if reasons:
            self.console.print(self.say("reasons"))
        for reason in reasons:
            self.line(f"  • {self.words.plain(reason)}")


def print_ttl(answer: TtlReadout, locale: str) -> None:
    """Current and recommended TTL, step, strategy, what to expect, and why."""
    page = _Rows(locale)
    _head(page, answer.service.key, answer.measured_at, stale=answer.is_stale)
    if answer.current_seconds is not None:
        page.row("current", f"{answer.current_seconds} s")
    wanted = answer.recommendation
    if isinstance(wanted, NoData):
        page.row("wanted", page.missing(wanted))
    else:
        _move(page, wanted, f"{answer.current_seconds} s")
        page.row("expected_hit_rate", page.missing(NOT_PREDICTABLE))
    page.show("TTL")
    page.bullets((*_reasons(wanted), *answer.notes))


def print_size(answer: SizeReadout, locale: str) -> None:
    """Current and recommended size, the analysis with a word each, what it costs and saves, and why."""
    page = _Rows(locale)
    _head(page, answer.service.key, answer.measured_at, stale=answer.is_stale)
    of, advice, grades = answer.figures, answer.advice, answer.grades
    if isinstance(of, NoData) or isinstance(advice, NoData) or grades is None:
        why = of if isinstance(of, NoData) else advice
        page.row("wanted", page.missing(why) if isinstance(why, NoData) else "")
        page.show("cache")
        return
    page.row("current", f"{of.size_mb} MB")
    _move(page, advice.recommendation, f"{of.size_mb} MB")
    memory, evictions, hit_rate = (page.say(f"grade_{grade.value}") for grade in grades)
    used = page.say("memory_value", used_mb=of.used_mb, size_mb=of.size_mb, memory_ratio=of.memory_ratio)
    page.row("memory", f"{used} ({memory})")
    page.row("evictions", f"{page.say('per_hour', value=of.evictions_per_hour)} ({evictions})")
    page.row("hit_rate", f"{of.hit_rate:.1%} ({hit_rate})")
    if advice.recommendation.change is not None:
        page.row("added_cost", page.say("usd_a_month", value=advice.added_cost_usd))
        page.row("savings", page.say("up_to_usd", value=advice.savings_usd))
        page.row("roi", page.say("roi_of_ten", value=advice.roi))
    page.row("decision", advice.recommendation.strategy)
    page.show("cache")
    page.bullets(advice.recommendation.reasons)


def print_cache(found: TurnNow, now: datetime, locale: str, *, detailed: bool) -> None:
    """The cache in the last turn, and numbered advice. `detailed`: with the grade of each row, and reasons."""
    page, turn = _Rows(locale), found.turn
    for line in wrong_now(page.words, turn, found.worst(now), found.alerts):
        page.line(line)
    _head(page, turn.snapshot.service.key, turn.snapshot.window.end, stale=is_stale(turn, now))
    missing = {one.name: one.value for one in turn.assessment.cache.findings if isinstance(one.value, NoData)}
    for row in TurnReport(page.words, page.words.plain, turn).cache():
        shown = replace(row, value=_memory(page, turn) or row.value) if row.key == "memory_ratio" else row
        notes = (page.missing(missing[row.key]),) if row.key in missing else row.notes
        page.named_row(row.name, "\n".join((shown.told, *notes)) if detailed else shown.value)
    page.show("cache")
    page.console.print(page.say("recommendations"))
    for number, line in enumerate(_recommended(page, turn, found.size), 1):
        page.line(f"  {number}. {line}")


def _recommended(page: _Rows, turn: Turn, size: SizeReadout) -> Iterator[str]:
    """The more urgent first, each with what it would do; then whatever else would be proposed now."""
    advised = [(Knob.TTL, turn.ttl), (Knob.CACHE_SIZE, size.recommendation)]
    first = turn.first
    if not isinstance(first, NoData) and first.change is not None and first.change.knob not in dict(advised):
        advised.append((first.change.knob, first))
    for knob, wanted in sorted(advised, key=lambda one: _urgency(one[1])):
        told = recommended_in_short(page.words, page.words.plain, knob, wanted)
        yield " ".join([told, *_effect(page, wanted, size)])


def _effect(page: _Rows, wanted: Recommendation | NoData, size: SizeReadout) -> Iterator[str]:
    """The expected effect and the cost of a change; nothing for a hold."""
    if isinstance(wanted, NoData) or wanted.change is None:
        return
    yield page.words.plain(not_predictable(wanted.change.knob).reason)
    if wanted.change.knob is Knob.CACHE_SIZE and not isinstance(size.advice, NoData):
        yield f"{page.say('added_cost')}: {page.say('usd_a_month', value=size.advice.added_cost_usd)}."
        yield f"{page.say('savings')}: {page.say('up_to_usd', value=size.advice.savings_usd)}."


def _urgency(wanted: Recommendation | NoData) -> int:
    if isinstance(wanted, NoData):
        return len(_BY_URGENCY)
    return _BY_URGENCY.index(wanted.priority) if wanted.change is not None else len(_BY_URGENCY)


def _memory(page: _Rows, turn: Turn) -> str:
    """What is used of how much; "" where that is not known."""
    cache = turn.snapshot.cache
    if isinstance(cache, NoData) or isinstance(cache.memory_ratio, NoData):
        return ""
    assert not isinstance(cache.used_mb, NoData) and not isinstance(cache.max_mb, NoData)
    return page.say("memory_value", used_mb=cache.used_mb, size_mb=cache.max_mb, memory_ratio=cache.memory_ratio)


def print_gate(last: Last, locale: str) -> None:
    """The verdict on a service, what is wrong now, and the score of its last turn."""
    page = _Rows(locale)
    for each in last.found:
        turn, gate = each.turn, each.turn.assessment.gate
        score = page.words.plain(score_message(gate.score))
        page.line(f"{turn.snapshot.service.key}: {verdict_of(each, last.now).value}, {score}")
        for stored in each.alerts:
            page.line(f"  {alert_line(page.words.plain, stored)}")
        page.line(f"  {page.words.plain(gate.health_reason)}")
        if is_stale(turn, last.now):
            page.line(f"  {page.say('stale', measured_at=turn.snapshot.window.end.isoformat())}")


def _head(page: _Rows, service: str, measured_at: datetime | None, *, stale: bool) -> None:
    if service == GIVEN.key:
        page.line(page.say("given"), style="dim")
        return
    page.row("service", service)
    if measured_at is not None:
        said = page.say("stale" if stale else "at", measured_at=measured_at.isoformat())
        page.line(said, style="yellow" if stale else "dim")


def _move(page: _Rows, wanted: Recommendation, current: str) -> None:
    change = wanted.change
    if change is None:
        page.row("wanted", page.say("hold", value=current))
    else:
        page.row("wanted", f"{change.new} {change.unit}")
        page.row("step", f"{change.step:+d} {change.unit}")
    page.row("strategy", wanted.strategy)


def _reasons(wanted: Recommendation | NoData) -> tuple[Message, ...]:
    return () if isinstance(wanted, NoData) else wanted.reasons
