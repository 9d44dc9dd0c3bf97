"""What stands in a project, as far as the sandbox keeps it: Scheduler jobs, custom roles, uptime checks, topics."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import pubsub_v1
from google.api_core import exceptions
from google.cloud import iam_admin_v1, monitoring_v3, scheduler_v1
from google.protobuf.duration_pb2 import Duration

from tests.unit.sandbox.google_side import LOCATION, PROJECT, GoogleSide, google_side

PARENT = f"projects/{PROJECT}"
JOB = {
    "name": f"{LOCATION}/jobs/hourly",
    "schedule": "0 * * * *",
    "http_target": {"uri": "https://lumen.example.com/feedback/run"},
}
CHECK: dict[str, Any] = {
    "display_name": "ION",
    "monitored_resource": {"type": "uptime_url", "labels": {"host": "ion.example.com"}},
    "http_check": {"path": "/"},
    "period": Duration(seconds=300),
    "timeout": Duration(seconds=10),
}
TOPIC, SUBSCRIPTION = f"{PARENT}/topics/news", f"{PARENT}/subscriptions/news-lumen"


@pytest.fixture
async def side() -> AsyncIterator[GoogleSide]:
    async with google_side() as side:
        yield side


class TestScheduler:
    @pytest.fixture
    async def scheduler(self, side: GoogleSide) -> Any:
        return side.client(scheduler_v1.CloudSchedulerAsyncClient)

    async def test_jobs_are_made_once_changed_paused_and_deleted(self, scheduler: Any) -> None:
        made = await scheduler.create_job({"parent": LOCATION, "job": JOB})
        with pytest.raises(exceptions.AlreadyExists):
            await scheduler.create_job({"parent": LOCATION, "job": JOB})
        await scheduler.pause_job({"name": made.name})
        with pytest.raises(exceptions.FailedPrecondition):
            await scheduler.pause_job({"name": made.name})
        wanted = {**JOB, "schedule": "30 * * * *", "description": "x"}
        await scheduler.update_job({"job": wanted, "update_mask": {"paths": ["schedule"]}})
        [job] = [one async for one in await scheduler.list_jobs({"parent": LOCATION})]
        assert (job.schedule, job.description, job.state.name) == ("30 * * * *", "", "PAUSED")
        await scheduler.delete_job({"name": made.name})
        with pytest.raises(exceptions.NotFound):
            await scheduler.get_job({"name": made.name})

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "hourly"},
            {"schedule": "hourly"},
            {"http_target": {"uri": "lumen.example.com"}},
            {"time_zone": "Seoul"},
            {"description": "x" * 501},
        ],
    )
    async def test_refused(self, scheduler: Any, fields: Any) -> None:
        with pytest.raises(exceptions.InvalidArgument):
            await scheduler.create_job({"parent": LOCATION, "job": {**JOB, **fields}})


class TestRoles:
    @pytest.fixture
    async def iam(self, side: GoogleSide) -> Any:
        return side.client(iam_admin_v1.IAMAsyncClient)

    async def test_the_id_of_a_deleted_role_stays_taken_for_good_and_comes_back_for_seven_days(
        self, side: GoogleSide, iam: Any
    ) -> None:
        role = {"title": "x", "included_permissions": ["run.services.get"]}
        made = await iam.create_role({"parent": PARENT, "role_id": "lumenX", "role": role})
        with pytest.raises(exceptions.AlreadyExists):
            await iam.create_role({"parent": PARENT, "role_id": "lumenX", "role": role})
        [basic] = [one async for one in await iam.list_roles({"parent": PARENT})]
        assert not basic.included_permissions
        [full] = [one async for one in await iam.list_roles({"parent": PARENT, "view": 1})]
        assert list(full.included_permissions) == ["run.services.get"]
        await iam.delete_role({"name": made.name})
        assert [one async for one in await iam.list_roles({"parent": PARENT})] == []
        with pytest.raises(exceptions.FailedPrecondition, match="deleted state"):
            await iam.create_role({"parent": PARENT, "role_id": "lumenX", "role": role})
        assert not (await iam.undelete_role({"name": made.name})).deleted
        await iam.delete_role({"name": made.name})
        side.clock.at += 8 * 86_400
        with pytest.raises(exceptions.FailedPrecondition, match="seven days"):
            await iam.undelete_role({"name": made.name})

    async def test_a_stale_etag_is_refused(self, iam: Any) -> None:
        made = await iam.create_role({"parent": PARENT, "role_id": "lumenX", "role": {"title": "x"}})
        await iam.update_role({"name": made.name, "role": {"title": "y", "etag": made.etag}})
        with pytest.raises(exceptions.Aborted):
            await iam.update_role({"name": made.name, "role": {"title": "z", "etag": made.etag}})

    @pytest.mark.parametrize(
        ("role_id", "fields"),
        [
            ("x", {}),
            ("lumen-x", {}),
            ("lumenX", {"included_permissions": ["roles/viewer"]}),
            ("lumenX", {"included_permissions": ["billing.budgets.get"]}),
            ("lumenX", {"title": "x" * 101}),
        ],
    )
    async def test_refused(self, iam: Any, role_id: str, fields: Any) -> None:
        with pytest.raises(exceptions.InvalidArgument):
            await iam.create_role({"parent": PARENT, "role_id": role_id, "role": fields})


class TestUptimeChecks:
    @pytest.fixture
    async def uptime(self, side: GoogleSide) -> Any:
        return side.client(monitoring_v3.UptimeCheckServiceAsyncClient)

    async def test_are_made_changed_and_deleted_and_never_look_at_another_host(self, uptime: Any) -> None:
        made = await uptime.create_uptime_check_config({"parent": PARENT, "uptime_check_config": CHECK})
        wanted = {**CHECK, "name": made.name, "period": Duration(seconds=60)}
        mask = {"paths": ["period"]}
        await uptime.update_uptime_check_config({"uptime_check_config": wanted, "update_mask": mask})
        [found] = [one async for one in await uptime.list_uptime_check_configs({"parent": PARENT})]
        assert found.period.total_seconds() == 60
        mask = {"paths": ["monitored_resource"]}
        with pytest.raises(exceptions.InvalidArgument, match="cannot change"):
            await uptime.update_uptime_check_config({"uptime_check_config": wanted, "update_mask": mask})
        await uptime.delete_uptime_check_config({"name": made.name})
        with pytest.raises(exceptions.NotFound):
            await uptime.get_uptime_check_config({"name": made.name})

    @pytest.mark.parametrize(
        "fields",
        [
            {"display_name": ""},
            {"period": Duration(seconds=30)},
            {"timeout": Duration(seconds=90)},
            {"monitored_resource": {"type": "uptime_url"}},
            {"http_check": {"validate_ssl": True}},
            {"user_labels": {"Team": "x"}},
        ],
    )
    async def test_refused(self, uptime: Any, fields: Any) -> None:
        with pytest.raises(exceptions.InvalidArgument):
            await uptime.create_uptime_check_config({"parent": PARENT, "uptime_check_config": {**CHECK, **fields}})


class TestTopics:
    @pytest.fixture
    async def publisher(self, side: GoogleSide) -> Any:
        return side.client(pubsub_v1.PublisherAsyncClient)

    @pytest.fixture
    async def subscriber(self, side: GoogleSide, publisher: Any) -> Any:
        await publisher.create_topic({"name": TOPIC})
        return side.client(pubsub_v1.SubscriberAsyncClient)

    async def test_a_subscription_changes_by_its_mask_and_outlives_its_topic(
        self, publisher: Any, subscriber: Any
    ) -> None:
        await subscriber.create_subscription({"name": SUBSCRIPTION, "topic": TOPIC})
        wanted = {"name": SUBSCRIPTION, "push_config": {"push_endpoint": "https://lumen.example.com/pubsub/push"}}
        for paths in ([], ["topic"]):
            with pytest.raises(exceptions.InvalidArgument):
                await subscriber.update_subscription({"subscription": wanted, "update_mask": {"paths": paths}})
        changed = await subscriber.update_subscription(
            {"subscription": wanted, "update_mask": {"paths": ["push_config"]}}
        )
        assert (changed.ack_deadline_seconds, changed.topic) == (10, TOPIC)
        topic = {"name": TOPIC, "labels": {"managed-by": "lumen"}}
        await publisher.update_topic({"topic": topic, "update_mask": {"paths": ["labels"]}})
        assert dict((await publisher.get_topic({"topic": TOPIC})).labels) == {"managed-by": "lumen"}
        await publisher.delete_topic({"topic": TOPIC})
        assert (await subscriber.get_subscription({"subscription": SUBSCRIPTION})).topic == "_deleted-topic_"

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": f"{PARENT}/subscriptions/x"},
            {"name": f"{PARENT}/subscriptions/google-news"},
            {"ack_deadline_seconds": 5},
            {"labels": {"managed by": "x"}},
            {"message_retention_duration": Duration(seconds=60)},
            {"push_config": {"push_endpoint": "http://lumen.example.com/"}},
            {"push_config": {"push_endpoint": "https://x.example.com", "oidc_token": {"audience": "x"}}},
        ],
    )
    async def test_refused(self, subscriber: Any, fields: Any) -> None:
        with pytest.raises(exceptions.InvalidArgument):
            await subscriber.create_subscription({"name": SUBSCRIPTION, "topic": TOPIC, **fields})


async def test_a_metric_keeps_its_labels_when_it_is_described_anew(side: GoogleSide) -> None:
    metrics: Any = side.client(monitoring_v3.MetricServiceAsyncClient)
    described = {"type": "custom.googleapis.com/x", "metric_kind": 1, "value_type": 3, "labels": [{"key": "knob"}]}
    await metrics.create_metric_descriptor({"name": PARENT, "metric_descriptor": described})
    again = {**described, "labels": [{"key": "outcome"}], "description": "x"}
    made = await metrics.create_metric_descriptor({"name": PARENT, "metric_descriptor": again})
    assert [one.key for one in made.labels] == ["knob", "outcome"]
