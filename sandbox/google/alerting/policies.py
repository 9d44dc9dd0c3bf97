"""google.monitoring.v3.AlertPolicyService; evaluates every enabled policy each minute of service time."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.cloud.monitoring_v3 import AlertPolicyServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.alerting.channels import Channels
from sandbox.google.alerting.evaluation import GREATER, LESS, Condition, Group
from sandbox.google.alerting.listfilter import passes
from sandbox.google.labels import check_labels
from sandbox.google.masks import copy_masked
from sandbox.google.monitoring import query
from sandbox.google.monitoring.alignment import Shape, Window
from sandbox.google.monitoring.filters import FilterError, parse
from sandbox.google.monitoring.series import MINUTE
from sandbox.google.monitoring.store import SeriesStore
from sandbox.google.monitoring.wire import aggregation_of
from sandbox.google.paging import page
from sandbox.google.refusal import invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn
from sandbox.google.times import put

MAX_CONDITIONS = 6
MAX_CHANNELS = 16
MAX_PERIOD_SECONDS = 90_000
AND = 1
_CATCH_UP_MINUTES = 30  # after a pause no more than so many minutes are evaluated afterwards
_MUTABLE = (
    "display_name", "documentation", "user_labels", "conditions", "combiner", "enabled", "notification_channels",
    "alert_strategy", "severity",
)  # fmt: skip


@dataclass(slots=True)
class Incident:
    """An open or closed incident. Times in seconds of service time."""

    policy: str
    policy_name: str
    group: Group
    opened_at: float
    closed_at: float | None = None


class _Policy:
    """A policy with its conditions' memory and its open incidents."""

    def __init__(self, message: Any) -> None:
        self.message = message
        self.conditions = [Condition(c) for c in message.conditions]
        self.open: dict[Group, Incident] = {}

    @property
    def enabled(self) -> bool:
        return not self.message.HasField("enabled") or bool(self.message.enabled.value)

    def holds(self, store: SeriesStore, now: float) -> dict[Group, str]:
        """Series (or, for AND, the policy as a whole) for which it holds, with a sentence."""
        found = [(c, c.evaluate(store, now)) for c in self.conditions]
        if self.message.combiner == AND and len(found) > 1:
            return {(): self.message.display_name} if all(groups for _, groups in found) else {}
        sentences: dict[Group, str] = {}
        for condition, groups in found:
            for group, value in groups.items():
                said = "no data" if value is None else f"{value:g}"
                where = ", ".join(f"{k}={v}" for k, v in group)
                sentences[group] = f"{condition.message.display_name}: {said}" + (f" ({where})" if where else "")
        return sentences


class AlertPolicies:
    """All policies of the project."""

    def __init__(self, project: str, store: SeriesStore, channels: Channels) -> None:
        self.incidents: deque[Incident] = deque(maxlen=1000)
        self._project = project
        self._store = store
        self._channels = channels
        self._policies: dict[str, _Policy] = {}
        self._number = 2_000_000
        self._evaluated = 0  # the last minute that was evaluated
        channels.used_by = lambda name: [
            p.message.name for p in self._policies.values() if name in p.message.notification_channels
        ]
        channels.forget = self._forget_channel
        self.rpcs: Mapping[str, Rpc] = learn(AlertPolicyServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListAlertPolicies": self.list,
            "GetAlertPolicy": self.get,
            "CreateAlertPolicy": self.create,
            "UpdateAlertPolicy": self.update,
            "DeleteAlertPolicy": self.delete,
        }

    # Evaluation

    def advance(self) -> None:
        """Evaluate the minutes that have gone by."""
        minute = int(self._store.now() // MINUTE)
        if not self._policies:
            self._evaluated = minute
            return
        first = max(self._evaluated + 1, minute - _CATCH_UP_MINUTES)
        for each in range(first, minute + 1):
            self._evaluated = each
            for policy in self._policies.values():
                if policy.enabled:
                    self._evaluate(policy, each * MINUTE)

    def _evaluate(self, policy: _Policy, now: float) -> None:
        holds = policy.holds(self._store, now)
        for group, sentence in holds.items():
            if group not in policy.open:
                incident = Incident(policy.message.name, policy.message.display_name, group, now)
                policy.open[group] = incident
                self.incidents.append(incident)
                self._tell(policy, now, "open", sentence)
        for group in [g for g in policy.open if g not in holds]:
            policy.open.pop(group).closed_at = now
            self._tell(policy, now, "closed", policy.message.display_name)

    def _tell(self, policy: _Policy, now: float, state: str, sentence: str) -> None:
        for channel in policy.message.notification_channels:
            self._channels.notify(channel, now, policy.message.name, state, sentence)

    # The API

    def _named(self, name: str) -> _Policy:
        found = self._policies.get(name)
        if found is None:
            raise not_found(f"Could not find alert policy: {name}.")
        return found

    def list(self, request: Any) -> Any:
        found = [p.message for p in self._policies.values() if passes(request.filter, p.message)]
        mark = (request.name + request.filter).encode()
        shown, token = page(found, request.page_size, request.page_token, mark, 1000)
        response = self.rpcs["ListAlertPolicies"].response(next_page_token=token, total_size=len(found))
        response.alert_policies.extend(shown)
        return response

    def get(self, request: Any) -> Any:
        return self._named(request.name).message

    def create(self, request: Any) -> Any:
        """Not idempotent: a second call makes a second policy."""
        policy = type(request.alert_policy)()
        copy_masked(request.alert_policy, policy, _MUTABLE)
        self._number += 1
        policy.name = f"projects/{self._project}/alertPolicies/{self._number}"
        put(policy.creation_record.mutate_time, self._store.now())
        return self._keep(policy)

    def update(self, request: Any) -> Any:
        """Without a mask the whole policy is replaced."""
        current = self._named(request.alert_policy.name).message
        wanted = type(current)()
        wanted.CopyFrom(current)
        copy_masked(request.alert_policy, wanted, list(request.update_mask.paths) or _MUTABLE)
        wanted.name = current.name
        return self._keep(wanted)

    def _keep(self, policy: Any) -> Any:
        self._check(policy)
        put(policy.mutation_record.mutate_time, self._store.now())
        if not policy.HasField("enabled"):
            policy.enabled.value = True
        for number, condition in enumerate(policy.conditions, 1):
            condition.name = condition.name or f"{policy.name}/conditions/{number}"
        self._evaluated = max(self._evaluated, int(self._store.now() // MINUTE) - 1)
        self._close(policy.name)
        self._policies[policy.name] = _Policy(policy)
        return policy

    def _close(self, name: str) -> None:
        """A policy that is changed or deleted closes its incidents without telling anybody."""
        old = self._policies.get(name)
        for incident in old.open.values() if old else ():
            incident.closed_at = self._store.now()

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        self._close(request.name)
        del self._policies[request.name]
        return Empty()

    def _forget_channel(self, channel: str) -> None:
        for policy in self._policies.values():
            if channel in policy.message.notification_channels:
                policy.message.notification_channels.remove(channel)

    # Refusals

    def _check(self, policy: Any) -> None:
        if not policy.display_name:
            raise _bad("displayName", "a display name is required")
        if not 1 <= len(policy.conditions) <= MAX_CONDITIONS:
            raise _bad("conditions", f"1 to {MAX_CONDITIONS} conditions are required")
        check_labels(policy.user_labels, "alert_policy.userLabels")
        if not policy.combiner:
            raise _bad("combiner", "a combiner is required")
        if len(policy.notification_channels) > MAX_CHANNELS:
            raise _bad("notificationChannels", f"at most {MAX_CHANNELS} channels")
        for channel in policy.notification_channels:
            if channel not in self._channels:
                raise not_found(f"Could not find notification channel: {channel}.")
        for number, condition in enumerate(policy.conditions):
            self._check_condition(condition, f"conditions[{number}]")

    def _check_condition(self, condition: Any, where: str) -> None:
        if not condition.display_name:
            raise _bad(f"{where}.displayName", "a display name is required")
        match condition.WhichOneof("condition"):
            case "condition_threshold":
                body, least = condition.condition_threshold, 0
                if body.comparison not in (GREATER, LESS):
                    raise _bad(f"{where}.comparison", "only COMPARISON_GT and COMPARISON_LT are supported")
            case "condition_absent":
                body, least = condition.condition_absent, 120
            case other:
                raise _bad(where, f"the sandbox evaluates thresholds and absence, not {other}")
        seconds = body.duration.seconds
        if seconds < least or seconds % MINUTE or body.duration.nanos:
            raise _bad(f"{where}.duration", f"{seconds}s is no multiple of a minute of at least {least}s")
        self._check_query(body, where)

    def _check_query(self, body: Any, where: str) -> None:
        try:
            wanted = parse(body.filter)
            types = query.metric_types(self._store, wanted)
            query.check_labels(wanted, types)
            if not any(c.selector.field == "resource.type" for c in wanted.comparisons):
                raise _bad(f"{where}.filter", "must restrict resource.type")
            aggregations = [aggregation_of(a) for a in body.aggregations]
            if len(aggregations) > 2:
                raise _bad(f"{where}.aggregations", "at most two aggregations")
            for how in aggregations[:1]:
                shape = Shape(types[0].kind, types[0].value)
                query.check_aggregation(how, shape, Window(0, 3600))
            if any(a.period > MAX_PERIOD_SECONDS for a in aggregations):
                raise _bad(f"{where}.aggregations", "the alignment period is at most 25 hours for alert policies")
        except query.UnknownMetric as error:
            raise not_found(str(error)) from error
        except (query.BadQuery, FilterError) as error:
            raise invalid_argument(f"Field alert_policy.{where}: {error}") from error


def _bad(field: str, why: str) -> Exception:
    return invalid_argument(f"Field alert_policy.{field} had an invalid value: {why}.")
