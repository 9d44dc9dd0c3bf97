"""Output of `lumen cache` and `gate` for people; advice_json.py has the same for programs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot.cli.advice_answers import Last, verdict_of
from bot.cli.advice_text import Rows, head
from lumen.model.answers import is_stale
from lumen.model.forecast import expectation_of
from lumen.model.messages import Message, NoData
from lumen.model.proposal import Knob, Priority
from lumen.model.turn import Recommendation, Turn
from lumen.use_cases.advice import SizeReadout, TurnNow
from lumen.wording.catalogue import expected_params
from lumen.wording.incidents import alert_line
from lumen.wording.report import TurnReport, recommended_in_short, wrong_now
from lumen.wording.scores import score_message

_BY_URGENCY = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


def print_cache(found: TurnNow, now: datetime, locale: str, *, detailed: bool) -> None:
    """The cache in the last turn, and numbered advice. `detailed`: with the grade of each row, and reasons."""
    page, turn = Rows(locale), found.turn
    for line in wrong_now(page.words, turn, found.worst(now), found.alerts):
        page.line(line)
    head(page, turn.snapshot.service.key, turn.snapshot.window.end, stale=is_stale(turn, now))
    missing = {one.name: one.value for one in turn.assessment.cache.findings if isinstance(one.value, NoData)}
    for row in TurnReport(page.words, page.words.plain, turn).cache():
        shown = replace(row, value=_memory(page, turn) or row.value) if row.key == "memory_ratio" else row
        notes = (page.missing(missing[row.key]),) if row.key in missing else row.notes
        page.named_row(row.name, "\n".join((shown.told, *notes)) if detailed else shown.value)
    page.show("cache")
    page.console.print(page.say("recommendations"))
    for number, line in enumerate(_recommended(page, turn, found.size), 1):
        page.line(f"  {number}. {line}")


def _recommended(page: Rows, turn: Turn, size: SizeReadout) -> Iterator[str]:
    """The more urgent first, each with what it would do; then whatever else would be proposed now."""
    advised = [(Knob.TTL, turn.ttl), (Knob.CACHE_SIZE, size.recommendation)]
    first = turn.first
    if not isinstance(first, NoData) and first.change is not None and first.change.knob not in dict(advised):
        advised.append((first.change.knob, first))
    for knob, wanted in sorted(advised, key=lambda one: _urgency(one[1])):
        told = recommended_in_short(page.words, page.words.plain, knob, wanted)
        yield " ".join([told, *_effect(page, turn, wanted, size)])


def _effect(page: Rows, turn: Turn, wanted: Recommendation | NoData, size: SizeReadout) -> Iterator[str]:
    """The expected effect and the cost of a change; nothing for a hold."""
    if isinstance(wanted, NoData) or wanted.change is None:
        return
    expected = expectation_of(turn.forecast, wanted.change)
    if isinstance(expected, NoData):
        yield page.words.plain(expected.reason)
    else:
        yield f"{page.say('expected')}: {page.words.plain(Message('views.expected_short', expected_params(expected)))}."
    if wanted.change.knob is Knob.CACHE_SIZE and not isinstance(size.advice, NoData):
        yield f"{page.say('added_cost')}: {page.say('usd_a_month', value=size.advice.added_cost_usd)}."
        yield f"{page.say('savings')}: {page.say('up_to_usd', value=size.advice.savings_usd)}."


def _urgency(wanted: Recommendation | NoData) -> int:
    if isinstance(wanted, NoData):
        return len(_BY_URGENCY)
    return _BY_URGENCY.index(wanted.priority) if wanted.change is not None else len(_BY_URGENCY)


def _memory(page: Rows, turn: Turn) -> str:
    """The memory in use and its limit; "" where that is not known."""
    cache = turn.snapshot.cache
    if isinstance(cache, NoData) or isinstance(cache.memory_ratio, NoData):
        return ""
    assert not isinstance(cache.used_mb, NoData) and not isinstance(cache.max_mb, NoData)
    return page.say("memory_value", used_mb=cache.used_mb, size_mb=cache.max_mb, memory_ratio=cache.memory_ratio)


def print_gate(last: Last, locale: str) -> None:
    """The verdict on a service, what is wrong now, and the score of its last turn."""
    page = Rows(locale)
    for each in last.found:
        turn, gate = each.turn, each.turn.assessment.gate
        score = page.words.plain(score_message(gate.score))
        page.line(f"{turn.snapshot.service.key}: {verdict_of(each, last.now).value}, {score}")
        for stored in each.alerts:
            page.line(f"  {alert_line(page.words.plain, stored)}")
        page.line(f"  {page.words.plain(gate.health_reason)}")
        if is_stale(turn, last.now):
            page.line(f"  {page.say('stale', measured_at=turn.snapshot.window.end.isoformat())}")
