"""The hit rate a day before and a day after a change that was measured; the title says when it was made."""

from collections.abc import Sequence
from datetime import timedelta

from handlers.blocks.chart import DAY, Chart, Series, binned, times
from lumen.model.messages import Message, message
from lumen.model.proposal import Change, Knob, Proposal
from lumen.model.turn import Turn
from lumen.wording.catalogue import Catalogue, change_params

#: What the hit rate is told of.
OF_CACHE = (Knob.TTL, Knob.CACHE_SIZE)
#: Two days by four hours.
STEP, POINTS = timedelta(hours=4), 12
HOUR = timedelta(hours=1)


def before_after(words: Catalogue, proposal: Proposal, turns: Sequence[Turn]) -> Chart | None:
    """None for what is not about the hit rate, and until it was looked at. The hour of the change is left out."""
    at, measured, change = proposal.finished_at, proposal.measured, proposal.draft.change
    if at is None or measured is None or measured.is_of_a_page or change.knob not in OF_CACHE:
        return None
    start = at.replace(minute=0, second=0, microsecond=0) + HOUR - DAY
    hit_rates = [
        (window.start, turn.hit_rate) for turn in turns if not (window := turn.snapshot.window).start < at < window.end
    ]
    series = Series(words.plain(message("digest.chart_hit_rate")), binned(hit_rates, start, STEP, POINTS))
    happened = f"{changed(words, change)} {words.local(at):%m-%d %H:%M}"
    title = message("digest.chart_with", title=message("digest.chart_hit_rate_title"), happened=happened)
    return Chart("line", title, times(words, start, STEP, POINTS), (series,), "%")


def changed(words: Catalogue, change: Change) -> str:
    """As short as a title has it."""
    knob = words.plain(Message(f"word.knob_{change.knob}", {}))
    return words.plain(message("digest.chart_change", knob=knob, **change_params(change)))
