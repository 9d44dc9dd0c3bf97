"""More services with synthetic metrics, to see what a fleet of hundreds costs whoever watches it.

Their series are closed formulas of time: nothing is stored, nothing runs, and windows add up however they are cut.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi, sin

from sandbox.google.cloud import GoogleCloud
from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.catalogue import LATENCY_BUCKETS
from sandbox.google.monitoring.metric import Histogram, Value
from sandbox.google.monitoring.series import MINUTE, CountingSeries, GaugeSeries, Labels
from sandbox.google.run.messages import LATEST, Service
from sandbox.google.run.resource import Change, ServiceResource
from sandbox.ion.config import IonConfig
from sandbox.ion.demand import DAY
from sandbox.ion.latency import HIT, MISS
from sandbox.ion.place import image_of
from sandbox.ion.revisionmeter import response_labels

#: The services are as old, whatever their metrics are.
_AGE_DAYS = 14
#: So many curves of requests; services that share one are the same but for their names.
_SHAPES = 12
_RESPONSES = ((200, 0.9955), (404, 0.004), (500, 0.0005))


def place_fleet(config: IonConfig, cloud: GoogleCloud, now: float, count: int, days: float = 14.0) -> None:
    """Services svc-001 … with their series of so many days before."""
    hit_share = HIT.shares(LATENCY_BUCKETS)
    miss_share = MISS.shares(LATENCY_BUCKETS)
    mixed = [(i, 0.75 * h + 0.25 * m) for i, (h, m) in enumerate(zip(hit_share, miss_share, strict=True))]
    shares = [(i, s) for i, s in mixed if s > 1e-6]
    curves = [_Curve.of(_Requests(number, now), shares) for number in range(1, _SHAPES + 1)]
    for number in range(1, count + 1):
        name = f"svc-{number:03d}"
        revision = f"{name}-00001-abc"
        cloud.cloud_run.services[f"{config.location}/services/{name}"] = _service(config, name, revision, now)
        _series(config, cloud, name, revision, curves[(number - 1) % _SHAPES], now - days * DAY)


def _service(config: IonConfig, name: str, revision: str, now: float) -> ServiceResource:
    message = Service(name=f"{config.location}/services/{name}")
    container = message.template.containers.add(image=image_of(config, revision))
    container.env.add(name="DEFAULT_TTL_SECONDS", value="300")
    container.resources.limits.update({"cpu": "1", "memory": "512Mi"})
    message.traffic.add(type_=LATEST, percent=100)
    created = now - _AGE_DAYS * DAY
    resource = ServiceResource(message, created)
    resource.add_revision(revision, message.template, created)
    resource.finish(Change(created, None, revision, None), created)
    return resource


class _Requests:
    """Requests up to a time: the integral of a daily curve, from the start of the history on."""

    def __init__(self, number: int, now: float) -> None:
        self.per_second = 0.3 + number * 7 % 23 / 4
        self._since = now - _AGE_DAYS * DAY
        self._phase = 2 * pi * (number * 5 % 24) / 24
        self._depth = 0.3 + number % 4 / 10

    def rate(self, at: float) -> float:
        return self.per_second * (1 + self._depth * sin(2 * pi * at / DAY + self._phase))

    def counted(self, at: float) -> float:
        """Never falls with time."""
        swing = self._depth * DAY / (2 * pi)
        wave = cos(2 * pi * self._since / DAY + self._phase) - cos(2 * pi * at / DAY + self._phase)
        return self.per_second * (at - self._since + swing * wave)


@dataclass(frozen=True, slots=True)
class _Curve:
    """Formulas up to a time, which all series of one shape share, so that their answers are worked out once."""

    requests: Mapping[int, Callable[[int], Value]]  # by response code
    latencies: Callable[[int], Value]
    billable: Callable[[int], Value]
    instances: Callable[[int], Value]

    @staticmethod
    def of(requests: _Requests, shares: list[tuple[int, float]]) -> "_Curve":
        return _Curve(
            {code: _share_of(requests, share) for code, share in _RESPONSES},
            _distribution(requests, shares),
            _share_of(requests, 0.3, whole=False),
            lambda at: 1 + int(requests.rate(at) / 2),
        )


def _series(config: IonConfig, cloud: GoogleCloud, name: str, revision: str, curve: _Curve, begun: float) -> None:
    since = int(begun // MINUTE * MINUTE)
    resource = config.run_labels(name, revision)

    def labels(own: dict[str, str]) -> Labels:
        return Labels("cloud_run_revision", resource, own)

    for code, counted in curve.requests.items():
        own = labels(response_labels(code))
        cloud.series.add(CountingSeries(catalogue.REQUEST_COUNT, own, counted, since, None))
    own = labels(response_labels(200))
    cloud.series.add(CountingSeries(catalogue.REQUEST_LATENCIES, own, curve.latencies, since, None))
    cloud.series.add(CountingSeries(catalogue.BILLABLE_TIME, labels({}), curve.billable, since, None))
    cloud.series.add(GaugeSeries(catalogue.INSTANCE_COUNT, labels({"state": "active"}), curve.instances, since))


def _share_of(requests: _Requests, share: float, whole: bool = True) -> Callable[[int], Value]:
    def counted(at: int) -> Value:
        value = requests.counted(at) * share
        return int(value) if whole else value

    return counted


def _distribution(requests: _Requests, shares: list[tuple[int, float]]) -> Callable[[int], Value]:
    def counted(at: int) -> Value:
        total = requests.counted(at) * _RESPONSES[0][1]
        counts = [0] * LATENCY_BUCKETS.size
        for bucket, share in shares:
            counts[bucket] = int(total * share)
        return Histogram(LATENCY_BUCKETS, tuple(counts), 0.0, 0.0)

    return counted
