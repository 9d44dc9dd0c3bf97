"""A page of Cloud Monitoring's `timeSeries.list`, as its REST API gives it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from lumen.backtest.exports import FIGURES, Export, Faults, Figure, MeasuredSeries, Sample, Sum, parse_value
from lumen.backtest.history import Oddity, parse_instant, shown
from lumen.backtest.located import Path
from lumen.model.messages import Message, message
from lumen.model.snapshot import LatencyDistribution

CLOUD_RUN = "run.googleapis.com/"
REQUESTS = f"{CLOUD_RUN}request_count"
LATENCIES = f"{CLOUD_RUN}request_latencies"
#: A point of a level speaks of no time; it is taken for the minute before it.
A_MINUTE = 60.0
_CLASSES = {"5": "errors_5xx", "4": "errors_4xx"}


def monitoring_series(document: Mapping[str, object], export: Export, faults: Faults) -> Iterator[MeasuredSeries]:
    """Every series of the page. Cloud Run's requests and latencies name themselves; others need a figure."""
    listed = document.get("timeSeries")
    if document.get("nextPageToken"):
        faults.add(("nextPageToken",), Oddity.GAP, message("backtest.monitoring_page"))
    if not isinstance(listed, list):
        faults.add(("timeSeries",), Oddity.GARBAGE, message("backtest.export_shape"))
        return
    for nth, one in enumerate(listed):
        at = ("timeSeries", nth)
        points = one.get("points") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(points, list):
            faults.add(at, Oddity.GARBAGE, message("backtest.export_shape"))
            continue
        labels = {**_labels(one, "metric"), **_labels(one, "resource")}
        figures = _figures(export, _type(one), labels)
        service = export.service or labels.get("service_name")
        if figures is None:
            says = message("backtest.monitoring_which", metric=shown(_type(one)), known=", ".join(FIGURES))
            faults.add(at, Oddity.GARBAGE, says)
        elif not service:
            faults.add(at, Oddity.GARBAGE, message("backtest.export_service", known="service_name"))
        else:
            samples = list(_samples((*at, "points"), points, faults))
            is_sparse = one.get("metricKind") == "DELTA"
            project = labels.get("project_id", "") if _type(one).startswith(CLOUD_RUN) else None
            yield MeasuredSeries(at, service, figures, samples, labels.get("revision_name"), is_sparse, project)


def _figures(export: Export, metric: str, labels: Mapping[str, str]) -> Sequence[Figure] | None:
    """The figures that a series tells; nothing for a distribution, whose samples speak for themselves."""
    if export.figure:
        return (FIGURES[export.figure],)
    if metric == LATENCIES:
        return ()
    if metric != REQUESTS:
        return None
    code = labels.get("response_code_class") or labels.get("response_code", "")
    requests = Figure("requests", Sum.COUNT)
    if not code:
        return (requests,)
    # All classes are written together: where there are requests of one and none of another, the other has none.
    return requests, *(Figure(name, Sum.COUNT, float(code[0] == first)) for first, name in _CLASSES.items())


def _type(series: Mapping[str, object]) -> str:
    metric = series.get("metric")
    found = metric.get("type") if isinstance(metric, dict) else None
    return found if isinstance(found, str) else ""


def _labels(series: Mapping[str, object], part: str) -> Mapping[str, str]:
    owner = series.get(part)
    labels = owner.get("labels") if isinstance(owner, dict) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _samples(at: Path, points: list[object], faults: Faults) -> Iterator[Sample]:
    """Monitoring lists the newest first; in which order they come plays no part."""
    seen: set[datetime] = set()
    for nth, point in enumerate(points):
        place = (*at, nth)
        interval = point.get("interval") if isinstance(point, dict) else None
        given = interval if isinstance(interval, dict) else {}
        end = parse_instant(given.get("endTime"))
        start = parse_instant(given.get("startTime")) or end
        value = _value(point.get("value") if isinstance(point, dict) else None)
        if end is None or start is None or start > end:
            faults.add(place, Oddity.FIELD, message("backtest.monitoring_interval", found=shown(interval)))
        elif isinstance(value, Message):
            faults.add(place, Oddity.FIELD, value)
        elif end in seen:
            faults.add(place, Oddity.DUPLICATE, message("backtest.export_twice_at", end_at=end.isoformat()))
        elif value is not None:
            seen.add(end)
            begun = start.timestamp() if start < end else end.timestamp() - A_MINUTE
            yield Sample(place, begun, end.timestamp(), value)


def _value(given: object) -> float | LatencyDistribution | Message | None:
    if not isinstance(given, dict):
        return message("backtest.export_value", found=shown(given))
    for name in ("int64Value", "doubleValue"):
        if name in given:
            return parse_value(given[name])
    return _distribution(given.get("distributionValue"))


def _distribution(given: object) -> LatencyDistribution | Message:
    """Counts by buckets, in milliseconds as Cloud Run's are."""
    wrong = message("backtest.monitoring_distribution", found=shown(given))
    if not isinstance(given, dict):
        return wrong
    options, counts = given.get("bucketOptions"), given.get("bucketCounts", [])
    try:
        bounds = _bounds(options if isinstance(options, dict) else {})
        whole = tuple(int(count) for count in counts)
    except (KeyError, TypeError, ValueError, OverflowError):
        return wrong
    return LatencyDistribution(bounds, whole) if bounds and len(whole) <= len(bounds) + 1 else wrong


def _bounds(options: Mapping[str, Any]) -> tuple[float, ...]:
    """Ascending. Raises KeyError, TypeError or ValueError where they are not told."""
    if "explicitBuckets" in options:
        return tuple(float(bound) for bound in options["explicitBuckets"]["bounds"])
    if "exponentialBuckets" in options:
        of = options["exponentialBuckets"]
        scale, growth = float(of["scale"]), float(of["growthFactor"])
        return tuple(scale * growth**i for i in range(int(of["numFiniteBuckets"]) + 1))
    of = options["linearBuckets"]
    return tuple(float(of["offset"]) + float(of["width"]) * i for i in range(int(of["numFiniteBuckets"]) + 1))
