"""A history from exports: answers of Prometheus' `query_range` and pages of Cloud Monitoring's `timeSeries.list`.

Each file tells one figure, which whoever asks names; those of Cloud Run itself name themselves. The two shapes are read
in `prometheus.py` and `monitoring.py`; `imported.py` makes slices of their samples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lumen.backtest.history import LARGEST, Oddity, Problem, shown
from lumen.backtest.located import Located, Path, shown_path
from lumen.backtest.packed import COUNTS
from lumen.model.messages import Message, message
from lumen.model.snapshot import LatencyDistribution

#: Shares of the requests that the percentiles of a distribution leave behind.
PERCENTILES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


class Sum(StrEnum):
    """The ways in which the samples of one slice come together."""

    COUNT = "count"
    RATE = "rate"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Figure:
    """A field of an observation, and what a sample is multiplied by to be one of it."""

    field: str
    sum: Sum
    factor: float = 1.0


#: What a file may tell, by the name that is given for it: its unit stands in it.
FIGURES = {
    **{name: Figure(name, Sum.COUNT) for name in (*COUNTS, "cost_usd")},
    **{f"{name}_per_second": Figure(name, Sum.RATE) for name in COUNTS},
    **{name: Figure(name, Sum.LEVEL) for name in (*PERCENTILES, "memory_mb")},
    **{name.replace("_ms", "_seconds"): Figure(name, Sum.LEVEL, 1000.0) for name in PERCENTILES},
    "memory_bytes": Figure("memory_mb", Sum.LEVEL, 2.0**-20),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file. `figure` is a name of FIGURES, or empty where the export names itself; `service`: of all its series."""

    name: str
    text: str
    figure: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """`value` of (end - start] seconds since the epoch, of which `at` is the place in the file."""

    at: Path
    start: float
    end: float
    value: float | LatencyDistribution


@dataclass(frozen=True, slots=True)
class MeasuredSeries:
    """One series of a file. `is_sparse`: what it does not tell within a slice is 0, for it counts what happens.

    `project`: of a series of Cloud Run, which tells nothing while there are no requests; None of others.
    """

    at: Path
    service: str
    figures: Sequence[Figure]
    samples: Sequence[Sample]
    revision: str | None = None
    is_sparse: bool = False
    project: str | None = None


class Faults:
    """Problems of one file, named by its line and by the place in it."""

    def __init__(self, export: Export, problems: list[Problem]) -> None:
        self._export = export
        self._problems = problems
        self._located = Located(export.text)

    def add(self, at: Path, oddity: Oddity, says: Message) -> None:
        """A fault at that place."""
        told = message("backtest.export_at", at=shown_path(at) or "-", problem=says)
        self._problems.append(Problem(self._located.line(at), oddity, told, name=self._export.name))

    def unreadable(self, line: int, says: Message) -> None:
        """The whole file is no use."""
        self._problems.append(Problem(line, Oddity.GARBAGE, says, name=self._export.name))


def parse_value(value: object) -> float | Message | None:
    """A number of a sample; None where it says that it has none, the fault where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return message("backtest.export_value", found=shown(value))
    try:
        number = float(value)
    except ValueError:
        return message("backtest.export_value", found=shown(value))
    if math.isnan(number):
        return None
    return number if 0 <= number <= LARGEST else message("backtest.export_value", found=shown(value))
