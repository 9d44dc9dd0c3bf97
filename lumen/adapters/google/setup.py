"""`lumen.ports.setup.CloudResources`: each kind is a row of one table, its bodies the API's own JSON.

Lumen's mark is the label `managed-by=lumen` with `lumen-key` and `lumen-applied`; where an API has no labels, the
end of the description says the same. A budget has neither: it goes by its name, and its topic's label.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, TypeVar

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from lumen.adapters.google import errors, grants, project_access
from lumen.adapters.google.clients import PATIENCE, Patience
from lumen.adapters.google.errors import FAILURES, GoogleApi, reading, refusal
from lumen.adapters.google.grants import Grants, name_of
from lumen.adapters.google.project_access import ProjectAccess
from lumen.model.messages import SourceUnavailable, with_remedy
from lumen.model.setup import Body, Found, Kind

T = TypeVar("T")

OWNER, KEY, APPLIED = "managed-by", "lumen-key", "lumen-applied"
_DESCRIBED = re.compile(r" ?\[lumen-setup ([\w.-]+) ([0-9a-f-]+)\]$", re.ASCII)
#: What Monitoring writes into the descriptor of a metric that was first written, and never described.
_UNDESCRIBED = ("", "Auto created custom metric.")
#: Only what Lumen may have made is listed.
_CUSTOM = 'metric.type = starts_with("custom.googleapis.com/")'
_FULL_VIEW = 1


@dataclass(frozen=True, slots=True)
class _Row:
    """`noun`: as the client's methods and requests say it; `where`: the parent, and the request's field for it.

    `mark`: the field of the labels, or "description"; "" where there is no room for one.
    """

    api: GoogleApi
    package: str
    client: str
    message: str
    noun: str
    where: tuple[str, str]
    mark: str
    listed: Mapping[str, Any] = field(default_factory=dict)
    by: str = "name"

    @property
    def plural(self) -> str:
        return "alert_policies" if self.noun == "alert_policy" else f"{self.noun}s"


_MONITORING = "google.cloud.monitoring_v3"
_ROWS: Mapping[Kind, _Row] = {
    Kind.METRIC: _Row(
        errors.MONITORING_SETUP, _MONITORING, "MetricServiceAsyncClient", "google.api.metric_pb2.MetricDescriptor",
        "metric_descriptor", ("name", "project"), "description", {"filter": _CUSTOM},
    ),
    Kind.ROLE: _Row(
        errors.IAM, "google.cloud.iam_admin_v1", "IAMAsyncClient", "Role",
        "role", ("parent", "project"), "description", {"view": _FULL_VIEW},
    ),
    Kind.TOPIC: _Row(
        errors.PUBSUB_SETUP, "google.pubsub_v1", "PublisherAsyncClient", "Topic",
        "topic", ("project", "project"), "labels", by="topic",
    ),
    Kind.SUBSCRIPTION: _Row(
        errors.PUBSUB_SETUP, "google.pubsub_v1", "SubscriberAsyncClient", "Subscription",
        "subscription", ("project", "project"), "labels", by="subscription",
    ),
    Kind.CHANNEL: _Row(
        errors.MONITORING_SETUP, _MONITORING, "NotificationChannelServiceAsyncClient", "NotificationChannel",
        "notification_channel", ("name", "project"), "userLabels",
    ),
    Kind.JOB: _Row(
        errors.SCHEDULER, "google.cloud.scheduler_v1", "CloudSchedulerAsyncClient", "Job",
        "job", ("parent", "location"), "description",
    ),
    Kind.DASHBOARD: _Row(
        errors.MONITORING_SETUP, "google.cloud.monitoring_dashboard_v1", "DashboardsServiceAsyncClient", "Dashboard",
        "dashboard", ("parent", "project"), "labels",
    ),
    Kind.UPTIME_CHECK: _Row(
        errors.MONITORING_SETUP, _MONITORING, "UptimeCheckServiceAsyncClient", "UptimeCheckConfig",
        "uptime_check_config", ("parent", "project"), "userLabels",
    ),
    Kind.POLICY: _Row(
        errors.MONITORING_SETUP, _MONITORING, "AlertPolicyServiceAsyncClient", "AlertPolicy",
        "alert_policy", ("name", "project"), "userLabels",
    ),
    Kind.BUDGET: _Row(
        errors.BUDGETS, "google.cloud.billing.budgets_v1", "BudgetServiceAsyncClient", "Budget",
        "budget", ("parent", "account"), "",
    ),
}  # fmt: skip

#: Parts of somebody's policy, which have no message of their own.
_POLICIES = frozenset({Kind.GRANT, Kind.ACCESS})
#: A project's number by its id; "" where nobody can tell.
ProjectNumber = Callable[[str], Awaitable[str]]


@dataclass(slots=True)
class GoogleResources:
    """`make`: of `client_maker`. `account`: "billingAccounts/…", "" where none is set. `budget`: the name and the key
    of Lumen's budget. Connects lazily; close it in the same loop.
    """

    make: Callable[[Any], Any]
    project: str
    region: str
    account: str
    budget: tuple[str, str]
    number: ProjectNumber
    #: None where no account of Lumen's is known.
    access: ProjectAccess | None = None
    patience: Patience = PATIENCE
    _clients: dict[str, Any] = field(default_factory=dict, init=False)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.transport.close()

    # The port

    async def read(self, kind: Kind) -> Sequence[Found]:
        if kind is Kind.ACCESS:
            return await self.access.read() if self.access else []
        if kind is Kind.GRANT:
            return await self._grants.read([*await self.read(Kind.TOPIC), *await self.read(Kind.SUBSCRIPTION)])
        row = _ROWS[kind]
        client = self._client(row)
        parent = self._parent(row)
        with reading(row.api, row.plural, self._where(row)):
            async with asyncio.timeout(self.patience.whole_seconds):
                ask = getattr(client, f"list_{row.plural}")
                pager = await ask(request={row.where[0]: parent, **row.listed}, **self.patience.options)
                found = [self._found(kind, _as_json(one)) async for one in pager]
        return [await self._with_known_project(one) for one in found] if kind is Kind.BUDGET else found

    def settled(self, kind: Kind, body: Body) -> Body:
        if kind in _POLICIES:
            return body
        try:
            told = MessageToDict(ParseDict(dict(body), _message(_ROWS[kind])))
        except ParseError as error:
            raise ValueError(f"{kind}: {error}") from error
        return dict(_with_empty_fields(body, told))

    async def create(self, kind: Kind, key: str, applied: str, body: Body) -> str:
        if kind in _POLICIES:
            policy, api, what = self._policy(kind, body)
            return await self._granted(policy.give(body), api, what)
        row = _ROWS[kind]
        message = ParseDict(_marked(row, body, key, applied), _message(row))
        request: Any = {row.where[0]: self._parent(row), row.noun: message}
        if kind in (Kind.TOPIC, Kind.SUBSCRIPTION):
            request = _plus(row, message)
        if kind is Kind.ROLE:
            return await self._create_role(row, request, key)
        made = await self._write(row, f"create_{row.noun}", request, key)
        return str(made.name)

    async def update(self, found: Found, key: str, applied: str, body: Body, fields: Sequence[str]) -> None:
        row = _ROWS[found.kind]
        own = {"name": found.name, **({"etag": found.etag} if found.etag else {})}
        message = ParseDict({**_marked(row, body, key, applied), **own}, _message(row))
        if found.kind is Kind.METRIC:  # making one that is there changes it
            request: dict[str, Any] = {row.where[0]: self._parent(row), row.noun: message}
            await self._write(row, f"create_{row.noun}", request, found.name)
            return
        request = {row.noun: message}
        if found.kind is not Kind.DASHBOARD:  # which is replaced as a whole
            request["update_mask"] = {"paths": [_snake(one) for one in dict.fromkeys((*fields, row.mark)) if one]}
        if found.kind is Kind.ROLE:
            request["name"] = found.name
        await self._write(row, f"update_{row.noun}", request, found.name)

    async def delete(self, found: Found) -> None:
        if found.kind in _POLICIES:
            policy, api, what = self._policy(found.kind, found.body)
            await self._granted(policy.take(found.body), api, what)
            return
        row = _ROWS[found.kind]
        request: dict[str, Any] = {row.by: found.name}
        if found.kind is Kind.CHANNEL:  # Lumen's own policies let go of it
            request["force"] = True
        try:
            await self._call(row, f"delete_{row.noun}", request)
        except NotFound:
            return
        except FAILURES as error:
            raise refusal(error, row.api, found.name, self._where(row)) from error

    # How

    @property
    def _grants(self) -> Grants:
        async def call(kind: Kind, method: str, request: Any) -> Any:
            return await self._call(_ROWS[kind], method, request)

        return Grants(self.project, self.number, call)

    def _policy(self, kind: Kind, body: Body) -> tuple[Grants | ProjectAccess, GoogleApi, str]:
        """Who gives and takes roles of that kind, its API, and what it is called."""
        if kind is Kind.GRANT:
            return self._grants, grants.API, name_of(body)
        assert self.access is not None  # nobody wants any else
        return self.access, project_access.API, str(body["role"])

    async def _granted(self, change: Awaitable[T], api: GoogleApi, what: str) -> T:
        try:
            return await change
        except FAILURES as error:
            raise refusal(error, api, what, self.project) from error

    async def _create_role(self, row: _Row, request: dict[str, Any], key: str) -> str:
        """The id of a role that was deleted stays taken: it is brought back, and changed."""
        name = f"{self._parent(row)}/roles/{key}"
        try:
            try:
                await self._call(row, "create_role", {**request, "role_id": key})
            except (AlreadyExists, FailedPrecondition):
                await self._call(row, "undelete_role", {"name": name})
                await self._call(row, "update_role", {"name": name, "role": request["role"]})
        except FAILURES as error:
            raise refusal(error, row.api, name, self._where(row)) from error
        return name

    async def _write(self, row: _Row, method: str, request: Any, what: str) -> Any:
        try:
            return await self._call(row, method, request)
        except FAILURES as error:
            raise refusal(error, row.api, what, self._where(row)) from error

    async def _call(self, row: _Row, method: str, request: Any) -> Any:
        client = self._client(row)
        async with asyncio.timeout(self.patience.whole_seconds):
            return await getattr(client, method)(request=request, retry=None, timeout=self.patience.attempt_seconds)

    def _client(self, row: _Row) -> Any:
        """Raises SourceUnavailable where its package is not installed."""
        if row.client not in self._clients:
            try:
                cls = getattr(import_module(row.package), row.client)
            except ImportError as error:
                raise SourceUnavailable(*with_remedy("setup.no_client", package=row.package)) from error
            self._clients[row.client] = self.make(cls)
        return self._clients[row.client]

    def _parent(self, row: _Row) -> str:
        project = f"projects/{self.project}"
        return {"project": project, "location": f"{project}/locations/{self.region}", "account": self.account}[
            row.where[1]
        ]

    def _where(self, row: _Row) -> str:
        """As sentences name it."""
        return self._parent(row).removeprefix("projects/").replace("/locations/", "/")

    def _found(self, kind: Kind, told: dict[str, Any]) -> Found:
        row = _ROWS[kind]
        key, applied, body = _mark(row, told)
        title = str(told.get("displayName") or told.get("title") or told["name"].rpartition("/")[2])
        if kind is Kind.BUDGET and title == self.budget[0]:
            key = self.budget[1]
        nobodys = kind is Kind.METRIC and told.get("description", "") in _UNDESCRIBED
        return Found(kind, told["name"], title, body, key, applied, str(told.get("etag", "")), nobodys)

    async def _with_known_project(self, budget: Found) -> Found:
        """Google names projects in filters by number."""
        covers = budget.body.get("budgetFilter", {})
        projects = covers.get("projects", [])
        own = f"projects/{await self.number(self.project)}" if projects else ""
        named = [f"projects/{self.project}" if one == own else one for one in projects]
        body = {**budget.body, "budgetFilter": {**covers, "projects": named}} if projects else budget.body
        return replace(budget, body=body)


def _message(row: _Row) -> Any:
    """An empty message of the row's type, raw."""
    module, _, name = row.message.rpartition(".")
    found = getattr(import_module(module or row.package), name)
    return found.pb()() if hasattr(found, "pb") else found()


def _plus(row: _Row, message: Any) -> Any:
    """A raw message as the client takes it for a whole request."""
    return getattr(import_module(row.package), row.message).wrap(message)


def _as_json(message: Any) -> dict[str, Any]:
    return dict(MessageToDict(type(message).pb(message) if hasattr(type(message), "pb") else message))


def _mark(row: _Row, told: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The key and the fingerprint that it bears, and its body without them."""
    body = {name: value for name, value in told.items() if name != "etag"}
    if row.mark == "description":
        found = _DESCRIBED.search(told.get("description", ""))
        if found is None:
            return "", "", body
        return found[1], found[2], {**body, "description": told["description"][: found.start()]}
    labels = told.get(row.mark, {}) if row.mark else {}
    if labels.get(OWNER) != "lumen":
        return "", "", body
    return labels.get(KEY, ""), labels.get(APPLIED, ""), body


def _marked(row: _Row, body: Body, key: str, applied: str) -> dict[str, Any]:
    if not row.mark:
        return dict(body)
    if row.mark == "description":
        return {**body, "description": f"{body.get('description', '')} [lumen-setup {key} {applied}]".strip()}
    return {**body, row.mark: {**body.get(row.mark, {}), OWNER: "lumen", KEY: key, APPLIED: applied}}


def _with_empty_fields(given: Any, told: Any) -> Any:
    """What the API leaves out for being empty (0, false) is wanted all the same."""
    if isinstance(given, Mapping) and isinstance(told, Mapping):
        return {**told, **{name: _with_empty_fields(value, told.get(name, value)) for name, value in given.items()}}
    if isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        return [_with_empty_fields(*pair) for pair in zip(given, told, strict=True)]
    return told


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)
