"""google.monitoring.dashboard.v1.DashboardsService: dashboards are kept and given back, with etags; none is drawn."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from google.cloud.monitoring_dashboard_v1 import DashboardsServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.paging import page
from sandbox.google.refusal import aborted, already_exists, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

MAX_WIDGETS = 100
_LAYOUTS = ("grid_layout", "mosaic_layout", "row_layout", "column_layout")


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
        layout = next((name for name in _LAYOUTS if dashboard.HasField(name)), None)
        if layout is None:
            raise invalid_argument("Field dashboard.layout had an invalid value: one layout is required.")
        if layout == "mosaic_layout":
            _check_mosaic(dashboard.mosaic_layout)


def _check_mosaic(layout: Any) -> None:
    columns = layout.columns
    if not 1 <= columns <= 48:
        raise invalid_argument("Field dashboard.mosaicLayout.columns had an invalid value: 1 to 48 columns.")
    if len(layout.tiles) > MAX_WIDGETS:
        raise invalid_argument(f"Field dashboard.mosaicLayout.tiles had an invalid value: at most {MAX_WIDGETS} tiles.")
    for number, tile in enumerate(layout.tiles):
        if tile.width < 1 or tile.height < 1 or tile.x_pos + tile.width > columns:
            raise invalid_argument(f"Field dashboard.mosaicLayout.tiles[{number}] lies outside the {columns} columns.")
