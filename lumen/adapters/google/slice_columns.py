"""The slices of one service over a window as columns, until they are told one by one."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from lumen.adapters.google.histograms import Histograms, histograms
from lumen.adapters.google.monitoring_series import Floats, Ints, Mask
from lumen.adapters.google.monitoring_witnesses import Witnesses
from lumen.model.alert import Observation
from lumen.model.messages import NoData
from lumen.model.snapshot import SLICE, LatencyDistribution
from lumen.model.witnesses import SERVER_ERRORS, Bounds

Column = TypeVar("Column", Ints, Floats, Mask)
PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class SliceColumns:
    """One row a slice, from `start` on. Counts are 0 and money is NaN where nobody knows them."""

    start: datetime
    #: Of which anything is known.
    there: Mask
    #: Whose requests are.
    known: Mask
    requests: Ints
    errors_5xx: Ints
    errors_4xx: Ints
    doubts: Mapping[int, Bounds]
    #: NaN where no latency is known.
    percentiles_ms: Floats
    #: Of stretches that follow each other, with the row of their first slice.
    latencies: Sequence[tuple[int, Histograms]]
    #: Whose hits and misses are known.
    looked_up: Mask
    hits: Ints
    misses: Ints
    cost_usd: Floats

    @property
    def is_timed(self) -> Mask:
        """Where it is known how long each request took."""
        return np.concatenate([of.held for _, of in self.latencies])

    def observations(self) -> Iterator[list[Observation]]:
        """Slice by slice, ascending, some hundred at a time; those of which nothing is known are left out."""
        for first, of in self.latencies:
            rows = first + np.flatnonzero(self.there[first : first + len(of.counts)])
            latencies = {first + row: one for row, one in of.distributions().items()}
            yield self._observations(rows, latencies)

    def _observations(self, rows: Ints, latencies: Mapping[int, LatencyDistribution]) -> list[Observation]:
        p50, p95, p99 = (_known(self.percentiles_ms[rows, nth]) for nth in range(len(PERCENTILES)))
        each = zip(
            rows.tolist(),
            _where(self.known, self.requests, rows),
            _where(self.known, self.errors_5xx, rows),
            _where(self.known, self.errors_4xx, rows),
            p50,
            p95,
            p99,
            _where(self.looked_up, self.hits, rows),
            _where(self.looked_up, self.misses, rows),
            _known(self.cost_usd[rows]),
            strict=True,
        )
        return [
            Observation(
                self.start + row * SLICE,
                requests=requests,
                errors_5xx=errors_5xx,
                errors_4xx=errors_4xx,
                p50_ms=p50_ms,
                p95_ms=p95_ms,
                p99_ms=p99_ms,
                hits=hits,
                misses=misses,
                cost_usd=cost_usd,
                latency=latencies.get(row),
                doubt=self.doubts.get(row),
            )
            for row, requests, errors_5xx, errors_4xx, p50_ms, p95_ms, p99_ms, hits, misses, cost_usd in each
        ]

    def with_lookups(self, row: int, hits: int, misses: int) -> "SliceColumns":
        """With those of one slice, told by somebody else."""
        looked_up, new_hits, new_misses = self.looked_up.copy(), self.hits.copy(), self.misses.copy()
        looked_up[row], new_hits[row], new_misses[row] = True, hits, misses
        return replace(self, looked_up=looked_up, hits=new_hits, misses=new_misses)


def columns_of(
    told: Witnesses, sleeping: Set[int], lookups: Mapping[int, tuple[int, int]], start: datetime
) -> SliceColumns:
    """Requests and latencies of what the witnesses tell, and hits and misses by slice."""
    slices = told.periods
    known, looked_up = np.zeros((2, slices), dtype=np.bool_)
    requests, errors_5xx, errors_4xx, hits, misses = np.zeros((5, slices), dtype=np.int64)
    doubts: Mapping[int, Bounds] = {}
    if not told.lacks_classes:
        counted = told.counts.told
        known = counted.copy()
        known[list(sleeping)] = True
        requests, errors_5xx, errors_4xx = (
            told.counts.total,
            told.counts.kind(SERVER_ERRORS),
            told.counts.kind("4xx"),
        )
        doubts = {row: doubt for row, doubt in told.doubts.items() if counted[row]}
    rows = list(lookups)
    looked_up[rows] = True
    hits[rows], misses[rows] = zip(*lookups.values(), strict=True) if rows else ((), ())
    series = told.latencies
    latencies = histograms(() if isinstance(series, NoData) else series, slices).only(known)
    there, cost_usd = known | looked_up, np.full(slices, np.nan)
    return SliceColumns(
        start, there, known, requests, errors_5xx, errors_4xx, doubts,
        latencies.percentiles_ms(PERCENTILES), [(0, latencies)], looked_up, hits, misses, cost_usd,
    )  # fmt: skip


def joined(pieces: Sequence[SliceColumns]) -> SliceColumns:
    """Of pieces that follow each other."""
    firsts = np.cumsum([0, *(len(piece.there) for piece in pieces)]).tolist()

    def column(of: Sequence[Column]) -> Column:
        return np.concatenate(of)

    return SliceColumns(
        start=pieces[0].start,
        there=column([one.there for one in pieces]),
        known=column([one.known for one in pieces]),
        requests=column([one.requests for one in pieces]),
        errors_5xx=column([one.errors_5xx for one in pieces]),
        errors_4xx=column([one.errors_4xx for one in pieces]),
        doubts={first + row: of for first, one in zip(firsts, pieces, strict=False) for row, of in one.doubts.items()},
        percentiles_ms=column([one.percentiles_ms for one in pieces]),
        latencies=[(first + row, of) for first, one in zip(firsts, pieces, strict=False) for row, of in one.latencies],
        looked_up=column([one.looked_up for one in pieces]),
        hits=column([one.hits for one in pieces]),
        misses=column([one.misses for one in pieces]),
        cost_usd=column([one.cost_usd for one in pieces]),
    )


def _where(mask: Mask, column: Ints, rows: Ints) -> list[int | None]:
    return [value if here else None for here, value in zip(mask[rows].tolist(), column[rows].tolist(), strict=True)]


def _known(column: Floats) -> list[float | None]:
    """None for what is NaN."""
    return [value if value == value else None for value in column.tolist()]  # noqa: PLR0124
