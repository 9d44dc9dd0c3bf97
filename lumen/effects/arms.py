"""The estimator of a hold-back, key by key. Runs in the numerics worker, where numpy is imported.

effect = [Σ old - Σ new] / R - (Σ_new u / R_new - Σ_held u / R_held): the traffic that came, replayed at both TTLs, less
what the replay does not know, as the randomised arms tell it; u is what is seen less what is replayed at the key's own
TTL, but for what the replay is off by for all keys alike.

The interval is that of the draw itself: a hash gave each key its arm, so what the difference of the arms would be for
every other draw of these very keys is known, however few of them carry it (docs/methods.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lumen.model.accesses import ALL_KEYS
from lumen.model.forecast import Z_90
from lumen.model.hold_back import EffectByReplay, HoldBack
from lumen.model.messages import NoData, with_remedy
from lumen.model.observed import Piece
from lumen.prediction.accesses import Flags, Floats
from lumen.prediction.kept import MS, WARM_UP, cut, joined, to_all_keys
from lumen.prediction.lives import answer_ms, elapsed_ms, prolonged_ms, requests_of
from lumen.prediction.replay import missed
from lumen.prediction.sample import uplift

#: What no residual tells, as a share of the hit rate.
OWN_ERROR = 0.0001
#: Keys whose draw is followed exactly; points of the law, which reaches so many spreads beyond the largest key; and x
#: where exp(-x) is nothing.
LARGEST, POINTS, REACH, VANISHED = 256, 2048, 6.0, 40.0
#: What the error of a sample grows by where one key carries it; of n keys, by an n-th of that.
OF_FEW = 2.0
#: What the arm that keeps the old TTL needs at least.
LEAST_KEYS, LEAST_LOOKUPS = 200, 2_000
#: Of the lookups of held keys such a share may come from an instance that does not know of it; and the number of held
#: keys may be off by so many standard deviations.
MOST_UNHELD, MOST_OFF = 0.02, 5.0


@dataclass(frozen=True, slots=True)
class Keys:
    """One row a key that was looked up in the window: lookups, misses seen, misses replayed at either TTL, and whether
    it keeps the old one.

    `scale`: misses by lookup of all keys to those of these; `below`: the limit of their hashes. `unheld_share`: of the
    lookups of held keys those that were not said to be.
    """

    lookups: Floats
    seen: Floats
    at_old: Floats
    at_new: Floats
    held: Flags
    unheld_share: float = 0.0
    scale: float = 1.0
    below: int = ALL_KEYS

    def __len__(self) -> int:
        return len(self.lookups)


def keys_of(pieces: Sequence[Piece], change: HoldBack, end: datetime) -> Keys:
    """The keys of the window of a look up to `end`."""
    start, until = change.window(end)
    began = change.changed_at - WARM_UP
    whole = joined(pieces)
    window = cut(whole, pieces[0].day, began, until)
    requests, took_ms = requests_of(window), answer_ms(window)
    assert requests.asked is not None and requests.hit is not None
    assert requests.key is not None and requests.held is not None
    asked = requests.asked & (elapsed_ms(requests.elements) >= (start - began) / MS)
    old, new = (missed(requests, prolonged_ms(ttl * 1000, took_ms)) for ttl in (change.old_ttl, change.new_ttl))
    key = np.unique(requests.key[asked], return_inverse=True)[1]
    lookups, seen, at_old, at_new, said = (
        np.bincount(key, flags[asked]).astype(np.float64) for flags in (asked, ~requests.hit, old, new, requests.held)
    )
    held = said > 0
    unheld = 1 - float(said.sum()) / max(float(lookups[held].sum()), 1.0)
    totals = to_all_keys(pieces, whole)
    return Keys(
        lookups,
        seen,
        at_old,
        at_new,
        held,
        unheld if held.any() else 0.0,
        totals.misses / totals.lookups if totals.lookups else 1.0,
        min(piece.below for piece in pieces),
    )


def measured(keys: Keys, permille: int, alpha: float) -> EffectByReplay | NoData:
    """The effect with its two-sided interval at 1 - `alpha`, or why the arm that keeps the old TTL tells nothing."""
    held, lookups = int(np.count_nonzero(keys.held)), round(float(keys.lookups[keys.held].sum()))
    expected = len(keys) * permille / 1000
    spread = max(sqrt(expected * (1 - permille / 1000)), 1.0)
    if keys.unheld_share > MOST_UNHELD or abs(held - expected) > MOST_OFF * spread:
        return NoData(*with_remedy("hold_back.not_held", keys=held, expected=round(expected), share=keys.unheld_share))
    if held < LEAST_KEYS:
        return NoData(*with_remedy("hold_back.few_keys", keys=held, least=LEAST_KEYS))
    if lookups < LEAST_LOOKUPS:
        return NoData(*with_remedy("hold_back.few_lookups", lookups=lookups, least=LEAST_LOOKUPS))
    return _estimated(keys, permille, alpha)


def _estimated(keys: Keys, permille: int, alpha: float) -> EffectByReplay:
    error = keys.seen - np.where(keys.held, keys.at_old, keys.at_new)
    lookups, of_held = float(keys.lookups.sum()), float(keys.lookups[keys.held].sum())
    replayed = keys.scale * float(keys.at_old.sum() - keys.at_new.sum()) / lookups
    unknown = error - _usual(keys, error)
    unit = keys.scale * lookups / (of_held * (lookups - of_held))
    effect = replayed + unit * float(unknown[keys.held].sum())
    law = drawn(unknown, permille / 1000, sqrt(OWN_ERROR**2 + _sampling(keys) ** 2) / unit)
    below, above = law.quantiles(alpha)
    effect, low, high = np.clip([effect, effect - unit * above, effect - unit * below], -1, 1).tolist()
    return EffectByReplay(effect, low, high, replayed)


def _usual(keys: Keys, error: Floats) -> Floats:
    """The usual error of the replay for keys with so many lookups and misses: what all share tells nothing of the arms,
    but hot keys would carry it into one of them. Its sum is that of the errors."""
    known = np.column_stack([keys.lookups, keys.at_old])
    weighed = known / keys.lookups[:, None]
    return np.asarray(known @ np.linalg.lstsq(weighed.T @ known, weighed.T @ error, rcond=None)[0], np.float64)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Of a sum over keys drawn by chance, less its mean: where it may lie, and how likely it lies below."""

    at: Floats
    below: Floats

    def quantiles(self, alpha: float) -> tuple[float, float]:
        """Between these it lies but for `alpha`, half of that on each side."""
        low, high = np.interp([alpha / 2, 1 - alpha / 2], self.below, self.at)
        return float(low), float(high)


def drawn(values: Floats, share: float, own_error: float) -> Drawn:
    """The law of the sum of `values` where each one is drawn with that chance, beside a normal error.

    Exact for the largest ones, by the product of their characteristic functions; the others together are normal.
    """
    variance = share * (1 - share)
    size = np.abs(values)
    largest = values[np.argpartition(size, max(len(size) - LARGEST, 0))[-LARGEST:]]
    others = max(variance * float(np.square(values).sum() - np.square(largest).sum()), 0.0) + own_error**2
    spread = sqrt(variance * float(np.square(largest).sum()) + others)
    width = 2 * (REACH * spread + float(np.abs(largest).max()))
    turn = 2 * np.pi / width * np.arange(POINTS // 2 + 1)
    turn = turn[: int(np.searchsorted(others * turn**2, 2 * VANISHED)) + 1]
    angle = np.outer(turn, largest)
    each = (1 - share) * np.exp(1j * share * angle) + share * np.exp(-1j * (1 - share) * angle)
    density = np.fft.fftshift(np.fft.irfft(each.prod(axis=1) * np.exp(-0.5 * others * turn**2), POINTS))
    below = np.maximum.accumulate(np.cumsum(density)) / density.sum()
    return Drawn((np.arange(POINTS) - POINTS // 2 + 0.5) * width / POINTS, below)


def _sampling(keys: Keys) -> float:
    """The standard error of the replayed effect for being that of a sample of the keys."""
    if keys.below >= ALL_KEYS:
        return 0.0
    lookups, misses = float(keys.lookups.sum()), float(keys.at_old.sum())
    number: NDArray[Any] = np.arange(len(keys))
    found = uplift(round(lookups), round(misses * keys.scale), number, keys.at_old, keys.at_new, keys.below)
    squares = np.square(keys.at_new - keys.at_new.sum() / max(misses, 1.0) * keys.at_old)
    few = float(np.square(squares).sum() / max(squares.sum(), 1.0) ** 2)
    return found.half / Z_90 * (1 + OF_FEW * few)


def uplift_within(
    pieces: Sequence[Piece], change: HoldBack, start: datetime, end: datetime
) -> tuple[float, int] | None:
    """The replayed effect (a share) on the traffic from `start` to `end`, and on how many lookups; None without any."""
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
    return (old - new) / count, count
