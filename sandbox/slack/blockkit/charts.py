"""Charts that Slack draws itself (`data_visualization`): one number for each category and series, and nothing else."""

import math
from typing import Any

from sandbox.slack.blockkit.rules import Report, Shape, by_type, items, string

CHARTS = 2


def _number(report: Report, value: Any, path: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        report.say("must be a number", path)


def _texts(value: Any, name: str) -> list[str]:
    """What the objects of a list say under `name`; whatever is of another shape has been refused already."""
    found = [one.get(name) for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return [text for text in found if isinstance(text, str)]


def _distinct(report: Report, texts: list[str], path: str) -> None:
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        report.say(f"duplicate label: {text}", path)


def _a_point_for_each_category(report: Report, value: Any, path: str) -> None:
    series, axes = value.get("series"), value.get("axis_config")
    categories = axes.get("categories") if isinstance(axes, dict) else None
    if not isinstance(series, list) or not isinstance(categories, list):
        return
    named = [category for category in categories if isinstance(category, str)]
    _distinct(report, named, f"{path}/axis_config/categories")
    _distinct(report, _texts(series, "name"), f"{path}/series")
    for index, one in enumerate(series):
        labels = _texts(one.get("data") if isinstance(one, dict) else None, "label")
        _distinct(report, labels, f"{path}/series/{index}/data")
        if set(labels) != set(named):
            report.say("labels must match the categories", f"{path}/series/{index}/data")


_POINT = Shape({"label": string(20, 1), "value": _number})
_SERIES = Shape({"name": string(20, 1), "data": items(_POINT, 20, 1)})
_AXES = Shape({"categories": items(string(20, 1), 20, 1)}, {"x_label": string(50), "y_label": string(50)})
_CURVES = Shape({"series": items(_SERIES, 6, 1), "axis_config": _AXES}, also=_a_point_for_each_category)
_PIE = Shape({"segments": items(_POINT, 6, 1)})

CHART = by_type({"line": _CURVES, "area": _CURVES, "bar": _CURVES, "pie": _PIE})


def count_charts(report: Report, _value: Any, path: str) -> None:
    report.charts += 1
    if report.charts > CHARTS:
        report.say(f"no more than {CHARTS} data_visualization blocks allowed", path)
