"""One change to one knob at a time: which of several wanted changes comes first.

Memory comes first where it binds, since no TTL can keep what is evicted, and where it is worth its price; then the
TTL; then money that lies idle in memory, and only while the TTL is content: what a longer TTL will need is not given
away the day before. A shorter TTL to spare memory, of which no replay says what it costs, is left to people: a full
cache that evicts its least recently used entries loses fewer hits than a TTL that expires them all sooner.
"""

from dataclasses import replace

from lumen.model.messages import NoData, message
from lumen.model.proposal import Change
from lumen.model.turn import Recommendation
from lumen.policies.size import SizeAdvice
from lumen.policies.ttl import Strategy

Wanted = Recommendation | NoData

#: More memory is proposed of Lumen's own from this return on (0-10): it saves a quarter more than it costs.
WORTH_FROM = 5.6


def first_of(ttl: Wanted, size: SizeAdvice | NoData) -> Wanted:
    """The recommendation to propose now; it may be to hold. What is missing of one knob does not stop the other."""
    sized = size if isinstance(size, NoData) else _worth(size)
    ttl = ttl if isinstance(ttl, NoData) else _longer(ttl)
    if _step(sized) > 0 or isinstance(ttl, NoData):
        return sized
    # A TTL that is content leaves room for less memory, and for saying why memory stays as it is.
    is_told = isinstance(size, NoData) or size.recommendation.change is not None
    return sized if ttl.change is None and is_told and not isinstance(sized, NoData) else ttl


def next_of(first: Wanted, *others: Wanted) -> Wanted:
    """The first that wants a change; `first` where none does.

    Warm instances and entries in the process change neither what is cached nor for how long, so they come last.
    """
    return next((one for one in (first, *others) if change_of(one) is not None), first)


def only_up(wanted: Wanted) -> Wanted:
    """Fewer entries in the process are left to people: a cache that answers at once is no sign that the way to it
    costs nothing, and each step is a new revision."""
    if isinstance(wanted, NoData) or _step(wanted) >= 0:
        return wanted
    reason = message("policy.l1_down_by_people")
    return replace(wanted, change=None, strategy="HOLD", reasons=(*wanted.reasons, reason))


def _worth(size: SizeAdvice) -> Recommendation:
    """Leave to people, saying why, what a day has not shown, and more memory that does not pay for itself."""
    wanted = size.recommendation
    if wanted.change is None or (size.by_day and (_step(wanted) < 0 or size.roi >= WORTH_FROM)):
        return wanted
    reason = (
        message("policy.size_not_worth", savings_usd=size.savings_usd, added_usd=size.added_cost_usd)
        if size.by_day
        else message("policy.size_no_day")
    )
    return replace(wanted, change=None, strategy="MAINTAIN", reasons=(*wanted.reasons, reason))


def _longer(ttl: Recommendation) -> Recommendation:
    """The same, but a step down that nobody pinned and no replay has priced is only told."""
    if _step(ttl) >= 0 or ttl.strategy in (Strategy.OVERRIDE, Strategy.PREDICTED):
        return ttl
    return replace(
        ttl, change=None, strategy=Strategy.HOLD, reasons=(*ttl.reasons, message("policy.ttl_down_by_people"))
    )


def change_of(wanted: Wanted) -> Change | None:
    """The change that is wanted; None for a hold and for no data."""
    return None if isinstance(wanted, NoData) else wanted.change


def _step(wanted: Wanted) -> int:
    change = change_of(wanted)
    return 0 if change is None else change.step or 0
