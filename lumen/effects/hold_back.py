"""The effect of a change of the TTL, of which a share of the keys was spared: replay and residuals (docs/methods.md).

Imports no numpy: `effect_by_replay` and `lasts` do, in the numerics worker.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lumen.model.hold_back import EffectByReplay, HoldBack, Lasting
from lumen.model.messages import NoData, with_remedy
from lumen.model.observed import Piece

#: Two-sided. The look after 6 h is for harm alone, so it errs by half of this.
ALPHA_BY_LOOK = {6: 0.01, 24: 0.016, 48: 0.016, 72: 0.016}
LASTING_HOURS = 168
A_DAY = timedelta(days=1)
#: Shares of the batches that may be lost, and of the misses that may have pushed something out.
MOST_LOST, MOST_EVICTED = 0.05, 0.01
#: Where more is pushed out, the effect may look so much (of the hit rate) too kind.
SHARED = 0.005


def effect_by_replay(
    pieces: Sequence[Piece], change: HoldBack, end: datetime, alpha: float, evicted_share: float | None
) -> EffectByReplay | NoData:
    """The effect up to `end` with its interval at 1 - `alpha`, or why there is none. In the worker.

    `pieces`: those of `change.days(end)`. `evicted_share`: evictions to misses in the window; None where not known.
    """
    from lumen.effects.arms import keys_of, measured
    from lumen.prediction.kept import first_access

    if evicted_share is None:
        return NoData(*with_remedy("hold_back.evictions_unknown"))
    if (lost := _lost_share(pieces)) > MOST_LOST:
        return NoData(*with_remedy("hold_back.lost", share=lost))
    start, _ = change.window(end)
    first = next((at for piece in pieces if (at := first_access(piece)) is not None), None)
    if first is None or first > start:
        return NoData(*with_remedy("hold_back.not_kept"))
    found = measured(keys_of(pieces, change, end), change.permille, alpha)
    return found if isinstance(found, NoData) or evicted_share <= MOST_EVICTED else of_shared_memory(found)


def of_shared_memory(found: EffectByReplay) -> EffectByReplay:
    """The arms share the memory: where it evicts, each feels what the other one keeps in it."""
    return replace(found, low=max(found.low - SHARED, -1.0), high=min(found.high + SHARED, 1.0))


def _lost_share(pieces: Sequence[Piece]) -> float:
    """Of the batches those that never came, or that could not be used."""
    lost = sum(piece.tally.lost + piece.tally.malformed + piece.tally.misdated for piece in pieces)
    return lost / max(lost + sum(piece.tally.batches for piece in pieces), 1)


def lasts(pieces: Sequence[Piece], change: HoldBack, end: datetime) -> Lasting | NoData:
    """Whether the effect is still there at `end`. In the worker. `pieces`: those of `change.days_to_last(end)`."""
    from lumen.effects.arms import uplift_within

    if (lost := _lost_share(pieces)) > MOST_LOST:
        return NoData(*with_remedy("hold_back.lost", share=lost))
    start, _ = change.window(end)
    first, last = uplift_within(pieces, change, start, start + A_DAY), uplift_within(pieces, change, end - A_DAY, end)
    if first is None or last is None:
        return NoData(*with_remedy("hold_back.not_kept"))
    (effect, lookups), (at_first, _) = last, first
    return Lasting(effect, at_first, lookups)
