"""Whether a condition holds, minute by minute: thresholds that must be broken for a while, series that fell silent."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.google.monitoring import query
from sandbox.google.monitoring.alignment import Window
from sandbox.google.monitoring.filters import FilterError, parse
from sandbox.google.monitoring.series import MINUTE
from sandbox.google.monitoring.store import SeriesStore
from sandbox.google.monitoring.wire import aggregation_of

GREATER, LESS = 1, 3  # ComparisonType; the API supports only these two
_ACTIVE, _NO_OP = 2, 3  # EvaluationMissingData
# What clients write is judged so much later, since it is written a little after the time that it bears.
WRITTEN_DELAY_SECONDS = 60.0
_MEMORY_SECONDS = 24 * 3600.0  # a series that was silent for longer is forgotten, not missed

Group = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class GroupState:
    """One series of a condition. `broken_since`: the end of the first period that broke the threshold."""

    broken_since: float | None = None
    last_seen: float = 0.0
    value: float | None = None


@dataclass
class Condition:
    """A condition of a policy with what it remembers."""

    message: Any
    groups: dict[Group, GroupState] = field(default_factory=dict)

    def evaluate(self, store: SeriesStore, now: float) -> dict[Group, float | None]:
        """The series for which the condition holds now, each with its value (None for a silent one)."""
        if self.message.WhichOneof("condition") == "condition_absent":
            return self._absent(store, now)
        return self._threshold(store, now)

    def _found(self, store: SeriesStore, body: Any, now: float, seconds: float) -> list[query.Found]:
        """The series over the `seconds` before `now`. Nothing where nothing is known."""
        first, second = ([aggregation_of(a) for a in body.aggregations] + [query.Aggregation()] * 2)[:2]
        period = first.period if first.aligner else seconds
        wanted = parse(body.filter)
        try:
            return query.run(store, wanted, Window(now - max(seconds, period), now), first, second)
        except (query.UnknownMetric, query.BadQuery, FilterError):
            return []

    def _threshold(self, store: SeriesStore, now: float) -> dict[Group, float | None]:
        body = self.message.condition_threshold
        end = _newest(store, body.filter, now)
        period = max((aggregation_of(a).period for a in body.aggregations), default=0.0) or MINUTE
        seen = set()
        for found in self._found(store, body, end, period):
            value = found.points[0].value
            if not isinstance(value, int | float):
                continue
            group = _group(found)
            seen.add(group)
            state = self.groups.setdefault(group, GroupState())
            state.value, state.last_seen = float(value), end
            broken = value > body.threshold_value if body.comparison == GREATER else value < body.threshold_value
            if not broken:
                state.broken_since = None
            elif state.broken_since is None:
                state.broken_since = end
        self._missing(seen, body.evaluation_missing_data, end)
        lasts = body.duration.seconds
        return {
            group: state.value
            for group, state in self.groups.items()
            if state.broken_since is not None and end - state.broken_since >= lasts
        }

    def _missing(self, seen: set[Group], policy: int, end: float) -> None:
        for group in set(self.groups) - seen:
            state = self.groups[group]
            if policy == _ACTIVE:
                state.broken_since = state.broken_since or end
            elif policy != _NO_OP:
                state.broken_since = None
            if end - state.last_seen > _MEMORY_SECONDS:
                del self.groups[group]

    def _absent(self, store: SeriesStore, now: float) -> dict[Group, float | None]:
        body = self.message.condition_absent
        end = _newest(store, body.filter, now)
        lasts = float(body.duration.seconds)
        for found in self._found(store, body, end, lasts):
            self.groups.setdefault(_group(found), GroupState()).last_seen = found.points[0].end
        for group in [g for g, s in self.groups.items() if end - s.last_seen > _MEMORY_SECONDS]:
            del self.groups[group]
        return {group: None for group, state in self.groups.items() if end - state.last_seen >= lasts}


def _newest(store: SeriesStore, text: str, now: float) -> float:
    """The end of the newest whole minute that is complete for every metric of the filter."""
    wanted = parse(text)
    types = [t for t in store.types.values() if wanted.may_have_metric(t.name)]
    delay = max((WRITTEN_DELAY_SECONDS if t.custom else store.delays.usual for t in types), default=0.0)
    return (now - delay) // MINUTE * MINUTE


def _group(found: query.Found) -> Group:
    return (*sorted(found.labels.resource.items()), *sorted(found.labels.metric.items()))
