"""The edges of the feedback graph from what is stored: verdicts on changes, the replay, and arithmetic on days.

Effects of changes of different sizes are combined for a unit of change: of what is multiplied (a TTL, a size) the
logarithm of new against old, of what is counted (instances) the difference (docs/methods.md, The feedback graph).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

from lumen.effects.experiment import MEASURED_KNOBS
from lumen.effects.hold_back import ALPHA_BY_LOOK
from lumen.effects.pooled import Pooled, Slope, pooled
from lumen.effects.verdict import HIT_RATE_POINTS
from lumen.model.feedback import HIT_RATE, LEAST_CHANGES, LEAST_DAYS, STEPS, By, Edge, Feedback, Level, listed
from lumen.model.forecast import Forecast
from lumen.model.history import LEAST_SLICES_SHARE, SLICES_A_DAY, Day
from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.proposal import Change, Expectation, Knob, MeasuredEffect, Origin, Proposal
from lumen.model.snapshot import Snapshot

#: How far each knob is turned where nobody asks of another change; as the strategies and commands turn it.
TURNED = {Knob.TTL: 120, Knob.CACHE_SIZE: 128, Knob.MEMORY: 256, Knob.L1_ENTRIES: 1000, Knob.MIN_INSTANCES: 1}
UNITS = {Knob.TTL: "s", Knob.CACHE_SIZE: "MB", Knob.MEMORY: "MB", Knob.L1_ENTRIES: "", Knob.MIN_INSTANCES: ""}
#: No effect is known better than this (shares of lookups; logarithms of anything else).
LEAST_ERROR = {HIT_RATE: 0.0003}
USUAL_LEAST_ERROR = 0.001
#: Of a look whose interval's level nobody knows any more.
USUAL_ALPHA = 0.05
#: Nothing grows a millionfold by what was measured (a logarithm).
MOST_LOGS = math.log(1e6)
#: Of a change that turns a knob further than so many times the largest one that was measured nothing is said.
FURTHEST = 2.0
A_DAY = timedelta(days=1)
#: Whole days are looked for among these.
DAYS_BACK = 14 * A_DAY
NOTHING = Feedback((), ())


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is stored of a service: `proposals` in any order; `level` and `forecast`, or why there is none."""

    proposals: Sequence[Proposal]
    forecast: Forecast | NoData
    level: Level | NoData

    @property
    def known_level(self) -> Level | None:
        """None where too little is known."""
        return None if isinstance(self.level, NoData) else self.level


def level_of(days: Sequence[Day], today: date, call_usd: float) -> Level | NoData:
    """Over the newest seven whole days before `today` of which enough is known."""
    known = [
        day
        for day in days
        if today - DAYS_BACK <= day.date < today and day.lookup_slices >= LEAST_SLICES_SHARE * SLICES_A_DAY
    ][-LEAST_DAYS:]
    if len(known) < LEAST_DAYS:
        return NoData(*with_remedy("graph.few_days", days=len(known), least=LEAST_DAYS))
    lookups = sum(day.hits + day.misses for day in known)
    if not lookups:
        return NoData(*with_remedy("graph.no_lookups", days=len(known)))
    at_that_pace = sum((day.hits + day.misses) * SLICES_A_DAY / day.lookup_slices for day in known)
    price = call_usd if math.isfinite(call_usd) and call_usd > 0 else 0.0
    return Level(sum(day.hits for day in known) / lookups, at_that_pace / len(known), len(known), price)


def usual_changes(snapshot: Snapshot | None, proposals: Sequence[Proposal]) -> Mapping[Knob, Change]:
    """A usual step of each knob whose value is known: as measured, else as the newest change left it."""
    found: dict[Knob, Change] = {}
    for knob, step in TURNED.items():
        now = _measured_value(knob, snapshot)
        now = _last_value(knob, proposals) if now is None else now
        if now is not None:
            found[knob] = Change(knob, now, now + step, UNITS[knob])
    return found


def _measured_value(knob: Knob, snapshot: Snapshot | None) -> int | None:
    if snapshot is None:
        return None
    ttl, cache, deployment = snapshot.ttl, snapshot.cache, snapshot.deployment
    known: dict[Knob, float | NoData] = {}
    if not isinstance(ttl, NoData):
        known[Knob.TTL] = ttl.value_seconds
    if not isinstance(cache, NoData):
        known[Knob.CACHE_SIZE] = cache.max_mb
    if not isinstance(deployment, NoData):
        known |= {Knob.MEMORY: deployment.memory_mb, Knob.MIN_INSTANCES: deployment.min_instances}
    value = known.get(knob)
    return None if value is None or isinstance(value, NoData) or not math.isfinite(value) else round(value)


def _last_value(knob: Knob, proposals: Sequence[Proposal]) -> int | None:
    made = [one for one in proposals if one.draft.change.knob is knob and one.can_be_undone and one.finished_at]
    newest = max(made, key=lambda one: one.finished_at or one.created_at, default=None)
    value = None if newest is None else newest.draft.change.new
    return value if isinstance(value, int) else None


def feedback(evidence: Evidence, changes: Mapping[Knob, Change], beside: Feedback = NOTHING) -> Feedback:
    """The graph for these changes; `beside`: what goes together by the hours (together.py)."""
    edges: list[Edge] = []
    lacking: list[Message] = []
    few: dict[int, list[Message]] = {}
    for knob in TURNED:
        measured = [one for one in evidence.proposals if _is_measured(one, knob)]
        of_knob, without = _of_knob(knob, changes.get(knob), measured, evidence)
        edges += of_knob
        lacking += without
        true = sum(map(is_controlled, measured))
        if true < LEAST_CHANGES:
            few.setdefault(true, []).append(message("graph.node_knob", knob=knob.value))
    for count, knobs in sorted(few.items(), reverse=True):
        lacking.append(message("graph.few_changes", knobs=listed(knobs), count=count, least=LEAST_CHANGES))
    if isinstance(evidence.level, NoData):
        lacking.append(evidence.level.reason)
    else:
        edges += _identities(evidence.level)
        lacking += [] if evidence.level.call_usd else [message("graph.no_price")]
    return Feedback((*edges, *beside.edges), (*lacking, *beside.lacking), evidence.known_level)


def _identities(level: Level) -> tuple[Edge, ...]:
    step = STEPS[HIT_RATE]
    return level.after(Edge("", HIT_RATE, By.IDENTITY, step, step, step, step, level.days))


def _of_knob(
    knob: Knob, change: Change | None, measured: Sequence[Proposal], evidence: Evidence
) -> tuple[list[Edge], list[Message]]:
    """Its edges, for `change` (None: nobody knows where it stands), and what else than changes is lacking."""
    true = [one for one in measured if is_controlled(one)]
    others = [one for one in measured if not is_controlled(one)]
    replay = _by_replay(change, evidence.forecast) if knob is Knob.TTL else None
    edges: list[Edge] = []
    if change is not None:
        edges += _pooled(change, true, By.VERDICTS, evidence)
        edges += [replay] if isinstance(replay, Edge) else []
        edges += _pooled(change, others, By.COINCIDES, evidence)
    is_drawn = any(one.by is By.VERDICTS for one in edges)
    lacking = [] if is_drawn or len(true) < LEAST_CHANGES else [_lacks(knob, true)]
    return edges, [*lacking, *([replay] if isinstance(replay, Message) else [])]


def _is_measured(proposal: Proposal, knob: Knob) -> bool:
    """Whether a last look told of its effects; what nobody could measure, and what takes another back, is left out."""
    draft, measured = proposal.draft, proposal.measured
    is_of_it = draft.change.knob is knob and draft.origin is not Origin.UNDO and knob in MEASURED_KNOBS
    return is_of_it and measured is not None and measured.verdict is not None and bool(measured.effects)


def is_controlled(proposal: Proposal) -> bool:
    """Whether keys that kept the old value tell the effect; what else was measured only coincides with the change."""
    return proposal.measured is not None and proposal.measured.controlled


def _lacks(knob: Knob, measured: Sequence[Proposal]) -> Message:
    """The reason why enough changes still give no edge."""
    if _days(measured) < LEAST_DAYS:
        return message("graph.short", knob=knob.value, days=int(_days(measured)), least=LEAST_DAYS)
    return message("graph.unusable", knob=knob.value, count=len(measured))


def _days(measured: Sequence[Proposal]) -> float:
    """From the first of these changes to the last look at one."""
    since = min((one.finished_at or one.created_at for one in measured), default=None)
    until = max((one.measured.at for one in measured if one.measured), default=None)
    return 0.0 if since is None or until is None else (until - since) / A_DAY


def _pooled(change: Change, measured: Sequence[Proposal], by: By, evidence: Evidence) -> list[Edge]:
    units = units_of(change)
    if units is None or len(measured) < LEAST_CHANGES or _days(measured) < LEAST_DAYS:
        return []
    if abs(units) > FURTHEST * max(abs(units_of(one.draft.change) or 0.0) for one in measured):
        return []
    edges = []
    metrics = dict.fromkeys(moved_by(effect) for one in measured if one.measured for effect in one.measured.effects)
    for metric in metrics:
        slopes = [slope for one in measured if (slope := slope_of(one, metric, evidence.known_level)) is not None]
        found = pooled(slopes) if len(slopes) >= LEAST_CHANGES else None
        ends = None if found is None else _ends(metric, found, units, evidence.known_level)
        edge = None if ends is None else _edge(change, metric, by, ends, len(slopes))
        edges += [] if edge is None else [edge]
    return edges


def units_of(change: Change) -> float | None:
    """By how many units a change turns its knob; None where that is no number, or nothing."""
    old, new = change.old, change.new
    if not isinstance(old, int) or not isinstance(new, int):
        return None
    if change.knob is Knob.MIN_INSTANCES:
        return float(new - old) or None
    return math.log(new / old) or None if old > 0 and new > 0 else None


def slope_of(proposal: Proposal, metric: str, level: Level | None) -> Slope | None:
    """Its effect on `metric` for a unit of change; None where it was not measured, or that cannot be said."""
    measured, units = proposal.measured, units_of(proposal.draft.change)
    effect = next((one for one in measured.effects if moved_by(one) == metric), None) if measured else None
    if measured is None or effect is None or units is None:
        return None
    expected = proposal.draft.expected
    before = expected.hit_rate if isinstance(expected, Expectation) else level.hit_rate if level else None
    moved = _moved(effect, before)
    if moved is None:
        return None
    middle, low, high = moved
    reach = NormalDist().inv_cdf(1 - ALPHA_BY_LOOK.get(measured.look_hours, USUAL_ALPHA) / 2)
    error = max((high - low) / 2 / reach, LEAST_ERROR.get(metric, USUAL_LEAST_ERROR))
    return Slope(middle / units, error / abs(units))


def moved_by(effect: MeasuredEffect) -> str:
    """The metric that it is an effect on, however it is told."""
    return HIT_RATE if effect.metric == HIT_RATE_POINTS else effect.metric


def _moved(effect: MeasuredEffect, before: float | None) -> tuple[float, float, float] | None:
    """Middle, low and high, as differences that add up: shares of lookups for a hit rate, else logarithms."""
    ends = effect.effect, effect.low, effect.high
    if not all(math.isfinite(one) and one > -1 for one in ends) or not effect.low <= effect.effect <= effect.high:
        return None
    if effect.metric == HIT_RATE_POINTS:
        return ends
    if effect.metric == HIT_RATE:
        return None if before is None else (before * ends[0], before * ends[1], before * ends[2])
    return math.log1p(ends[0]), math.log1p(ends[1]), math.log1p(ends[2])


def _ends(metric: str, found: Pooled, units: float, level: Level | None) -> tuple[float, ...] | None:
    """The effect of so many units, its interval, and that of the next change; None where nothing is so large."""
    middle, half = found.value * units, found.next_half * abs(units)
    ends = middle, *sorted((found.low * units, found.high * units)), middle - half, middle + half
    if metric == HIT_RATE:
        lowest, highest = (-1.0, 1.0) if level is None else (-level.hit_rate, 1 - level.hit_rate)
        return tuple(min(max(one, lowest), highest) for one in ends)
    return tuple(map(math.expm1, ends)) if max(map(abs, ends)) < MOST_LOGS else None


def _edge(change: Change, metric: str, by: By, ends: tuple[float, ...], count: int) -> Edge:
    effect, low, high, next_low, next_high = ends
    step, unit = change.step or 0, change.unit
    return Edge(change.knob, metric, by, step, effect, low, high, count, unit, next_low, next_high)


def _by_replay(change: Change | None, forecast: Forecast | NoData) -> Edge | Message | None:
    """The edge; or what it lacks; None where the replay is silent of this change alone."""
    if isinstance(forecast, NoData):
        return forecast.reason
    if forecast.days < LEAST_DAYS:
        return message("graph.replay_short", days=forecast.days, least=LEAST_DAYS)
    found = None if change is None else forecast.expectation(change)
    if change is None or change.step is None or found is None or isinstance(found, NoData):
        return None
    low, middle, high = found.hit_rate_change
    return Edge(Knob.TTL, HIT_RATE, By.REPLAY, change.step, middle, low, high, forecast.days, change.unit)
