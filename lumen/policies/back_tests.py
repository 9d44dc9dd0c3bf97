"""Earlier forecasts against what came: of each day that is over, the forecast that was made when it began.

One prediction a day counts, that of the longest step that Lumen would propose. What was said is what was stored.
"""

from collections.abc import Sequence
from datetime import timedelta

from lumen.model.forecast import BackTest, Forecast, Replayed, Step
from lumen.model.history import midnight
from lumen.model.past_turn import PastTurn
from lumen.model.turn import Turn
from lumen.policies.ttl import STEP_SECONDS, Strategy, TtlLimits, bounded

#: As many are told of.
KEPT = 10
#: A forecast made later than so long after midnight is of another day for the most part.
EARLY = timedelta(hours=3)


def back_tests(turns: Sequence[Turn | PastTurn], days: Sequence[Replayed], ttl_seconds: int) -> tuple[BackTest, ...]:
    """The newest ten, oldest first. `turns`: the newest first; `days`: whole ones, replayed at the TTL in force."""
    stored = [turn.forecast for turn in turns if isinstance(turn.forecast, Forecast)]
    known = {one.on: one for one in (stored[0].back_tests if stored else ())}
    for day in days:
        made = _made_for(day, turns, ttl_seconds)
        step = None if made is None else farthest(made)
        if made is None or step is None or step.ttl_seconds not in day.at or day.on in known:
            continue
        low, middle, high = made.bounds(step)
        known[day.on] = BackTest(day.on, step.ttl_seconds, low, middle, high, day.at[step.ttl_seconds].uplift)
    return tuple(known[on] for on in sorted(known))[-KEPT:]


def farthest(forecast: Forecast) -> Step | None:
    """The longest step up that would be proposed, down where there is none; None where there is neither."""
    now, step = forecast.ttl_seconds, STEP_SECONDS[Strategy.AGGRESSIVE]
    most, least = bounded(now, now + step, TtlLimits()), bounded(now, now - step, TtlLimits())
    up = [one for one in forecast.steps if now < one.ttl_seconds <= most]
    down = [one for one in forecast.steps if least <= one.ttl_seconds < now]
    return up[-1] if up else down[0] if down else None


def _made_for(day: Replayed, turns: Sequence[Turn | PastTurn], ttl_seconds: int) -> Forecast | None:
    """By the first turn of that day, if the TTL was the same."""
    began = midnight(day.on)
    of_day = [turn for turn in turns if began <= turn.started_at < began + EARLY]
    made = of_day[-1].forecast if of_day else None
    return made if isinstance(made, Forecast) and made.ttl_seconds == ttl_seconds else None
