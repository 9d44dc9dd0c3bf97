"""Objectives from OpenSLO files (openslo/v1, https://github.com/OpenSLO/OpenSLO) that Lumen measures as they are meant.

An indicator is known by the Cloud Monitoring metric that its `metricSource.spec.metric` names. What is not taken is
named with its place (docs/services-file.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.marked_yaml import Node, NotReadable, Place, read_documents
from bot.services_schema import Said, Wrong
from lumen.model.messages import Message, message

VERSION = "openslo/v1"
REQUESTS = "run.googleapis.com/request_count"
LATENCIES = "run.googleapis.com/request_latencies"
HIT_RATIO = "redis.googleapis.com/stats/cache_hit_ratio"
#: Of availability in Lumen: a slice of five minutes is good while at most 5 % of its requests fail.
SLICE, GOOD_SLICE = ("5m", "5"), 0.95
#: The window of Lumen's error budgets.
WINDOW = "30d"
#: The share of requests that P95 and P99 speak of, by SLO_PRESET.
SHARES = {"default": {"slo_p95_ms": 0.95, "slo_p99_ms": 0.99}, "guide": {"slo_p95_ms": 0.90, "slo_p99_ms": 0.99}}
_KEYS = {
    "slo_availability": "availability",
    "slo_error_rate": "error_rate",
    "slo_p95_ms": "p95_ms",
    "slo_p99_ms": "p99_ms",
    "slo_hit_rate": "hit_rate",
}


@dataclass(slots=True)
class Taken:
    """What one file says of one service."""

    objectives: dict[str, Said] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)


class OpenSlo:
    """The OpenSLO files beside a services file, each read once. `notes`: what of them is not taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Sequence[Node] | Wrong] = {}
        self._notes: dict[Place, Message] = {}

    @property
    def notes(self) -> Sequence[tuple[Place, Message]]:
        """In the order of their places."""
        return sorted(self._notes.items(), key=lambda note: note[0])

    def of(self, service: str, file: Said, preset: str) -> Taken:
        """The objectives of the SLOs whose `spec.service` is this service."""
        documents = self._read(file)
        taken = Taken()
        if isinstance(documents, Wrong):
            taken.wrong.append(documents)
            return taken
        own = [one for one in documents if _text(one, "kind") == "SLO" and _text(one, "spec", "service") == service]
        if not own:
            taken.wrong.append(Wrong(file.place, "setting.slo_none", {"file": file.text, "service": service}))
        indicators = {_text(one, "metadata", "name"): one for one in documents if _text(one, "kind") == "SLI"}
        for slo in own:
            self._take(taken, slo, indicators, SHARES.get(preset, SHARES["default"]))
        return taken

    def _read(self, file: Said) -> Sequence[Node] | Wrong:
        if file.text not in self._files:
            self._files[file.text] = self._opened(file)
        return self._files[file.text]

    def _opened(self, file: Said) -> Sequence[Node] | Wrong:
        path = self._folder / file.text
        try:
            documents = read_documents(path, str(path))
        except NotReadable as error:
            return Wrong(error.place, error.wrong.code, error.wrong.params)
        except OSError as error:
            why = message("setting.yaml_unreadable", error=type(error).__name__)
            return Wrong(file.place, "setting.slo_unreadable", {"file": file.text, "why": why})
        for document in documents:
            version, kind = _text(document, "apiVersion"), _text(document, "kind")
            if version != VERSION:
                return Wrong(document.place, "setting.slo_version", {"version": version or "?", "wanted": VERSION})
            if kind not in ("SLO", "SLI", "Service"):
                self._note(document, kind or "?", message("setting.slo_kind", kind=kind or "?"))
        return documents

    def _take(self, taken: Taken, slo: Node, indicators: Mapping[str, Node], shares: Mapping[str, float]) -> None:
        spec, name = slo.get("spec"), _text(slo, "metadata", "name") or "?"
        if spec is None:
            return
        windows = spec.get("timeWindow")
        for window in (windows.items if windows is not None else None) or ():
            if _text(window, "duration") != WINDOW or _text(window, "isRolling") != "true":
                self._note(window, name, message("setting.slo_window", window=_text(window, "duration") or "?"))
        policies = spec.get("alertPolicies")
        if policies is not None and policies.items:
            self._note(policies, name, Message("setting.slo_policies", {}))
        source = spec.get("indicator", "spec") or indicators.get(_text(spec, "indicatorRef"), Node(spec.place)).get(
            "spec"
        )
        objectives = spec.get("objectives")
        for objective in (objectives.items if objectives is not None else None) or ():
            self._objective(taken, name, _Objective(spec, source, objective), shares)

    def _objective(self, taken: Taken, name: str, one: "_Objective", shares: Mapping[str, float]) -> None:
        read = one.read(shares)
        place = one.objective.place
        if isinstance(read, Message):
            self._note(one.objective, name, read)
            return
        setting, value = read
        if setting in taken.objectives:
            other = str(taken.objectives[setting].place)
            taken.wrong.append(Wrong(place, "setting.slo_twice", {"name": name, "key": _KEYS[setting], "other": other}))
        taken.objectives[setting] = Said(place, value, f"objectives.{_KEYS[setting]}")

    def _note(self, node: Node, name: str, why: Message) -> None:
        self._notes[node.place] = message("setting.slo_left", name=name, why=why)


@dataclass(frozen=True, slots=True)
class _Objective:
    """One objective with the indicator that it is of."""

    spec: Node
    indicator: Node | None
    objective: Node

    def read(self, shares: Mapping[str, float]) -> tuple[str, str] | Message:
        """The setting that it is and its value, or why it is none that Lumen measures."""
        if self.indicator is None or self.objective.get("indicator") or self.objective.get("indicatorRef"):
            return Message("setting.slo_no_indicator", {})
        target = self._target()
        if target is None:
            return Message("setting.slo_target", {})
        threshold, ratio = self.indicator.get("thresholdMetric"), self.indicator.get("ratioMetric")
        if threshold is not None:
            return self._latency(threshold, target, shares)
        if ratio is not None and ratio.get("raw") is not None:
            return self._hit_rate(ratio, target)
        return self._requests(ratio, target)

    def _target(self) -> float | None:
        """0-1; None where it says none, or two."""
        share, percent = (_number(self.objective, name) for name in ("target", "targetPercent"))
        if (share is None) == (percent is None):
            return None
        return share if share is not None else (percent or 0) / 100

    def _latency(self, threshold: Node, target: float, shares: Mapping[str, float]) -> tuple[str, str] | Message:
        problem = _unlike(threshold, {"metric": LATENCIES}) or self._not_by_occurrences()
        if problem is not None:
            return problem
        if _text(self.objective, "op") not in ("lt", "lte") or _number(self.objective, "value") is None:
            return Message("setting.slo_op", {})
        for setting, share in shares.items():
            if abs(share - target) < 1e-9:
                return setting, _text(self.objective, "value")
        known = ", ".join(f"{100 * share:g}%" for share in shares.values())
        return message("setting.slo_percentile", target=f"{100 * target:g}%", known=known)

    def _hit_rate(self, ratio: Node, target: float) -> tuple[str, str] | Message:
        problem = _unlike(ratio.get("raw"), {"metric": HIT_RATIO}) or self._not_by_occurrences()
        if problem is None and _text(ratio, "rawType") != "success":
            problem = Message("setting.slo_raw_type", {})
        return problem or ("slo_hit_rate", _share(target))

    def _requests(self, ratio: Node | None, target: float) -> tuple[str, str] | Message:
        """Failed requests: of all of them by occurrences, or slices in which few fail."""
        failed = {"metric": REQUESTS, "response_code_class": "5xx"}
        problem = Message("setting.slo_bad_total", {}) if ratio is None or ratio.get("good") else None
        if ratio is not None:
            problem = problem or _unlike(ratio.get("bad"), failed) or _unlike(ratio.get("total"), {"metric": REQUESTS})
        if problem is not None:
            return problem
        if _text(self.spec, "budgetingMethod") == "Timeslices":
            good = _number(self.objective, "timeSliceTarget")
            is_slice = _text(self.objective, "timeSliceWindow") in SLICE and good == GOOD_SLICE
            return ("slo_availability", _share(target)) if is_slice else Message("setting.slo_slices", {})
        return self._not_by_occurrences() or ("slo_error_rate", _share(1 - target))

    def _not_by_occurrences(self) -> Message | None:
        method = _text(self.spec, "budgetingMethod")
        return None if method == "Occurrences" else message("setting.slo_method", method=method or "?")


def _unlike(metric: Node | None, wanted: Mapping[str, str]) -> Message | None:
    """Why a metric is none that Lumen measures: another one, or one of which only a part is meant."""
    spec = metric.get("metricSource", "spec") if metric is not None else None
    found = {name: value.text for name, value in spec.by_name.items()} if spec is not None else {}
    if found.get("metric") != wanted["metric"]:
        return message("setting.slo_metric", metric=found.get("metric") or "?", known=wanted["metric"])
    for name in (*found, *wanted):
        if found.get(name) != wanted.get(name):
            return message("setting.slo_filter", name=name, metric=wanted["metric"])
    return None


def _text(node: Node, *names: str) -> str:
    found = node.get(*names)
    return (found.text if found is not None else None) or ""


def _number(node: Node, name: str) -> float | None:
    try:
        return float(_text(node, name))
    except ValueError:
        return None


def _share(value: float) -> str:
    return f"{100 * value:.10g}%"
