"""The time for which a TTL has stood, as far as turns tell."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lumen.model.messages import NoData
from lumen.model.past_turn import PastTurn
from lumen.model.turn import Turn


def standing(turns: Sequence[Turn | PastTurn], ttl: int, now: datetime) -> datetime:
    """From when on all that is cached has this TTL. `turns`: the newest first."""
    since = now
    for turn in turns:
        found = turn.snapshot.ttl
        if isinstance(found, NoData):
            break
        if found.value_seconds != ttl:
            return since + timedelta(seconds=found.value_seconds)
        since = turn.started_at
    return since
