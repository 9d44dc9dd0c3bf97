"""The hit rate at longer TTLs from misses alone, against the truth of the same traffic."""

from dataclasses import replace

import numpy as np
import pytest

from bench.access_world import World
from bench.prediction import misses_of, requests_of_trace
from lumen.prediction.misses import Misses, imputed
from lumen.prediction.replay import miss_count

LONGER = (420, 900, 3600)


def seen_and_truth(kind: str) -> tuple[Misses, list[int], int]:
    requests = requests_of_trace(World(kind, 5, 15_000).trace())
    return misses_of(requests, 300), [miss_count(requests, ttl * 1000) for ttl in LONGER], requests.count


@pytest.mark.parametrize("kind", ["churn", "sessions", "polling", "mix"])
def test_misses_alone_tell_longer_ttls(kind: str) -> None:
    """Within 0.6 points each, 0.3 in the mean, and never beyond the bounds that need no model."""
    seen, truth, requests = seen_and_truth(kind)
    found = imputed(seen, [ttl * 1000 for ttl in LONGER], seed=1, draws=3)
    errors = [abs(one.misses - true) / requests for one, true in zip(found, truth, strict=True)]
    assert max(errors) < 0.006
    assert np.mean(errors) < 0.003
    assert all(one.least <= true <= one.most for one, true in zip(found, truth, strict=True))
    assert all(one.least <= one.misses <= one.most for one in found)


def test_the_same_seed_is_the_same_answer() -> None:
    seen, _, _ = seen_and_truth("sessions")
    first, again, other = (imputed(seen, [415_000], seed, draws=2) for seed in (7, 7, 8))
    assert first == again != other


def test_nothing_hidden_is_nothing_invented() -> None:
    """Keys of one request each: every miss stays one, whatever the TTL."""
    seen, _, _ = seen_and_truth("polling")
    alone = replace(seen, elements=np.unique(seen.elements >> np.uint64(36)) << np.uint64(36), hits=0.0)
    assert [one.misses for one in imputed(alone, [3_600_000], 1, draws=2)] == [len(alone.elements)]
