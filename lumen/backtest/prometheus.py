"""The answer of Prometheus to `/api/v1/query_range`: a matrix of series with their values."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from lumen.backtest.exports import FIGURES, Export, Faults, MeasuredSeries, Sample, Sum, parse_value
from lumen.backtest.history import Oddity, shown
from lumen.backtest.located import Path
from lumen.model.messages import Message, message

#: Labels that name a service, the first that is there.
SERVICE_LABELS = ("service_name", "service", "app", "job")
REVISION_LABELS = ("revision_name", "revision")


def prometheus_series(document: Mapping[str, object], export: Export, faults: Faults) -> Iterator[MeasuredSeries]:
    """Every series of the answer. A sample at t is of the step before t, as `increase(x[5m])` at t is."""
    if document.get("status") != "success":
        told = f"{document.get('errorType', '')} {document.get('error', '')}".strip()
        faults.add(("status",), Oddity.GARBAGE, message("backtest.prometheus_error", error=told or "-"))
        return
    data = document.get("data")
    kind = data.get("resultType") if isinstance(data, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    if kind != "matrix" or not isinstance(result, list):
        faults.add(("data", "resultType"), Oddity.GARBAGE, message("backtest.prometheus_matrix", found=shown(kind)))
        return
    figure = FIGURES.get(export.figure)
    if figure is None:
        faults.add((), Oddity.GARBAGE, message("backtest.export_which", known=", ".join(FIGURES)))
        return
    for nth, one in enumerate(result):
        at = ("data", "result", nth)
        labels = one.get("metric") if isinstance(one, dict) else None
        values = one.get("values") if isinstance(one, dict) else None
        if not isinstance(labels, dict) or not isinstance(values, list):
            faults.add(at, Oddity.GARBAGE, message("backtest.export_shape"))
            continue
        service = export.service or _first(labels, SERVICE_LABELS)
        if service is None:
            says = message("backtest.export_service", known=", ".join(SERVICE_LABELS))
            faults.add(at, Oddity.GARBAGE, says)
            continue
        samples = list(_samples((*at, "values"), values, faults, is_level=figure.sum is Sum.LEVEL))
        yield MeasuredSeries(at, service, (figure,), samples, _first(labels, REVISION_LABELS))


def _samples(at: Path, values: list[object], faults: Faults, *, is_level: bool) -> Iterator[Sample]:
    known: dict[float, tuple[Path, float]] = {}
    for nth, pair in enumerate(values):
        place: Path = (*at, nth)
        read = _pair(pair)
        if isinstance(read, Message):
            faults.add(place, Oddity.FIELD, read)
        elif read is None:
            # NaN of a quantile is an interval without requests; of a count it is no number at all.
            if not is_level:
                faults.add(place, Oddity.FIELD, message("backtest.export_value", found="NaN"))
        elif read[0] in known:
            faults.add(place, Oddity.DUPLICATE, message("backtest.export_twice", found=read[0]))
        else:
            known[read[0]] = (place, read[1])
    instants = sorted(known)
    step = min((after - before for before, after in pairwise(instants)), default=300.0)
    for instant in instants:
        place, value = known[instant]
        yield Sample(place, instant - step, instant, value)


def _pair(pair: object) -> tuple[float, float] | Message | None:
    """Instant and value; None where it has none, the fault where it is no such pair."""
    if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[0], bool):
        return message("backtest.export_pair", found=shown(pair))
    if not isinstance(pair[0], int | float) or not 0 <= pair[0] <= LATEST:
        return message("backtest.export_pair", found=shown(pair))
    value = parse_value(pair[1])
    return value if value is None or isinstance(value, Message) else (float(pair[0]), value)


#: Seconds since the epoch, the year 2999. More are milliseconds.
LATEST = 32_503_680_000


def _first(labels: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := labels.get(name), str) and value), None)
