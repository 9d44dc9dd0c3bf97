"""The estimator of a hold-back, key by key. Needs the extra `numerics`, and runs in the numerics worker.

effect = [Σ old - Σ new] / R - (Σ_new e / R_new - Σ_held e / R_held): the traffic that came, replayed at both TTLs,
less what the replay does not know, which the randomised arms tell; e = seen - replayed at the key's own TTL. The error
is clustered by key; a few hot keys carry it, so the quantile is Student's t with few degrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from lumen.model.accesses import ALL_KEYS
from lumen.model.forecast import Z_90
from lumen.model.hold_back import Arm, EffectByReplay, HoldBack
from lumen.model.observed import Piece
from lumen.prediction.accesses import Flags, Floats
from lumen.prediction.kept import MS, WARM_UP, cut, joined, to_all_keys
from lumen.prediction.lives import answer_ms, elapsed_ms, prolonged_ms, requests_of
from lumen.prediction.replay import missed
from lumen.prediction.sample import uplift

#: What no residual tells, as a share of the hit rate; and the least degrees of Student's t.
OWN_ERROR, LEAST_DEGREES = 0.0003, 1.5


@dataclass(frozen=True, slots=True)
class Keys:
    """One row a key that was looked up in the window: lookups, misses seen, misses replayed at either TTL, and whether
    it keeps the old one.

    `scale`: misses by lookup of all keys to those of these; `below`: the limit of their hashes. `unheld_share`: of the
    lookups of held keys those that were not said to be. `newest`: when the last lookup was.
    """

    lookups: Floats
    seen: Floats
    at_old: Floats
    at_new: Floats
    held: Flags
    newest: datetime
    unheld_share: float = 0.0
    scale: float = 1.0
    below: int = ALL_KEYS

    def __len__(self) -> int:
        return len(self.lookups)

    @property
    def held_keys(self) -> int:
        """How many keep the old TTL."""
        return int(np.count_nonzero(self.held))

    @property
    def held_lookups(self) -> int:
        """The lookups of those."""
        return round(float(self.lookups[self.held].sum()))


def keys_of(pieces: Sequence[Piece], change: HoldBack, end: datetime) -> Keys:
    """The keys of the window of a look up to `end`."""
    start, until = change.window(end)
    began = change.changed_at - WARM_UP
    whole = joined(pieces)
    window = cut(whole, pieces[0].day, began, until)
    requests, took_ms = requests_of(window), answer_ms(window)
    assert requests.asked is not None and requests.hit is not None
    assert requests.key is not None and requests.held is not None
    at_ms = elapsed_ms(requests.elements)
    asked = requests.asked & (at_ms >= (start - began) / MS)
    old, new = (missed(requests, prolonged_ms(ttl * 1000, took_ms)) for ttl in (change.old_ttl, change.new_ttl))
    key = np.unique(requests.key[asked], return_inverse=True)[1]
    lookups, seen, at_old, at_new, said = (
        np.bincount(key, flags[asked], minlength=0).astype(np.float64)
        for flags in (asked, ~requests.hit, old, new, requests.held)
    )
    held = said > 0
    newest = began + timedelta(milliseconds=int(at_ms[asked].max(initial=0)))
    unheld = 1 - float(said.sum()) / max(float(lookups[held].sum()), 1.0)
    totals = to_all_keys(pieces, whole)
    return Keys(
        lookups,
        seen,
        at_old,
        at_new,
        held,
        newest,
        unheld if held.any() else 0.0,
        totals.misses / totals.lookups if totals.lookups else 1.0,
        min(piece.below for piece in pieces),
    )


def estimated(keys: Keys, alpha: float) -> EffectByReplay:
    """The effect with its two-sided interval at 1 - `alpha`. Raises ZeroDivisionError where an arm has no lookup."""
    error = keys.seen - np.where(keys.held, keys.at_old, keys.at_new)
    new, of_new = _arm(keys, ~keys.held, error)
    held, of_held = _arm(keys, keys.held, error)
    replayed = float(keys.at_old.sum() - keys.at_new.sum()) / float(keys.lookups.sum())
    effect = keys.scale * (replayed - (new.residual - held.residual))
    squares = float(np.square(of_new).sum() + np.square(of_held).sum())
    sampling = _sampling(keys)
    standard_error = float(np.sqrt(keys.scale**2 * squares + sampling**2 + OWN_ERROR**2))
    fourth = float((of_held**4).sum())
    degrees = max(LEAST_DEGREES, float(np.square(of_held).sum()) ** 2 / fourth) if fourth else float(len(keys))
    reach = float(student.ppf(1 - alpha / 2, degrees)) * standard_error
    return EffectByReplay(
        effect, effect - reach, effect + reach, standard_error, degrees, replayed * keys.scale, new, held, keys.newest
    )


def _arm(keys: Keys, of_arm: Flags, error: Floats) -> tuple[Arm, Floats]:
    """An arm, and by how much each of its keys moves its residual."""
    lookups, errors = keys.lookups[of_arm], error[of_arm]
    total = float(lookups.sum())
    mean = float(errors.sum()) / total
    return Arm(round(total), len(lookups), mean), (errors - mean * lookups) / total


def _sampling(keys: Keys) -> float:
    """The standard error of the replayed effect for being that of a sample of the keys."""
    if keys.below >= ALL_KEYS:
        return 0.0
    lookups, misses = float(keys.lookups.sum()), float(keys.at_old.sum())
    number: NDArray[Any] = np.arange(len(keys))
    found = uplift(round(lookups), round(misses * keys.scale), number, keys.at_old, keys.at_new, keys.below)
    return found.half / Z_90


@dataclass(frozen=True, slots=True)
class Uplift:
    """The replayed effect (a share) on so many lookups."""

    uplift: float
    lookups: int


def uplift_within(pieces: Sequence[Piece], change: HoldBack, start: datetime, end: datetime) -> Uplift | None:
    """The traffic from `start` to `end`, replayed at both TTLs; None where nothing was looked up."""
    whole = joined(pieces)
    window = cut(whole, pieces[0].day, start - WARM_UP, end)
    requests, took_ms = requests_of(window), answer_ms(window)
    assert requests.asked is not None
    asked = requests.asked & (elapsed_ms(requests.elements) >= WARM_UP / MS)
    count = int(np.count_nonzero(asked))
    if not count:
        return None
    old, new = (
        int(np.count_nonzero(missed(requests, prolonged_ms(ttl * 1000, took_ms)) & asked))
        for ttl in (change.old_ttl, change.new_ttl)
    )
    return Uplift((old - new) / count, count)
