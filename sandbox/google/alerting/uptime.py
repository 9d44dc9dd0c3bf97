"""google.monitoring.v3.UptimeCheckService: checks of the simulated service, asked from six places each period."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from google.cloud.monitoring_v3 import UptimeCheckServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.labels import check_labels
from sandbox.google.masks import copy_masked
from sandbox.google.monitoring.catalogue import UPTIME_PASSED
from sandbox.google.monitoring.series import Labels, Point
from sandbox.google.monitoring.store import SeriesStore
from sandbox.google.paging import page
from sandbox.google.refusal import invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

PERIODS = (60, 300, 600, 900)
MAX_TIMEOUT = 60
PLACES = ("usa-iowa", "usa-oregon", "usa-virginia", "eur-belgium", "sa-brazil-sao_paulo", "apac-singapore")
_MUTABLE = ("display_name", "http_check", "period", "timeout", "content_matchers", "selected_regions", "user_labels")


class UptimeChecks:
    """The project's uptime checks. `fails` says which share of the probes fails now, whatever they ask for."""

    def __init__(self, project: str, series: SeriesStore, random: Random) -> None:
        self.fails: Callable[[], float] = lambda: 0.0
        self._parent = f"projects/{project}"
        self._series = series
        self._random = random
        self._asked_at: dict[str, float] = {}
        self._all: dict[str, Any] = {}
        self._number = 0
        self.rpcs: Mapping[str, Rpc] = learn(UptimeCheckServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListUptimeCheckConfigs": self.list,
            "GetUptimeCheckConfig": lambda request: self._named(request.name),
            "CreateUptimeCheckConfig": self.create,
            "UpdateUptimeCheckConfig": self.update,
            "DeleteUptimeCheckConfig": self.delete,
        }

    def _named(self, name: str) -> Any:
        found = self._all.get(name)
        if found is None:
            raise not_found(f"Could not find uptime check: {name}.")
        return found

    def list(self, request: Any) -> Any:
        shown, token = page(
            list(self._all.values()), request.page_size, request.page_token, request.parent.encode(), 1000
        )
        response = self.rpcs["ListUptimeCheckConfigs"].response(next_page_token=token, total_size=len(self._all))
        response.uptime_check_configs.extend(shown)
        return response

    def create(self, request: Any) -> Any:
        """Not idempotent: the name is made here."""
        if request.parent != self._parent:
            raise not_found(f"Cannot find project '{request.parent}'; this sandbox has '{self._parent}'.")
        check = type(request.uptime_check_config)()
        check.CopyFrom(request.uptime_check_config)
        self._number += 1
        check.name = f"{self._parent}/uptimeCheckConfigs/lumen-{self._number}-{check.monitored_resource.type}"
        return self._keep(check)

    def update(self, request: Any) -> Any:
        """The resource that is looked at cannot change."""
        current = self._named(request.uptime_check_config.name)
        wanted = type(current)()
        wanted.CopyFrom(current)
        paths = list(request.update_mask.paths)
        frozen = ", ".join(sorted({path.partition(".")[0] for path in paths} - set(_MUTABLE)))
        if frozen:
            raise invalid_argument(f"Field update_mask had an invalid value: {frozen} cannot change.")
        copy_masked(request.uptime_check_config, wanted, paths or _MUTABLE)
        return self._keep(wanted)

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        del self._all[request.name]
        return Empty()

    def advance(self) -> None:
        """Ask from every place what is due by now; one place after the other."""
        now = self._series.now()
        for name, check in self._all.items():
            step = check.period.seconds / len(PLACES)
            while (at := self._asked_at[name] + step) <= now:
                self._asked_at[name] = at
                self._ask(check, PLACES[round(at / step) % len(PLACES)], at)

    def _ask(self, check: Any, place: str, at: float) -> None:
        resource = {**check.monitored_resource.labels, "project_id": self._parent.removeprefix("projects/")}
        metric = {"check_id": check.name.rsplit("/", 1)[-1], "checker_location": place, "contacted_ip": ""}
        labels = Labels(check.monitored_resource.type, resource, metric)
        passed = self._random.random() >= self.fails()
        self._series.open_written(UPTIME_PASSED, labels).put(Point(at, at, passed))

    def _keep(self, check: Any) -> Any:
        self._check(check)
        self._all[check.name] = check
        self._asked_at.setdefault(check.name, self._series.now())
        return check

    def _check(self, check: Any) -> None:
        if not check.display_name:
            raise _bad("displayName", "a display name is required")
        if check.WhichOneof("resource") is None or check.WhichOneof("check_request_type") is None:
            raise _bad("resource", "one resource and one kind of check are required")
        if check.monitored_resource.type == "uptime_url" and not check.monitored_resource.labels.get("host"):
            raise _bad("monitoredResource.labels", "'host' is required")
        if check.period.seconds not in PERIODS:
            raise _bad("period", f"one of {', '.join(f'{one}s' for one in PERIODS)}")
        if not 1 <= check.timeout.seconds <= MAX_TIMEOUT:
            raise _bad("timeout", f"1 to {MAX_TIMEOUT} seconds")
        if check.http_check.validate_ssl and not check.http_check.use_ssl:
            raise _bad("httpCheck.validateSsl", "needs useSsl")
        check_labels(check.user_labels, "uptimeCheckConfig.userLabels")


def _bad(field: str, why: str) -> Exception:
    return invalid_argument(f"Field uptimeCheckConfig.{field} had an invalid value: {why}.")
