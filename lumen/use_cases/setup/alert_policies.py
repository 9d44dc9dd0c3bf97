"""The alert policies that `lumen setup` keeps: what Google says of Lumen's own metrics when Slack does not."""

from collections.abc import Iterator
from typing import Any

from lumen.model.messages import message
from lumen.model.metrics import HEARTBEAT
from lumen.model.setup import Kind, LeftOut, Wanted
from lumen.wording.catalogue import Catalogue

#: Per cent.
LEAST_ROI, LEAST_HIT_RATE = 300.0, 70.0
SILENT = "Lumen is silent"


def policies(publishes: bool, email: bool, host: str, words: Catalogue) -> Iterator[Wanted | LeftOut]:
    """`publishes`: without figures there is nothing to judge. `email`: whom they tell; Slack hears it from Lumen.
    `host`: that of the uptime check, "" without one.
    """
    for key, title, metric, condition in (
        ("roi", "ROI_Degradation", "roi_percentage", _below("roi_percentage", LEAST_ROI, 15)),
        ("hit-rate", "Cache_HitRate_Low", "cache_hit_rate", _below("cache_hit_rate", LEAST_HIT_RATE, 10)),
        ("heartbeat", SILENT, HEARTBEAT, _absent(HEARTBEAT, 15)),
    ):
        if publishes:
            yield _policy(key, title, condition, email, words, f"{Kind.METRIC}.{metric}")
        else:
            yield LeftOut(Kind.POLICY, title, message("setup.publishes_nothing"))
    if host:
        yield _policy("uptime", "Service_Unreachable", _unreachable(host), email, words)


def _policy(key: str, title: str, condition: dict[str, Any], email: bool, words: Catalogue, *needs: str) -> Wanted:
    name = key.replace("-", "_")
    body = {
        "displayName": title,
        "combiner": "OR",
        "conditions": [{"displayName": words.plain(message(f"setup.policy_{name}")), **condition}],
        "documentation": {"content": words.plain(message(f"setup.policy_{name}_text")), "mimeType": "text/markdown"},
        "alertStrategy": {"autoClose": "86400s"},
        "notificationChannels": ["${channel.email}"] if email else [],
    }
    return Wanted(Kind.POLICY, key, title, body, needs=(*needs, *((f"{Kind.CHANNEL}.email",) if email else ())))


def _unreachable(host: str) -> dict[str, Any]:
    """From more than one place, as Google's own policies for uptime checks have it."""
    metric = "monitoring.googleapis.com/uptime_check/check_passed"
    return {
        "conditionThreshold": {
            "filter": f'metric.type = "{metric}" AND resource.type = "uptime_url" AND resource.label.host = "{host}"',
            "comparison": "COMPARISON_GT",
            "thresholdValue": 1.0,
            "duration": "300s",
            "aggregations": [
                {
                    "alignmentPeriod": "1200s",
                    "perSeriesAligner": "ALIGN_NEXT_OLDER",
                    "crossSeriesReducer": "REDUCE_COUNT_FALSE",
                    "groupByFields": ["resource.label.host"],
                }
            ],
            "trigger": {"count": 1},
        }
    }


def _below(metric: str, limit: float, minutes: int) -> dict[str, Any]:
    """A figure that is not known opens nothing."""
    judged = _judged(metric, minutes, "ALIGN_MEAN", "REDUCE_MEAN")
    return {"conditionThreshold": {**judged, "comparison": "COMPARISON_LT", "thresholdValue": limit}}


def _absent(metric: str, minutes: int) -> dict[str, Any]:
    return {"conditionAbsent": _judged(metric, minutes, "ALIGN_COUNT", "REDUCE_SUM")}


def _judged(metric: str, minutes: int, aligner: str, reducer: str) -> dict[str, Any]:
    """One of Lumen's own metrics over so many minutes, each service by itself."""
    return {
        "filter": f'metric.type = "custom.googleapis.com/{metric}" AND resource.type = "generic_task"',
        "duration": f"{60 * minutes}s",
        "aggregations": [
            {
                "alignmentPeriod": "300s",
                "perSeriesAligner": aligner,
                "crossSeriesReducer": reducer,
                "groupByFields": ["resource.label.job"],
            }
        ],
        "trigger": {"count": 1},
    }
