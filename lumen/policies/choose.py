"""One change to one knob at a time: which of several wanted changes comes first (mission 4).

Memory comes first where it binds, since no TTL can keep what is evicted; then the TTL; then money that lies idle in
memory, and only while the TTL is content: what a longer TTL will need is not given away the day before.
"""

from lumen.model.nodata import NoData
from lumen.model.turn import Recommendation
from lumen.policies.size import SizeAdvice

Wanted = Recommendation | NoData


def first_of(ttl: Wanted, size: SizeAdvice | NoData) -> Wanted:
    """The recommendation to propose now; it may be to hold. What is missing of one knob does not stop the other."""
    sized: Wanted = size if isinstance(size, NoData) else size.recommendation
    if _step(sized) > 0 or isinstance(ttl, NoData):
        return sized
    if _step(sized) < 0 and ttl.change is None:
        return sized
    return ttl


def _step(wanted: Wanted) -> int:
    change = None if isinstance(wanted, NoData) else wanted.change
    return 0 if change is None else change.step or 0
