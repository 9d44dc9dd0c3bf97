"""The week that is drawn: the hours of the stored slices, the gate of the turns, the changes that were applied."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lumen.effects.disturbance import CHANGED_SOMETHING
from lumen.effects.hours import HOUR, Hours
from lumen.effects.trends import READERS, WEEK
from lumen.model.nodata import NoData
from lumen.model.proposal import Proposal, State
from lumen.model.turn import Turn
from lumen.model.week import HOURS_A_WEEK, Curve, Mark, Week

#: Of the slices; the gate comes first.
MEASURES = ("hit_rate", "p95_ms", "cost_usd_per_day")
APPLIED = CHANGED_SOMETHING - {State.FAILED}


def week_before(
    end: datetime, zone: ZoneInfo, hours: Hours, turns: Sequence[Turn], proposals: Sequence[Proposal]
) -> Week:
    """The seven days before `end`, aligned down to the hour; `hours` of the slices, `turns` newest first."""
    last = end.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = last - WEEK
    curves = [_gate(start, turns)]
    curves += [Curve(name, tuple(READERS[name](hour) for hour in hours.between(start, last))) for name in MEASURES]
    changes = [
        Mark(one.finished_at, one.draft.change, one.state)
        for one in proposals
        if one.state in APPLIED and one.finished_at is not None and start <= one.finished_at < last
    ]
    return Week(start.astimezone(zone), tuple(curves), tuple(sorted(changes, key=lambda mark: mark.at)))


def _gate(start: datetime, turns: Sequence[Turn]) -> Curve:
    """By the hour that was measured; of several turns in it the newest one holds."""
    values: list[float | None] = [None] * HOURS_A_WEEK
    most: dict[int, float] = {}
    for turn in reversed(turns):
        hour = (turn.snapshot.window.end - timedelta(microseconds=1) - start) // HOUR
        score = turn.assessment.gate.score
        if not 0 <= hour < HOURS_A_WEEK or isinstance(score.value, NoData):
            continue
        values[hour] = score.value
        most.pop(hour, None)
        if not score.is_whole:
            most[hour] = score.most
    return Curve("gate", tuple(values), tuple(sorted(most.items())))
