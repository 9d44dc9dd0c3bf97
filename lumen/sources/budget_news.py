"""Budgets' notifications from a Pub/Sub subscription (Cloud Billing, "programmatic notifications", schema 1.0)."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions

from lumen.model.billed import BudgetNotice
from lumen.model.errors import SourceUnavailable
from lumen.model.message import message
from lumen.model.nodata import NoData
from lumen.ports.billing import Delivery
from lumen.vendors.google_errors import PUBSUB, reading

#: On the wall. A pull waits for messages until then; none after it is no failure.
PULL_SECONDS = 5.0


class PubSubBudgetNews:
    """`lumen.ports.billing.BudgetNews`. `client`: a SubscriberAsyncClient; None: the extra `pubsub` is not installed.

    `subscription`: projects/…/subscriptions/…; `topic`: what it is of, for the sentence that says how to make it.
    """

    def __init__(self, client: Any, subscription: str, topic: str, pull_seconds: float = PULL_SECONDS) -> None:
        self._client = client
        self._subscription = subscription
        self._topic = topic
        self._pull_seconds = pull_seconds

    @property
    def name(self) -> str:
        return self._subscription

    async def pull(self, limit: int) -> Sequence[Delivery]:
        client = self._usable()
        with reading(PUBSUB, "pubsub", self._subscription):
            try:
                answer = await client.pull(
                    subscription=self._subscription, max_messages=limit, retry=None, timeout=self._pull_seconds
                )
            except exceptions.DeadlineExceeded:
                return ()
            except exceptions.NotFound as error:
                raise self._not_there() from error
        return tuple(self._delivery(received) for received in answer.received_messages)

    async def acknowledge(self, ack_ids: Sequence[str]) -> None:
        client = self._usable()
        with reading(PUBSUB, "pubsub", self._subscription):
            await client.acknowledge(
                subscription=self._subscription, ack_ids=list(ack_ids), retry=None, timeout=self._pull_seconds
            )

    async def peek(self) -> BudgetNotice | NoData | None:
        """What waits, given back at once; None: nothing does. Raises SourceUnavailable."""
        found = await self.pull(1)
        if not found:
            return None
        with reading(PUBSUB, "pubsub", self._subscription):
            await self._usable().modify_ack_deadline(
                subscription=self._subscription,
                ack_ids=[found[0].ack_id],
                ack_deadline_seconds=0,
                retry=None,
                timeout=self._pull_seconds,
            )
        return found[0].notice

    def _usable(self) -> Any:
        if self._client is None:
            raise SourceUnavailable(message("source.news_no_client"), message("source.news_no_client_remedy"))
        return self._client

    def _not_there(self) -> SourceUnavailable:
        return SourceUnavailable(
            message("source.news_no_subscription", subscription=self._subscription),
            message("source.news_no_subscription_remedy", subscription=self._subscription, topic=self._topic),
        )

    def _delivery(self, received: Any) -> Delivery:
        told = received.message
        try:
            notice: BudgetNotice | NoData = parsed(told.data, told.attributes, told.publish_time)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            detail = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            notice = NoData(
                message("source.news_unreadable", subscription=self._subscription, detail=detail),
                message("source.news_unreadable_remedy"),
            )
        return Delivery(received.ack_id, notice)


def parsed(data: bytes, attributes: Mapping[str, str], published_at: datetime) -> BudgetNotice:
    """Raises one of several built-in errors for what is no notification of a budget."""
    said = json.loads(data)
    cost, since = said["costAmount"], datetime.fromisoformat(said["costIntervalStart"])
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not math.isfinite(cost):
        raise ValueError(f"costAmount {cost!r}")
    if since.tzinfo is None:
        raise ValueError(f"costIntervalStart {said['costIntervalStart']!r}")
    name, currency = said["budgetDisplayName"], said["currencyCode"]
    if not isinstance(name, str) or not isinstance(currency, str):
        raise TypeError("budgetDisplayName, currencyCode")
    (name + currency).encode()  # half a character is text for JSON, and for nothing else
    # The client's datetimes are of a class of their own.
    at = datetime.fromtimestamp(published_at.timestamp(), UTC)
    if since > at:
        raise ValueError(f"costIntervalStart {said['costIntervalStart']!r} is after {at.isoformat()}")
    return BudgetNotice(attributes["budgetId"], name, since.astimezone(UTC), at, float(cost), currency)
