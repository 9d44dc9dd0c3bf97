"""google.cloud.billing.budgets.v1.BudgetService: amounts and rules; never the spend."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from google.cloud.billing.budgets_v1 import BudgetServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.masks import copy_masked
from sandbox.google.numbers import number_of
from sandbox.google.paging import page
from sandbox.google.refusal import aborted, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

MAX_NAME = 60
MAX_CHANNELS = 5
_SERVICE = re.compile(r"^services/[0-9A-F]{4}(-[0-9A-F]{4}){2}$")
_TOPIC = re.compile(r"^projects/[^/]+/topics/[^/]+$")
_MUTABLE = ("display_name", "budget_filter", "amount", "threshold_rules", "notifications_rule")


class Budgets:
    """The budgets of one billing account."""

    def __init__(self, account: str, currency: str, is_email_channel: Callable[[str], bool]) -> None:
        """`account` is "billingAccounts/…". `is_email_channel` tells whether a channel exists and is e-mail."""
        self._account = account
        self._currency = currency
        self._is_email_channel = is_email_channel
        self._budgets: dict[str, Any] = {}
        self._edits = 0
        self.rpcs: Mapping[str, Rpc] = learn(BudgetServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListBudgets": self.list,
            "GetBudget": self.get,
            "CreateBudget": self.create,
            "UpdateBudget": self.update,
            "DeleteBudget": self.delete,
        }

    @property
    def all(self) -> list[Any]:
        """The budgets, oldest first."""
        return list(self._budgets.values())

    def _check_account(self, parent: str) -> None:
        if parent != self._account:
            raise not_found(f"Billing account '{parent}' was not found; this sandbox has '{self._account}'.")

    def _named(self, name: str) -> Any:
        found = self._budgets.get(name)
        if found is None:
            raise not_found(f"Requested entity was not found: {name}.")
        return found

    def list(self, request: Any) -> Any:
        self._check_account(request.parent)
        shown, token = page(self.all, request.page_size, request.page_token, request.parent.encode(), 100)
        response = self.rpcs["ListBudgets"].response(next_page_token=token)
        response.budgets.extend(shown)
        return response

    def get(self, request: Any) -> Any:
        return self._named(request.name)

    def create(self, request: Any) -> Any:
        """Not idempotent: a second call makes a second budget, as the real one does."""
        self._check_account(request.parent)
        budget = type(request.budget)()
        copy_masked(request.budget, budget, _MUTABLE)
        self._check(budget)
        self._edits += 1
        budget.name = f"{self._account}/budgets/{uuid5(NAMESPACE_URL, f'{self._account}/{self._edits}')}"
        self._mark(budget)
        self._budgets[budget.name] = budget
        return budget

    def update(self, request: Any) -> Any:
        """A stale etag is refused; an empty one overwrites."""
        current = self._named(request.budget.name)
        if request.budget.etag and request.budget.etag != current.etag:
            raise aborted(
                f"Etag '{request.budget.etag}' does not match the current etag of {current.name}: read it again."
            )
        wanted = type(current)()
        wanted.CopyFrom(current)
        copy_masked(request.budget, wanted, list(request.update_mask.paths) or _MUTABLE)
        wanted.name = current.name
        self._check(wanted)
        self._mark(wanted)
        self._budgets[wanted.name] = wanted
        return wanted

    def delete(self, request: Any) -> Empty:
        self._named(request.name)
        del self._budgets[request.name]
        return Empty()

    def _mark(self, budget: Any) -> None:
        """With a new etag, and projects named by number, as the real one answers."""
        self._edits += 1
        projects = [f"projects/{number_of(name.rpartition('/')[2])}" for name in budget.budget_filter.projects]
        budget.budget_filter.projects[:] = projects
        budget.etag = sha256(f"{budget.name}/{self._edits}".encode()).hexdigest()[:16]

    def _check(self, budget: Any) -> None:
        if len(budget.display_name) > MAX_NAME:
            raise invalid_argument(f"budget.display_name: must be at most {MAX_NAME} characters long.")
        self._check_amount(budget.amount)
        for service in budget.budget_filter.services:
            if not _SERVICE.match(service):
                raise invalid_argument(
                    f"budget.budget_filter.services: '{service}' is no service id; Cloud Run is "
                    "services/152E-C115-5142, Memorystore for Redis services/5AF5-2C11-D467."
                )
        for rule in budget.threshold_rules:
            if rule.threshold_percent < 0:
                raise invalid_argument("budget.threshold_rules.threshold_percent: must not be negative; 0.8 is 80 %.")
        self._check_notifications(budget.notifications_rule)

    def _check_amount(self, amount: Any) -> None:
        which = amount.WhichOneof("budget_amount")
        if which is None:
            raise invalid_argument("budget.amount: must be given.")
        if which != "specified_amount":
            return
        money = amount.specified_amount
        if money.currency_code not in ("", self._currency):
            raise invalid_argument(
                f"budget.amount.specified_amount.currency_code: '{money.currency_code}' is not the billing account's "
                f"currency {self._currency}."
            )
        if money.units < 0 or money.nanos < 0:
            raise invalid_argument("budget.amount.specified_amount: must not be negative.")
        money.currency_code = self._currency

    def _check_notifications(self, rule: Any) -> None:
        if rule.pubsub_topic and not _TOPIC.match(rule.pubsub_topic):
            raise invalid_argument(f"budget.notifications_rule.pubsub_topic: '{rule.pubsub_topic}' is no topic name.")
        if rule.pubsub_topic and rule.schema_version != "1.0":
            raise invalid_argument('budget.notifications_rule.schema_version: must be "1.0" when a topic is given.')
        channels = rule.monitoring_notification_channels
        if len(channels) > MAX_CHANNELS:
            raise invalid_argument(f"budget.notifications_rule: at most {MAX_CHANNELS} notification channels.")
        for channel in channels:
            if not self._is_email_channel(channel):
                raise invalid_argument(
                    f"budget.notifications_rule: '{channel}' is no e-mail notification channel; Slack goes through "
                    "Pub/Sub."
                )
