"""A batch of requests: who asks for what, of which revision; and what came of each."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

from sandbox.ion.behaviour import Behaviour
from sandbox.ion.cachestore import CacheDown, CacheStore
from sandbox.ion.demand import DAY
from sandbox.ion.latency import HIT, IN_PROCESS, MISS, UNCACHED
from sandbox.ion.population import Population
from sandbox.ion.reporting import Reporter
from sandbox.ion.revisionmeter import RevisionMeter


@dataclass(frozen=True, slots=True)
class Backend:
    """A revision that gets traffic: its share of all requests, where it is counted, and how it behaves."""

    share: float
    meter: RevisionMeter
    behaviour: Behaviour
    ttl_seconds: int
    #: Where its lookups are noted; None: its service speaks version 1 of the contract.
    reporter: Reporter | None = None


@dataclass(slots=True)
class Outcome:
    """Sums over one batch. `in_process`: answered by an instance's own cache; hits and misses are Redis's."""

    requests: int = 0
    errors: int = 0
    in_process: int = 0
    hits: int = 0
    misses: int = 0


class Traffic:
    """Serves batches against the cache."""

    def __init__(
        self,
        cache: CacheStore,
        random: Random,
        cached_share: float,
        error_share: float,
        client_error_share: float,
        lifetime_ms: Callable[[int], int],
    ) -> None:
        """`lifetime_ms` turns a TTL of service seconds into milliseconds of the wall."""
        self.vertex_slow_factor = 1.0  # set by incidents
        self.vertex_error_share = 0.0
        self._cache = cache
        self._random = random
        self._population = Population(random)
        self._cached_share = cached_share
        self._error_share = error_share
        self._client_error_share = client_error_share
        self._lifetime_ms = lifetime_ms
        self._hit = HIT.sampler(random)
        self._miss = MISS.sampler(random)
        self._uncached = UNCACHED.sampler(random)
        self._in_process = IN_PROCESS.sampler(random)

    async def serve(
        self, count: int, level: float, during: tuple[float, float], backends: Sequence[Backend]
    ) -> Outcome:
        """`count` requests spread over `during` (from, to; seconds), each really looked up: by its instance, then in
        Redis. A Redis that is down is a miss for everybody."""
        outcome = Outcome(requests=count)
        if not count or not backends:
            return outcome
        everybody = self._choose(count, backends)
        cached = round(count * self._cached_share)
        keys, chosen, in_process_errors = self._not_in_process(self._keys(cached, level, during[0]), everybody, during)
        outcome.in_process = cached - len(keys)
        outcome.errors += in_process_errors
        found = await self._look_up(keys, chosen)
        for hit, backend in zip(found, chosen, strict=True):
            if hit:
                outcome.hits += 1
                outcome.errors += self._answer(backend, self._hit(), 0.0)
            else:
                outcome.misses += 1
                slow = self._miss() * self.vertex_slow_factor
                outcome.errors += self._answer(backend, slow, self.vertex_error_share)
        for backend in everybody[cached:]:
            outcome.errors += self._answer(backend, self._uncached(), 0.0)
        return outcome

    def _keys(self, count: int, level: float, at: float) -> list[str]:
        day = int(at // DAY)
        return [self._population.key(rank, day) for rank in self._population.ranks(count, level)]

    def _not_in_process(
        self, keys: Sequence[str], chosen: Sequence[Backend], during: tuple[float, float]
    ) -> tuple[list[str], list[Backend], int]:
        """The lookups in Redis, and by whom; the other requests have been answered, so many of them with an error."""
        since, until = during
        step = (until - since) / len(keys) if keys else 0.0
        asking: list[str] = []
        by: list[Backend] = []
        errors = 0
        for number, (key, backend) in enumerate(zip(keys, chosen, strict=False)):
            if backend.meter.in_process.asked(key, since + number * step):
                errors += self._answer(backend, self._in_process(), 0.0)
            else:
                asking.append(key)
                by.append(backend)
        return asking, by, errors

    def _choose(self, count: int, backends: Sequence[Backend]) -> list[Backend]:
        if len(backends) == 1:
            return [backends[0]] * count
        bounds = list(accumulate(b.share for b in backends))
        uniform, top, last = self._random.random, bounds[-1], len(backends) - 1
        return [backends[min(last, bisect_right(bounds, uniform() * top))] for _ in range(count)]

    async def _look_up(self, keys: Sequence[str], chosen: Sequence[Backend]) -> list[bool]:
        """Whether each request was answered from the cache.

        Requests of one batch are spread over seconds of service time: whoever asks for a key that an earlier request of
        the batch has just written finds it. So each key's first request goes first, the others after the writes.
        """
        first: dict[str, int] = {}
        for index, key in enumerate(keys):
            first.setdefault(key, index)
        later = [index for index, key in enumerate(keys) if first[key] != index]
        found = [False] * len(keys)
        try:
            there = await self._cache.look_up(list(first), _due(chosen))
            for index, hit in zip(first.values(), there, strict=True):
                found[index] = hit
            written = {index: _lifetime(key, chosen[index]) for key, index in first.items() if not found[index]}
            if written or later:
                missed = [(keys[index], self._lifetime_ms(seconds)) for index, (seconds, _) in written.items()]
                for index, hit in zip(later, await self._cache.keep(missed, [keys[i] for i in later]), strict=True):
                    found[index] = hit
        except CacheDown:
            return found  # the service goes on without its cache, dearly
        self._note(keys, chosen, found, written)
        return found

    def _note(
        self,
        keys: Sequence[str],
        chosen: Sequence[Backend],
        found: Sequence[bool],
        written: Mapping[int, tuple[int, bool]],
    ) -> None:
        """Have each service note what it looked up, and what it wrote after a miss."""
        for index, (key, backend) in enumerate(zip(keys, chosen, strict=True)):
            if backend.reporter is not None:
                wrote = (self._cache.answer_bytes, written[index][1]) if index in written else None
                backend.reporter.looked_up(key, hit=found[index], written=wrote)

    def _answer(self, backend: Backend, latency_ms: float, extra_errors: float) -> int:
        """Count one answer; returns 1 for a server error."""
        behaviour = backend.behaviour
        draw = self._random.random()
        error = self._error_share + behaviour.error_share + extra_errors
        if draw < error:
            backend.meter.answered(500, latency_ms * 0.6 * behaviour.slow_factor)
            return 1
        code = 404 if draw < error + self._client_error_share else 200
        backend.meter.answered(code, latency_ms * behaviour.slow_factor)
        return 0


def _lifetime(key: str, backend: Backend) -> tuple[int, bool]:
    """The TTL to write a key with, and whether it is held back."""
    return (
        (backend.ttl_seconds, False)
        if backend.reporter is None
        else backend.reporter.lifetime(key, backend.ttl_seconds)
    )


def _due(chosen: Sequence[Backend]) -> list[tuple[Any, ...]]:
    """What the services' reporters have to send, taken from them."""
    due: list[tuple[Any, ...]] = []
    for reporter in {id(b.reporter): b.reporter for b in chosen if b.reporter is not None}.values():
        due += reporter.pending
        reporter.pending = []
    return due
