"""Notifications of budgets, several times a day at any spend (Cloud Billing, "programmatic notifications")."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.google.budgets import Budgets

EVERY_SECONDS = 4 * 3600.0  # of service time
Publish = Callable[[str, bytes, dict[str, str]], None]


class BudgetNews:
    """Publishes each budget's state to its topic."""

    def __init__(
        self,
        account: str,
        budgets: Budgets,
        now: Callable[[], float],
        spent_usd: Callable[[], float],
        publish: Publish,
    ) -> None:
        """`spent_usd`: of the month so far."""
        self._account = account
        self._budgets = budgets
        self._now = now
        self._spent_usd = spent_usd
        self._publish = publish
        self._next = 0.0

    def advance(self) -> None:
        """Publish when the time has come."""
        now = self._now()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS
        for budget in self._budgets.all:
            topic = budget.notifications_rule.pubsub_topic
            if topic:
                self._publish(topic, json.dumps(self._message(budget, now)).encode(), self._attributes(budget))

    def _message(self, budget: Any, now: float) -> dict[str, object]:
        month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        amount = float(budget.amount.specified_amount.units)
        spent = round(self._spent_usd(), 2)
        message: dict[str, object] = {
            "budgetDisplayName": budget.display_name,
            "costAmount": spent,
            "costIntervalStart": month.isoformat().replace("+00:00", "Z"),
            "budgetAmount": amount,
            "budgetAmountType": "SPECIFIED_AMOUNT",
            "currencyCode": "USD",
        }
        passed = [
            r.threshold_percent for r in budget.threshold_rules if amount and spent >= amount * r.threshold_percent
        ]
        if passed:
            message["alertThresholdExceeded"] = max(passed)
        return message

    def _attributes(self, budget: Any) -> dict[str, str]:
        return {
            "billingAccountId": self._account.rsplit("/", 1)[-1],
            "budgetId": budget.name.rsplit("/", 1)[-1],
            "schemaVersion": "1.0",
        }
