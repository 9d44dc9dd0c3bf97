"""Days of announced misses, and the server's counts beside them, as a replay of every access would tell them: of longer
TTLs alone (`misses`). Runs in the numerics worker.
"""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np

from lumen.model.forecast import Outcome, Replayed
from lumen.model.observed import TIME_BITS, UNIT_MS, Counted, Piece
from lumen.prediction.answers import Info, Prediction, ttls_from_misses
from lumen.prediction.kept import TIMES
from lumen.prediction.logs import Faults, Log

EPOCH = date(1970, 1, 1)
AN_HOUR_S, A_DAY_S = 3600, 86_400


def heard(
    pieces: Sequence[Piece], counted: Sequence[Counted], start: datetime, ttl: int, ttls: Sequence[int]
) -> Replayed | Prediction | None:
    """From `start` to the end of `counted`, which follow one another; the refusal where misses tell nothing, None where
    nothing was asked.

    How old answers are nobody hears: as if hits came evenly over the life of an entry, and as uncertain as that is.
    """
    lookups = sum(one.hits + one.misses for one in counted)
    if not lookups:
        return None
    log, info = _log(pieces, start, counted[-1].end), _info(start, counted)
    told = ttls_from_misses(log, info, ttl, [one for one in ttls if one > ttl])
    refused = next((one for one in told if one.uplift is None), None)
    if refused is not None or not told:
        return refused
    hit_rate = sum(one.hits for one in counted) / lookups
    at = {ttl: Outcome(0.0), **{one.ttl: _outcome(one, ttl, hit_rate) for one in told if one.ttl is not None}}
    misses = lookups * (1 - hit_rate)
    return Replayed(start.date(), lookups, hit_rate, lookups, misses, at, hit_rate * _usual_age(ttl))


def _outcome(told: Prediction, ttl: int, hit_rate: float) -> Outcome:
    assert told.ttl is not None and told.uplift is not None and told.low is not None and told.high is not None
    cached = (1 - hit_rate - told.uplift) * told.ttl / max((1 - hit_rate) * ttl, 1e-9)
    staler = (hit_rate + told.uplift) * _usual_age(told.ttl) - hit_rate * _usual_age(ttl)
    return Outcome(told.uplift, (told.high - told.low) / 2, cached, staler, abs(staler))


def _usual_age(ttl: int) -> float:
    """Of an answer from the cache, in hours."""
    return ttl / 2 / AN_HOUR_S


def _log(pieces: Sequence[Piece], start: datetime, end: datetime) -> Log:
    words = [np.frombuffer(piece.packed, "<u8").astype(np.uint64) for piece in pieces]
    times = [
        (one & TIMES).astype(np.float64) * (UNIT_MS / 1000) + (piece.day - EPOCH).days * A_DAY_S
        for one, piece in zip(words, pieces, strict=True)
    ]
    at_s, key = np.concatenate(times), np.concatenate(words) >> np.uint64(TIME_BITS)
    within = (at_s >= start.timestamp()) & (at_s < end.timestamp())
    order = np.argsort(at_s[within], kind="stable")
    return Log(at_s[within][order], key[within][order], None, None, Faults())


def _info(start: datetime, counted: Sequence[Counted]) -> Info:
    """Counters from nought on."""
    at_s = [start.timestamp(), *(one.end.timestamp() for one in counted)]
    hits, misses = ([0, *(getattr(one, name) for one in counted)] for name in ("hits", "misses"))
    return Info(np.array(at_s), np.cumsum(hits).astype(np.float64), np.cumsum(misses).astype(np.float64))
