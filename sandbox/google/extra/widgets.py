"""What Monitoring refuses of a dashboard's layout and widgets."""

from collections.abc import Iterator
from typing import Any

from sandbox.google.monitoring.filters import FilterError, parse
from sandbox.google.refusal import invalid_argument

MAX_WIDGETS = 100
LAYOUTS = ("grid_layout", "mosaic_layout", "row_layout", "column_layout")
_LEAST_PERIOD = 60
_LINE = _Y1 = 1
_Placed = tuple[str, Any]  # where it stands, and what


def check_layout(dashboard: Any) -> None:
    """Raises Refusal."""
    layout = next((name for name in LAYOUTS if dashboard.HasField(name)), None)
    if layout is None:
        raise _bad("layout", "one layout is required")
    if layout == "mosaic_layout":
        _check_mosaic(dashboard.mosaic_layout)
    widgets = list(_widgets(dashboard, layout))
    if len(widgets) > MAX_WIDGETS:
        raise _bad(layout, f"at most {MAX_WIDGETS} widgets")
    for where, widget in widgets:
        _check_widget(where, widget)


def _widgets(dashboard: Any, layout: str) -> Iterator[_Placed]:
    placed = getattr(dashboard, layout)
    if layout == "mosaic_layout":
        yield from ((f"mosaicLayout.tiles[{n}].widget", tile.widget) for n, tile in enumerate(placed.tiles))
    elif layout == "grid_layout":
        yield from ((f"gridLayout.widgets[{n}]", widget) for n, widget in enumerate(placed.widgets))
    else:
        for n, line in enumerate(placed.rows if layout == "row_layout" else placed.columns):
            yield from ((f"{layout}[{n}].widgets[{m}]", widget) for m, widget in enumerate(line.widgets))


def put_defaults(dashboard: Any) -> None:
    """What Monitoring fills in by itself; clients that compare whole bodies find a difference for ever."""
    layout = next(name for name in LAYOUTS if dashboard.HasField(name))
    for _, widget in _widgets(dashboard, layout):
        if widget.WhichOneof("content") != "xy_chart":
            continue
        chart = widget.xy_chart
        chart.timeshift_duration.SetInParent()
        for one in chart.data_sets:
            one.plot_type = one.plot_type or _LINE
            one.target_axis = one.target_axis or _Y1
            if not one.HasField("min_alignment_period"):
                one.min_alignment_period.seconds = _LEAST_PERIOD


def _check_mosaic(layout: Any) -> None:
    if not 1 <= layout.columns <= 48:
        raise _bad("mosaicLayout.columns", "1 to 48 columns")
    taken: dict[tuple[int, int], int] = {}
    for number, tile in enumerate(layout.tiles):
        if tile.width < 1 or tile.height < 1 or tile.x_pos + tile.width > layout.columns:
            raise invalid_argument(
                f"Field dashboard.mosaicLayout.tiles[{number}] lies outside the {layout.columns} columns."
            )
        for x in range(tile.x_pos, tile.x_pos + tile.width):
            for y in range(tile.y_pos, tile.y_pos + tile.height):
                if (other := taken.setdefault((x, y), number)) != number:
                    raise _bad(f"mosaicLayout.tiles[{number}]", f"it overlaps tiles[{other}]")


def _check_widget(where: str, widget: Any) -> None:
    content = widget.WhichOneof("content")
    if content is None:
        raise _bad(where, "a widget needs one content")
    if content == "scorecard":
        _check_query(f"{where}.scorecard", widget.scorecard.time_series_query)
    elif content in ("xy_chart", "time_series_table", "pie_chart"):
        sets = getattr(widget, content).data_sets
        if not sets:
            raise _bad(f"{where}.{content}.dataSets", "at least one is required")
        for number, one in enumerate(sets):
            _check_query(f"{where}.{content}.dataSets[{number}]", one.time_series_query)


def _check_query(where: str, query: Any) -> None:
    source = query.WhichOneof("source")
    if source is None:
        raise _bad(f"{where}.timeSeriesQuery", "a source is required")
    if source != "time_series_filter":
        return
    told = query.time_series_filter
    try:
        wanted = parse(told.filter)
    except FilterError as reason:
        raise _bad(f"{where}.timeSeriesQuery.timeSeriesFilter.filter", str(reason)) from reason
    if not any(one.selector.field == "metric.type" for one in wanted.comparisons):
        raise _bad(f"{where}.timeSeriesQuery.timeSeriesFilter.filter", "must specify a metric type")
    how = told.aggregation
    if how.per_series_aligner and how.alignment_period.seconds < _LEAST_PERIOD:
        raise _bad(f"{where}…aggregation.alignmentPeriod", f"at least {_LEAST_PERIOD}s with an aligner")
    if how.cross_series_reducer and not how.per_series_aligner:
        raise _bad(f"{where}…aggregation", "a reducer needs an aligner")


def _bad(field: str, why: str) -> Exception:
    return invalid_argument(f"Field dashboard.{field} had an invalid value: {why}.")
