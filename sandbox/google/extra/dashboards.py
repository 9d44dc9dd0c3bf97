"""google.monitoring.dashboard.v1.DashboardsService: dashboards are kept and given back, with etags; none is drawn."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from google.cloud.monitoring_dashboard_v1 import DashboardsServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.extra.widgets import check_layout, put_defaults
from sandbox.google.labels import check_labels
from sandbox.google.paging import page
from sandbox.google.refusal import aborted, already_exists, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn


class Dashboards:
    """The project's dashboards."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._all: dict[str, Any] = {}
        self._edits = 0
        self.rpcs: Mapping[str, Rpc] = learn(DashboardsServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "CreateDashboard": self.create,
            "ListDashboards": self.list,
            "GetDashboard": self.get,
            "UpdateDashboard": self.update,
            "DeleteDashboard": self.delete,
        }

    def _named(self, name: str) -> Any:
        found = self._all.get(name)
        if found is None:
            raise not_found(f"Could not find dashboard: {name}.")
        return found

    def create(self, request: Any) -> Any:
        """The name is made here, or the client's own is taken if it is free."""
        dashboard = type(request.dashboard)()
        dashboard.CopyFrom(request.dashboard)
        self._check(dashboard)
        self._edits += 1
        prefix = f"projects/{self._project}/dashboards/"
        dashboard.name = dashboard.name or f"{prefix}{sha256(str(self._edits).encode()).hexdigest()[:12]}"
        if not dashboard.name.startswith(prefix):
            raise invalid_argument(f"Field dashboard.name had an invalid value: must begin with {prefix}.")
        if dashboard.name in self._all:
            raise already_exists(f"Dashboard {dashboard.name} already exists.")
        return self._keep(dashboard, request.validate_only)

    def list(self, request: Any) -> Any:
        shown, token = page(
            list(self._all.values()), request.page_size, request.page_token, request.parent.encode(), 1000
        )
        response = self.rpcs["ListDashboards"].response(next_page_token=token)
        response.dashboards.extend(shown)
        return response

    def get(self, request: Any) -> Any:
        return self._named(request.name)

    def update(self, request: Any) -> Any:
        """Replaces the whole; the etag must be the current one."""
        current = self._named(request.dashboard.name)
        if request.dashboard.etag != current.etag:
            raise aborted(f"Etag '{request.dashboard.etag}' is not the current one of {current.name}: read it again.")
        dashboard = type(current)()
        dashboard.CopyFrom(request.dashboard)
        self._check(dashboard)
        return self._keep(dashboard, request.validate_only)

    def _keep(self, dashboard: Any, validate_only: bool) -> Any:
        if not validate_only:
            self._edits += 1
            put_defaults(dashboard)
            dashboard.etag = sha256(f"{dashboard.name}/{self._edits}".encode()).hexdigest()[:16]
            self._all[dashboard.name] = dashboard
        return dashboard

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        del self._all[request.name]
        return Empty()

    def _check(self, dashboard: Any) -> None:
        if not dashboard.display_name:
            raise invalid_argument("Field dashboard.displayName had an invalid value: a display name is required.")
        check_labels(dashboard.labels, "dashboard.labels")
        check_layout(dashboard)
