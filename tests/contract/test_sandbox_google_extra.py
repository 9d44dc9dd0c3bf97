"""The APIs that are served where their client packages are installed: dashboards, Memorystore, Pub/Sub with budgets."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc.aio
import pytest
from google import pubsub_v1
from google.api_core import exceptions
from google.cloud import monitoring_dashboard_v1, redis_v1
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2AsyncClient
from google.protobuf.duration_pb2 import Duration

from sandbox.google.extra.instance import InstanceFacts
from sandbox.google.logs import ERROR
from sandbox.ion.config import IonConfig
from sandbox.ion.place import place_budget
from tests.unit.sandbox.google_side import ACCOUNT, LOCATION, PROJECT, START, GoogleSide, google_side

INSTANCE = f"{LOCATION}/instances/ion-cache"
TOPIC = f"projects/{PROJECT}/topics/budget-alerts"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/lumen"


TEXT = {"text": {"content": "x"}}


def mosaic(*tiles: Any) -> Any:
    return {"display_name": "x", "mosaic_layout": {"columns": 4, "tiles": list(tiles)}}


def charted(filter_: str, period: str = "60s") -> Any:
    how = {"alignment_period": Duration(seconds=int(period[:-1])), "per_series_aligner": 2}
    query = {"time_series_filter": {"filter": filter_, "aggregation": how}} if filter_ else {}
    chart = {"data_sets": [{"time_series_query": query, "plot_type": 1}]}
    return mosaic({"width": 1, "height": 1, "widget": {"xy_chart": chart}})


@pytest.fixture
async def side() -> AsyncIterator[GoogleSide]:
    async with google_side() as side:
        applied: list[Mapping[str, str]] = []

        async def apply(configs: Mapping[str, str]) -> None:
            applied.append(configs)

        side.cloud.redis_instance = InstanceFacts(INSTANCE, START, 0.25, apply)
        side.applied = applied
        yield side


async def test_without_the_package_the_answer_says_which_one(side: GoogleSide) -> None:
    async with grpc.aio.insecure_channel(side.target) as channel:
        call: Any = channel.unary_unary("/google.cloud.nothing.v1.Nothing/Get")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


class TestDashboards:
    @pytest.fixture
    async def dashboards(self, side: GoogleSide) -> Any:
        return side.client(monitoring_dashboard_v1.DashboardsServiceAsyncClient)

    async def test_are_made_changed_with_their_etag_and_deleted(self, dashboards: Any) -> None:
        wanted = {
            "display_name": "Lumen",
            "mosaic_layout": {"columns": 12, "tiles": [{"width": 6, "height": 4, "widget": TEXT}]},
        }
        made = await dashboards.create_dashboard({"parent": f"projects/{PROJECT}", "dashboard": wanted})
        assert [d.name async for d in await dashboards.list_dashboards({"parent": f"projects/{PROJECT}"})] == [
            made.name
        ]
        made.display_name = "Lumen Feedback Loop"
        changed = await dashboards.update_dashboard({"dashboard": made})
        assert changed.etag != made.etag
        with pytest.raises(exceptions.Aborted, match="Etag"):
            await dashboards.update_dashboard({"dashboard": made})
        await dashboards.delete_dashboard({"name": made.name})
        with pytest.raises(exceptions.NotFound):
            await dashboards.get_dashboard({"name": made.name})

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"display_name": ""}, "display name"),
            ({"display_name": "x"}, "layout"),
            ({"display_name": "x", "mosaic_layout": {"columns": 0}}, "columns"),
            (
                {
                    "display_name": "x",
                    "mosaic_layout": {"columns": 4, "tiles": [{"x_pos": 2, "width": 3, "height": 1}]},
                },
                "outside",
            ),
            (mosaic({"width": 2, "height": 2, "widget": TEXT}, {"x_pos": 1, "width": 1, "height": 1}), "overlaps"),
            (mosaic({"width": 1, "height": 1, "widget": {"title": "empty"}}), "needs one content"),
            (mosaic({"width": 1, "height": 1, "widget": {"xy_chart": {}}}), "at least one"),
            (charted(""), "source"),
            (charted('resource.type="generic_task"'), "must specify a metric type"),
            (charted('metric.type="custom.googleapis.com/x" AND'), "filter"),
            (charted('metric.type="custom.googleapis.com/x"', "5s"), "at least 60s"),
            ({"display_name": "x", "grid_layout": {"widgets": [TEXT]}, "labels": {"Team": "x"}}, "labels"),
            ({"name": "mine", "display_name": "x", "grid_layout": {"columns": 1}}, "must begin with"),
        ],
    )
    async def test_refused(self, dashboards: Any, fields: Any, words: str) -> None:
        with pytest.raises(exceptions.InvalidArgument, match=words):
            await dashboards.create_dashboard({"parent": f"projects/{PROJECT}", "dashboard": fields})


class TestMemorystore:
    @pytest.fixture
    async def admin(self, side: GoogleSide) -> Any:
        return side.client(redis_v1.CloudRedisAsyncClient)

    async def test_a_change_takes_a_while_and_reaches_the_server(self, side: GoogleSide, admin: Any) -> None:
        instance = await admin.get_instance({"name": INSTANCE})
        assert instance.memory_size_gb == 1
        instance.redis_configs["maxmemory-gb"] = "0.375"
        operation = await admin.update_instance({"instance": instance, "update_mask": {"paths": ["redis_configs"]}})
        assert (await admin.get_instance({"name": INSTANCE})).state.name == "UPDATING"
        with pytest.raises(exceptions.FailedPrecondition, match="one operation at a time"):
            await admin.update_instance({"instance": instance, "update_mask": {"paths": ["redis_configs"]}})
        side.clock.at += 3
        result = await operation.result(timeout=10)
        assert result.redis_configs["maxmemory-gb"] == "0.375"
        assert side.applied[0]["maxmemory-gb"] == "0.375"

    async def test_what_is_left_out_of_the_configs_is_lost(self, side: GoogleSide, admin: Any) -> None:
        wanted = {"name": INSTANCE, "redis_configs": {"notify-keyspace-events": "Em"}}
        await admin.update_instance({"instance": wanted, "update_mask": {"paths": ["redis_configs"]}})
        side.clock.at += 3
        assert dict((await admin.get_instance({"name": INSTANCE})).redis_configs) == {"notify-keyspace-events": "Em"}

    @pytest.mark.parametrize(
        ("fields", "paths", "words"),
        [
            ({"redis_configs": {"save": ""}}, ["redis_configs"], "unknown save"),
            ({"redis_configs": {"maxmemory-policy": "mine"}}, ["redis_configs"], "mine"),
            ({"redis_configs": {"maxmemory-gb": "2"}}, ["redis_configs"], "at most 1"),
            ({"redis_configs": {"maxmemory-gb": "much"}}, ["redis_configs"], "much"),
            ({"memory_size_gb": 0}, ["memory_size_gb"], "whole GB"),
            ({"tier": 3}, ["tier"], "cannot be updated"),
            ({}, [], "at least one path"),
        ],
    )
    async def test_refused(self, admin: Any, fields: Any, paths: list[str], words: str) -> None:
        with pytest.raises(exceptions.InvalidArgument, match=words):
            await admin.update_instance({"instance": {"name": INSTANCE} | fields, "update_mask": {"paths": paths}})

    async def test_another_instance_is_not_found(self, admin: Any) -> None:
        with pytest.raises(exceptions.NotFound):
            await admin.get_instance({"name": f"{LOCATION}/instances/other"})


class TestPubSub:
    @pytest.fixture
    def package(self) -> Any:
        return pubsub_v1

    @pytest.fixture
    async def subscriber(self, side: GoogleSide, package: Any) -> Any:
        return side.client(package.SubscriberAsyncClient)

    @pytest.fixture
    async def topic(self, side: GoogleSide, package: Any, subscriber: Any) -> Any:
        publisher = side.client(package.PublisherAsyncClient)
        await publisher.create_topic(name=TOPIC)
        await subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=10)
        return publisher

    async def pulled(self, subscriber: Any) -> list[Any]:
        answer = await subscriber.pull(subscription=SUBSCRIPTION, max_messages=10)
        return list(answer.received_messages)

    async def test_messages_wait_for_their_acknowledgement(self, topic: Any, subscriber: Any) -> None:
        await topic.publish(topic=TOPIC, messages=[{"data": b"one"}, {"data": b"two"}])
        first = await self.pulled(subscriber)
        assert [r.message.data for r in first] == [b"one", b"two"]
        assert await self.pulled(subscriber) == []
        await subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[first[0].ack_id])
        await subscriber.modify_ack_deadline(
            subscription=SUBSCRIPTION, ack_ids=[first[1].ack_id], ack_deadline_seconds=0
        )
        assert [r.message.data for r in await self.pulled(subscriber)] == [b"two"]

    async def test_a_budget_tells_its_topic_several_times_a_day(
        self, side: GoogleSide, topic: Any, subscriber: Any
    ) -> None:
        assert topic is not None
        place_budget(IonConfig(), side.cloud.budgets, ACCOUNT, 200)
        budget = side.cloud.budgets.all[0]
        budget.notifications_rule.pubsub_topic, budget.notifications_rule.schema_version = TOPIC, "1.0"
        side.cloud.spent_usd = lambda: 185.0
        side.clock.at += 4 * 3600
        received = await self.pulled(subscriber)
        assert len(received) == 1
        said = json.loads(received[0].message.data)
        assert said["costAmount"] == 185.0
        assert said["budgetAmount"] == 200.0
        assert said["alertThresholdExceeded"] == 0.9
        assert said["costIntervalStart"] == "2027-01-01T00:00:00Z"
        assert received[0].message.attributes["schemaVersion"] == "1.0"
        side.clock.at += 4 * 3600
        assert len(await self.pulled(subscriber)) == 1

    async def test_what_is_not_there(self, subscriber: Any) -> None:
        with pytest.raises(exceptions.NotFound):
            await self.pulled(subscriber)


class TestLogging:
    @pytest.fixture
    async def logging(self, side: GoogleSide) -> Any:
        return side.client(LoggingServiceV2AsyncClient)

    @pytest.mark.parametrize(
        "changed",
        [
            {"resource_names": []},
            {"resource_names": ["projects/another"]},
            {"page_size": 1001},
            {"order_by": "severity desc"},
            {"page_token": "x"},
            {"filter": "severity>=TERRIBLE"},
            {"filter": 'resource.labels.service_name=="x"'},
            {"filter": 'textPayload=~"("'},
            {"filter": "(severity>=ERROR"},
            {"filter": 'nonsense="x"'},
            {"filter": "severity>=ERROR AND"},
        ],
    )
    async def test_queries_that_are_refused(self, logging: Any, changed: Mapping[str, Any]) -> None:
        with pytest.raises((exceptions.InvalidArgument, exceptions.NotFound)):
            await logging.list_log_entries({"resource_names": [f"projects/{PROJECT}"], **changed})

    async def test_pages_hold_each_entry_once(self, side: GoogleSide, logging: Any) -> None:
        for number in range(7):
            side.cloud.logs.write(START - 7 + number, ERROR, {"service_name": "ion-api"}, f"error {number}")
        asked = {"resource_names": [f"projects/{PROJECT}"], "page_size": 3, "filter": "severity=ERROR"}
        entries = [entry.text_payload async for entry in await logging.list_log_entries(asked)]
        assert entries == [f"error {number}" for number in range(7)]


@pytest.mark.parametrize(
    ("permission", "client", "method", "request_"),
    [
        ("monitoring.dashboards.list", monitoring_dashboard_v1.DashboardsServiceAsyncClient, "list_dashboards",
         {"parent": f"projects/{PROJECT}"}),
        ("redis.instances.get", redis_v1.CloudRedisAsyncClient, "get_instance", {"name": INSTANCE}),
        ("pubsub.topics.create", pubsub_v1.PublisherAsyncClient, "create_topic", {"name": TOPIC}),
        ("pubsub.subscriptions.consume", pubsub_v1.SubscriberAsyncClient, "pull",
         {"subscription": SUBSCRIPTION, "max_messages": 1}),
        ("logging.logEntries.list", LoggingServiceV2AsyncClient, "list_log_entries",
         {"resource_names": [f"projects/{PROJECT}"]}),
    ],
)  # fmt: skip
async def test_permissions_are_told(side: GoogleSide, permission: str, client: Any, method: str, request_: Any) -> None:
    side.cloud.faults.denied = {permission.rsplit(".", 1)[0] + ".*"}
    with pytest.raises(exceptions.PermissionDenied, match=permission):
        await getattr(side.client(client), method)(request_)
