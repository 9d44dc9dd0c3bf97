"""Whether a share of keys keeps the old TTL when a change is made, so that its effect has a control."""

from math import ceil

from lumen.model.messages import NoData
from lumen.model.proposal import Draft, Expectation, Knob, Origin

#: A tenth of the keys (docs/methods.md, What a change really did); of few keys more, so that enough of them are held
#: back to tell anything, but never more than this.
HELD_PERMILLE, MOST_HELD_PERMILLE = 100, 300
WANTED_KEYS = 250
#: What is expected to move the hit rate by less than a point either way is not worth what the hold-back costs.
WORTH_MEASURING = 0.01
#: Reasons of changes that are made because answers were too old: no key shall go on with the old TTL.
TOO_OLD = frozenset({"policy.ttl_predicted_shorter"})


def held_permille(draft: Draft, keys: int = 0) -> int:
    """So many of 1,000 keys are held back; 0 for what is taken back, an emergency, and what is no use to measure.

    `keys`: how many are asked for in a day; 0: not known.
    """
    change = draft.change
    if change.knob is not Knob.TTL or change.step is None:
        return 0
    if draft.origin is Origin.UNDO or draft.undo_of is not None or draft.emergency:
        return 0
    if any(reason.code in TOO_OLD for reason in draft.reasons) or _moves_little(draft.expected):
        return 0
    return permille_of(keys)


def permille_of(keys: int) -> int:
    """So many of 1,000 keys, of a service that is asked for so many in a day (0: not known)."""
    wanted = ceil(1000 * WANTED_KEYS / keys) if keys else HELD_PERMILLE
    return min(MOST_HELD_PERMILLE, max(HELD_PERMILLE, wanted))


def _moves_little(expected: Expectation | NoData) -> bool:
    """Whether the whole interval says so: then the forecast is certain enough to be trusted."""
    return isinstance(expected, Expectation) and all(abs(end) < WORTH_MEASURING for end in expected.hit_rate_change)
