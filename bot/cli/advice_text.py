"""Output of `lumen ttl` and `size` for people; advice_json.py has the same for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.cli.page import Page
from lumen.model.answers import GIVEN, TtlReadout
from lumen.model.messages import Message, NoData, Param
from lumen.model.proposal import Expectation
from lumen.model.turn import Recommendation
from lumen.wording.catalogue import Catalogue, expected_params, expected_parts

if TYPE_CHECKING:
    from lumen.use_cases.advice import SizeReadout


class Rows(Page):
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
    page = Rows(locale)
    head(page, answer.service.key, answer.measured_at, stale=answer.is_stale)
    if answer.current_seconds is not None:
        page.row("current", f"{answer.current_seconds} s")
    wanted = answer.recommendation
    if isinstance(wanted, NoData):
        page.row("wanted", page.missing(wanted))
    else:
        _move(page, wanted, f"{answer.current_seconds} s")
        _expected(page, answer.expected)
    page.show("TTL")
    page.bullets((*_reasons(wanted), *answer.notes))


def _expected(page: Rows, expected: Expectation | NoData | None) -> None:
    """Hit rate and cost of a month with their intervals, or why they are not known; nothing for a hold."""
    if isinstance(expected, NoData):
        page.row("expected_hit_rate", page.missing(expected))
    elif expected is not None:
        params = expected_params(expected)
        for part in expected_parts(expected):
            page.row(f"expected_{part}", page.say(f"expected_{part}_value", **params))


def print_size(answer: "SizeReadout", locale: str) -> None:
    """Current and recommended size, the analysis with a word each, what it costs and saves, and why."""
    page = Rows(locale)
    head(page, answer.service.key, answer.measured_at, stale=answer.is_stale)
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
    _expected(page, answer.expected)
    if advice.recommendation.change is not None:
        page.row("added_cost", page.say("usd_a_month", value=advice.added_cost_usd))
        page.row("savings", page.say("up_to_usd", value=advice.savings_usd))
        page.row("roi", page.say("roi_of_ten", value=advice.roi))
    page.row("decision", advice.recommendation.strategy)
    page.show("cache")
    page.bullets(advice.recommendation.reasons)


def head(page: Rows, service: str, measured_at: datetime | None, *, stale: bool) -> None:
    """Of which service the rows are, and when they were measured; or that somebody gave the figures."""
    if service == GIVEN.key:
        page.line(page.say("given"), style="dim")
        return
    page.row("service", service)
    if measured_at is not None:
        said = page.say("stale" if stale else "at", measured_at=measured_at.isoformat())
        page.line(said, style="yellow" if stale else "dim")


def _move(page: Rows, wanted: Recommendation, current: str) -> None:
    change = wanted.change
    if change is None:
        page.row("wanted", page.say("hold", value=current))
    else:
        page.row("wanted", f"{change.new} {change.unit}")
        page.row("step", f"{change.step:+d} {change.unit}")
    page.row("strategy", wanted.strategy)


def _reasons(wanted: Recommendation | NoData) -> tuple[Message, ...]:
    return () if isinstance(wanted, NoData) else wanted.reasons
