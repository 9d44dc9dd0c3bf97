"""A turn described once: what a terminal, a file and Slack say of it, row by row; they only lay it out.

`say` is `words.say` for Slack, or `words.plain` for a terminal or a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lumen.model.answers import STALE_AFTER, Worst
from lumen.model.assessment import CacheFinding, CacheHealth, GateVerdict, Grade, Objective, RhythmState
from lumen.model.incident import StoredAlert
from lumen.model.messages import Message, NoData, message
from lumen.model.proposal import Knob
from lumen.model.snapshot import Snapshot, TtlSetting
from lumen.model.turn import Missing, Occasion, Recommendation, Turn, Worth
from lumen.wording.catalogue import Catalogue, Say, change_params, iso
from lumen.wording.incidents import alert_line
from lumen.wording.money import around, spent
from lumen.wording.scores import (
    HEALTH_SIGNS,
    VERDICT_SIGNS,
    budget_in_short,
    budget_lines,
    latency_source,
    move_lines,
    named,
    score_message,
    since_before,
    span,
    turn_found,
    worst_headline,
)

#: Beside the time of a turn that takes no slot.
EXTRA = message("views.report_extra")
GRADE_SIGNS: Mapping[Grade | None, str] = {Grade.GOOD: "✅", Grade.WATCH: "⚠️", Grade.BAD: "❌", None: "⚪"}
RHYTHM_SIGNS = {
    RhythmState.RESONANT: "✅",
    RhythmState.DISSONANT: "⚠️",
    RhythmState.CHAOTIC: "❌",
    RhythmState.UNKNOWN: "⚪",
}
CACHE_SIGNS = {
    CacheHealth.OPTIMAL: "🟢",
    CacheHealth.GOOD: "🟢",
    CacheHealth.DEGRADED: "🟡",
    CacheHealth.POOR: "🟡",
    CacheHealth.FAILED: "🔴",
    CacheHealth.NO_DATA: "⚪",
}


@dataclass(frozen=True, slots=True)
class Row:
    """`value` is the figure, `verdict` what it means in a word (may be empty) with `sign` as its emoji, and `notes`
    how it comes about, a sentence each."""

    key: str
    name: str
    value: str
    sign: str = ""
    verdict: str = ""
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Value and verdict on one line."""
        return " · ".join(one for one in (self.value, self.verdict) if one)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class TurnReport:
    """Speaks of one turn. `size`: what the cache should become; None where nobody asked."""

    words: Catalogue
    say: Say
    turn: Turn
    size: Recommendation | NoData | None = None

    def health(self) -> Row:
        """The headline: health, score and verdict, then why it is so and what moved it."""
        gate = self.turn.assessment.gate
        health = self._word("health", gate.health)
        notes = (self.say(gate.health_reason), *move_lines(self.words, self.say, self.turn, "gate"))
        score = self.words.plain(score_message(gate.score))
        return Row("health", health, score, HEALTH_SIGNS[gate.health], self._word("verdict", gate.verdict), notes)

    def warnings(self, now: datetime) -> Iterator[str]:
        """What nobody must overlook, outside of Slack: that it is old, a pin, low traffic, settings that drifted."""
        if now - self.turn.snapshot.window.end > STALE_AFTER:
            yield self._text("cli.stale", age=self._age(now))
        deployment = self.turn.snapshot.deployment
        if not isinstance(deployment, NoData) and deployment.pinned_revision is not None:
            yield self._text("cli.pinned", revision=deployment.pinned_revision)
        yield from self.cautions()

    def cautions(self) -> Iterator[str]:
        """Low traffic, and settings that drifted."""
        return (self.say(each) for each in (self.turn.low_traffic, *self.turn.drift) if each is not None)

    def measured(self, now: datetime) -> str:
        """From when to when, and how long ago."""
        window = self.turn.snapshot.window
        told = self._text("cli.measured", start_at=iso(window.start), end_at=iso(window.end), age=self._age(now))
        return f"{told} · {self.say(EXTRA)}" if self.turn.occasion is Occasion.ASKED else told

    def phases(self) -> tuple[Section, ...]:
        """The four phases of a report, and the error budgets among them."""
        titled = (
            ("cli.phase_1", self._returns()),
            ("cli.phase_2", self._objectives()),
            ("budget.title", self.budgets()),
            ("cli.phase_3", self._money()),
            ("cli.phase_4", (*self.cache(), *self._cache_advice())),
        )
        return tuple(Section(self._text(title), tuple(rows)) for title, rows in titled)

    def rows(self) -> Mapping[str, Row]:
        """Every row of the phases by its key."""
        return {row.key: row for phase in self.phases() for row in phase.rows}

    def budgets(self) -> Iterator[Row]:
        """One row an error budget; those that cannot be told stand together, a row for each reason."""
        budgets = self.turn.assessment.slo.budgets
        for known in (budget for budget in budgets if not isinstance(budget.remaining, NoData)):
            name = self._text(f"budget.name_{known.name}")
            notes = tuple(budget_lines(self.words, self.say, [known]))
            yield Row(f"budget_{known.name}", name, self.say(budget_in_short(known)), notes=notes)
        untold = [budget for budget in budgets if isinstance(budget.remaining, NoData)]
        for line in budget_lines(self.words, self.say, untold):
            yield Row("budget", "", line)

    def advice(self) -> Iterator[str]:
        """What to do now, why, and what holds it back."""
        wanted = self.turn.first
        if isinstance(wanted, NoData):
            yield self.lack(wanted)
            return
        yield self.say(recommended(self.words, wanted))
        yield from (f"• {self.say(reason)}" for reason in (*wanted.reasons, *self.turn.held_back))

    def worth(self, found: Sequence[Worth]) -> Iterator[str]:
        """What is worth doing and what it is worth."""
        for one in found:
            priority = self._word("priority", one.priority)
            what, impact = self.words.plain(one.what), self.words.plain(one.impact)
            yield self._text("priority.line", priority=priority, what=what, impact=impact)

    def missing(self) -> tuple[Row, ...]:
        """What could not be measured, and how to mend it; one dead server takes several figures, and is told once."""
        told: dict[str, Missing] = {}
        for lack in self.turn.missing:
            told.setdefault(self.lack(lack.why), lack)
        return tuple(Row(lack.what, self._word("source", lack.what), line) for line, lack in told.items())

    def lack(self, why: NoData) -> str:
        """The reason and the remedy."""
        return f"{self.say(why.reason)} {self.say(why.remedy)}"

    def _returns(self) -> Iterator[Row]:
        maturity, roi = self.turn.assessment.maturity, self.turn.assessment.roi
        score = self.words.plain(score_message(maturity.score))
        level = score if maturity.level is None else self._text("cli.level", level=maturity.level, score=score)
        yield self._judged("maturity", "views.field_maturity", level, maturity.verdict)
        notes = (self.say(roi.shown), *map(self.say, (roi.assumed,) if roi.assumed else ()), *self._since("roi"))
        yield self._judged("roi", "views.field_roi", self._figure("views.value_share", roi.roi), roi.verdict, notes)

    def _objectives(self) -> Iterator[Row]:
        slo = self.turn.assessment.slo
        for objective in slo.objectives:
            value = self._measured(objective)
            yield self._judged(
                objective.name, f"assess.name_{objective.name}", value, objective.verdict, (self.say(objective.shown),)
            )
        compliance = self.words.plain(score_message(slo.compliance))
        yield self._judged("slo_compliance", "assess.name_slo_compliance", compliance, slo.verdict)

    def _measured(self, objective: Objective) -> str:
        """The figure that the objective is about."""
        seen = self.turn.snapshot
        match objective.name:
            case "latency_p95":
                return self._figure("views.value_ms", _percentile_ms(seen, 0.95))
            case "latency_p99":
                return self._figure("views.value_ms", _percentile_ms(seen, 0.99))
            case "error_rate":
                return self._figure("views.value_share", _error_rate(seen))
            case _:
                return self._figure("views.value_share", objective.good_ratio)

    def _money(self) -> Iterator[Row]:
        rhythm = self.turn.assessment.rhythm
        notes = [self.say(rhythm.reason), *self._since("rhythm")]
        if rhythm.coherence is not None and rhythm.phase is not None and rhythm.entropy is not None:
            figures = {"coherence": rhythm.coherence, "phase": rhythm.phase, "entropy": rhythm.entropy}
            notes.append(self._text("cli.rhythm", **figures))
        state = self._word("rhythm", rhythm.state)
        yield Row("rhythm", self._text("views.field_rhythm"), state, RHYTHM_SIGNS[rhythm.state], "", tuple(notes))
        beside = tuple(self.say(each) for each in around(self.turn))
        yield Row("spend", self._text("views.field_spend"), self.say(spent(self.turn)), notes=beside)

    def cache(self) -> Iterator[Row]:
        """The figures of the cache, its health, and what is the matter with it."""
        found = self.turn.assessment.cache
        yield from (self._finding(finding) for finding in found.findings)
        source = latency_source(self.turn.snapshot.cache)
        sourced = () if source is None else (self.say(source),)
        notes = (self.say(found.health_reason), *self._since("cache"), *sourced)
        health = self._word("cache", found.health)
        yield Row("cache", self._text("views.field_cache"), health, CACHE_SIGNS[found.health], "", notes)
        action = self._word("action", found.action)
        yield Row("action", self._text("advice.action"), action, notes=(self.say(found.action_reason),))

    def _cache_advice(self) -> Iterator[Row]:
        yield self._wanted("ttl_advice", self.turn.ttl)
        if self.size is not None:
            yield self._wanted("size_advice", self.size)

    def _finding(self, finding: CacheFinding) -> Row:
        value, name = finding.value, named(self.words, finding.name)
        sign = GRADE_SIGNS[finding.grade]
        if isinstance(value, NoData):
            return Row(finding.name, name, self._text("word.no_data"), sign, notes=(self.say(value.reason),))
        shown = self._text(f"assess.value_{finding.name}", value=value)
        setting = self.turn.snapshot.ttl
        if finding.name == "ttl_seconds" and not isinstance(setting, NoData):
            shown = self.say(ttl_value(setting))
        verdict = "" if finding.grade is None else self._text(f"advice.grade_{finding.grade}")
        return Row(finding.name, name, shown, sign, verdict)

    def _wanted(self, key: str, wanted: Recommendation | NoData) -> Row:
        name = self._text(f"cli.{key}")
        if isinstance(wanted, NoData):
            return Row(key, name, self._text("word.no_data"), notes=(self.say(wanted.reason),))
        reasons = tuple(self.say(reason) for reason in wanted.reasons)
        if wanted.change is None:
            return Row(key, name, self._word("strategy", wanted.strategy), notes=reasons)
        return Row(key, name, self.say(recommended(self.words, wanted)), notes=reasons)

    def _judged(self, key: str, name: str, value: str, verdict: GateVerdict, notes: tuple[str, ...] = ()) -> Row:
        said = self._word("verdict", verdict)
        return Row(key, self._text(name), value, VERDICT_SIGNS[verdict], said if said != value else "", notes)

    def _since(self, what: str) -> tuple[str, ...]:
        return tuple(self.say(each) for each in since_before(self.words, self.turn, what))

    def _age(self, now: datetime) -> str:
        return self.words.plain(span(max(now - self.turn.snapshot.window.end, timedelta(0))))

    def _figure(self, code: str, value: float | NoData | None) -> str:
        if value is None or isinstance(value, NoData):
            return self._text("word.no_data")
        return self._text(code, value=value)

    def _word(self, kind: str, member: str) -> str:
        code = f"word.{kind}_{member}"
        return self._text(code) if self.words.has(code) else member.replace("_", " ").lower()

    def _text(self, code: str, /, **params: str | int | float) -> str:
        return self.say(Message(code, params))


def wrong_now(words: Catalogue, turn: Turn, worst: Worst, alerts: Iterable[StoredAlert]) -> Iterator[str]:
    """For the first lines outside of Slack: what is worse than the turn found, what it found then, open alerts."""
    if not worst.is_of_turn:
        yield words.plain(worst_headline(words, turn.snapshot.service, worst, turn))
    yield from (alert_line(words.plain, stored) for stored in alerts)
    if not worst.is_of_turn:
        yield words.plain(turn_found(words, turn))


def recommended(words: Catalogue, wanted: Recommendation) -> Message:
    """The recommendation in one line."""
    change, plain = wanted.change, words.plain
    if change is None:
        return message("views.recommended_hold")
    strategy = f"word.strategy_{wanted.strategy}"
    return message(
        "views.recommended",
        priority=plain(Message(f"word.priority_{wanted.priority}", {})),
        knob=change.knob.value,
        strategy=plain(Message(strategy, {})) if words.has(strategy) else wanted.strategy.replace("_", " ").lower(),
        **change_params(change),
    )


def recommended_in_short(words: Catalogue, say: Say, knob: Knob, wanted: Recommendation | NoData) -> str:
    """The recommendation for a knob with its first reason; or why there is none, and how to mend that."""
    name = words.plain(Message(f"word.knob_{knob}", {}))
    if isinstance(wanted, NoData):
        return f"{name}: {say(wanted.reason)} {say(wanted.remedy)}"
    told = " ".join(say(each) for each in (recommended(words, wanted), *wanted.reasons[:1]))
    return f"{name}: {told}" if wanted.change is None else told  # a change names its knob itself


def ttl_value(setting: TtlSetting) -> Message:
    """The TTL as it is set, and whether the service follows."""
    code = "ttl_default" if setting.is_default else "ttl" if setting.followed else "ttl_not_followed"
    return Message(f"views.value_{code}", {"ttl_seconds": setting.value_seconds})


def ttl_now(service: str, setting: TtlSetting) -> Message:
    """The same as a sentence."""
    code = "default" if setting.is_default else "now" if setting.followed else "not_followed"
    return Message(f"command.ttl_{code}", {"service": service, "ttl_seconds": setting.value_seconds})


def objective_lines(rows: Mapping[str, Row], objectives: Iterable[Objective]) -> Iterator[str]:
    """The sentence of each with its sign."""
    return (f"{row.sign} {row.notes[0]}" for row in (rows[objective.name] for objective in objectives))


def _percentile_ms(seen: Snapshot, share: float) -> float | None:
    traffic = seen.traffic
    if isinstance(traffic, NoData) or isinstance(traffic.latency, NoData) or traffic.latency.total == 0:
        return None
    return traffic.latency.percentile_ms(share)


def _error_rate(seen: Snapshot) -> float | None:
    traffic = seen.traffic
    if isinstance(traffic, NoData) or traffic.requests == 0:
        return None
    return traffic.errors_5xx / traffic.requests
