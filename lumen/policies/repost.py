"""When the hourly report is posted anew, so that the channel stays quiet.

A report only for a concern that somebody would act on and that no other message tells: alerts and the daily digest are
messages of their own. What flutters over a limit is none: a concern must last before it is news, and is
old news for as long as it keeps coming back.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

from lumen.model.alert import Severity
from lumen.model.assessment import HealthLevel
from lumen.model.past_turn import PastTurn
from lumen.model.proposal import Priority
from lumen.model.turn import Occasion, Recommendation, Turn

#: So many scheduled turns in a row have a concern before it is news ...
LASTS_TURNS = 3
#: ... and so long after the last such row, told or not, it may be news again.
FORGOTTEN_AFTER = timedelta(days=3)
#: What is bad about it: getting worse is news, getting better is not.
_BAD = {
    HealthLevel.WARNING: ("health",),
    HealthLevel.CRITICAL: ("health", "health critical"),
}
_HEALTH = frozenset(name for names in _BAD.values() for name in names)


def should_repost(turns: Iterable[Turn | PastTurn], posted: str) -> bool:
    """`turns` of the last days, newest first, the one just made among them; `posted`: the id of the turn that the last
    report was posted for."""
    before = iter(turns)
    now = next(before)
    if now.occasion is Occasion.ASKED:
        return False
    others = (turn for turn in before if turn.occasion is not Occasion.ASKED or turn.id == posted)
    made = [now, *islice(others, LASTS_TURNS - 1)]
    if not {*_lasted(made), *_at_once(now)}:
        return False  # whatever was before
    made += others
    lately = [turn for turn in made if now.started_at - turn.started_at < FORGOTTEN_AFTER + timedelta(hours=1)]
    told = {concern for turn in lately if turn.id == posted for concern in (*_lasting(turn), *_at_once(turn))}
    told.update(concern for turn in lately[1:] for concern in _at_once(turn))
    told.update(*(_lasted(made[at:]) for at in range(1, len(lately))))
    news = {*_lasted(made), *_at_once(now)} - told
    # An alert's own message tells that the service is not well.
    return bool(news - _HEALTH if _is_alerted(now) else news)


def tells_news(turns: Sequence[Turn], report: str) -> bool:
    """Whether the report that the turn `report` began tells of something to act on, so that it is worth a message among
    those of other services. `turns` of the last days, newest first.

    A later report was begun for news. The first one was begun because there was none: it tells of news as soon as bad
    health has lasted, which no alert tells of.
    """
    is_first = all(turn.id >= report for turn in turns)
    made = [turn for turn in turns if turn.occasion is not Occasion.ASKED]
    return not is_first or (bool(_lasted(made) & _HEALTH) and not _is_alerted(made[0]))


def _lasted(turns: Sequence[Turn | PastTurn]) -> set[str]:
    """Concerns of the newest turn that all of the last ones had."""
    row = turns[:LASTS_TURNS]
    return set.intersection(*(set(_lasting(turn)) for turn in row)) if len(row) == LASTS_TURNS else set()


def _lasting(turn: Turn | PastTurn) -> Iterator[str]:
    """Bad health, and measurements that are missing."""
    yield from _BAD.get(turn.assessment.gate.health, ())
    yield from (f"missing {missing.what}" for missing in turn.missing)


def _is_alerted(turn: Turn | PastTurn) -> bool:
    return any(one.alert.severity is not Severity.NOTICE for one in turn.alerts)


def _at_once(turn: Turn | PastTurn) -> Iterator[str]:
    """A change that is urgent, whose buttons the report has: by knob, since its next step is no news. Settings that
    drifted: by knob and proposal, for who turns one by hand knows the value that it has now."""
    wanted = turn.wanted
    if turn.proposed and isinstance(wanted, Recommendation) and wanted.priority is Priority.HIGH:
        yield f"urgent {wanted.change.knob if wanted.change else ''}"
    for told in turn.drift:
        yield " ".join(("drift", told.code, *(str(told.params.get(name, "")) for name in ("knob", "proposal_id"))))
