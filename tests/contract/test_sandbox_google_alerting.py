"""Alert policies that really evaluate, their channels, and what both refuse; through the real async clients."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import monitoring_v3 as m
from google.protobuf import field_mask_pb2

from sandbox.google.monitoring import catalogue
from sandbox.google.monitoring.series import GridSeries, Labels
from tests.unit.sandbox.google_side import PROJECT, START, GoogleSide, google_side

NAME = f"projects/{PROJECT}"
CUSTOM = "custom.googleapis.com/cache_hit_rate"
GENERIC = {"project_id": PROJECT, "location": "us-central1", "namespace": "lumen", "job": "ion-api", "task_id": "0"}
GT, LT = m.ComparisonType.COMPARISON_GT, m.ComparisonType.COMPARISON_LT


@pytest.fixture
async def side() -> AsyncIterator[GoogleSide]:
    async with google_side() as side:
        yield side


@pytest.fixture
async def policies(side: GoogleSide) -> m.AlertPolicyServiceAsyncClient:
    return side.client(m.AlertPolicyServiceAsyncClient)


@pytest.fixture
async def channels(side: GoogleSide) -> m.NotificationChannelServiceAsyncClient:
    return side.client(m.NotificationChannelServiceAsyncClient)


@pytest.fixture
async def metrics(side: GoogleSide) -> m.MetricServiceAsyncClient:
    return side.client(m.MetricServiceAsyncClient)


async def report(side: GoogleSide, metrics: m.MetricServiceAsyncClient, value: float, minutes: float = 5) -> None:
    """Time goes on and the custom metric is written, a minute before what is evaluated next."""
    side.clock.at += minutes * 60 - 60
    await metrics.create_time_series(
        name=NAME,
        time_series=[
            m.TimeSeries(
                metric={"type": CUSTOM},
                resource={"type": "generic_task", "labels": GENERIC},
                points=[m.Point(interval={"end_time": {"seconds": int(side.clock.at)}}, value={"double_value": value})],
            )
        ],
    )
    side.clock.at += 60


def threshold(value: float, comparison: Any = LT, minutes: int = 10, metric: str = CUSTOM) -> m.AlertPolicy.Condition:
    return m.AlertPolicy.Condition(
        display_name="hit rate",
        condition_threshold=m.AlertPolicy.Condition.MetricThreshold(
            filter=f'metric.type = "{metric}" AND resource.type = "generic_task"',
            aggregations=[
                {
                    "alignment_period": {"seconds": 300},
                    "per_series_aligner": m.Aggregation.Aligner.ALIGN_MEAN,
                }
            ],
            comparison=comparison,
            threshold_value=value,
            duration={"seconds": minutes * 60},
        ),
    )


def absence(minutes: int) -> m.AlertPolicy.Condition:
    return m.AlertPolicy.Condition(
        display_name="heartbeat",
        condition_absent=m.AlertPolicy.Condition.MetricAbsence(
            filter=f'metric.type = "{CUSTOM}" AND resource.type = "generic_task"', duration={"seconds": minutes * 60}
        ),
    )


def policy(*conditions: m.AlertPolicy.Condition, **fields: Any) -> m.AlertPolicy:
    given = {"display_name": "Cache_HitRate_Low", "combiner": m.AlertPolicy.ConditionCombinerType.OR} | fields
    return m.AlertPolicy({**given, "conditions": conditions or (threshold(70),)})


async def email(channels: m.NotificationChannelServiceAsyncClient) -> str:
    made = await channels.create_notification_channel(
        name=NAME,
        notification_channel=m.NotificationChannel(type_="email", labels={"email_address": "oncall@example.com"}),
    )
    return str(made.name)


def told(side: GoogleSide) -> list[str]:
    side.cloud.advance()
    return [n.state for n in side.cloud.channels.sent]


async def test_a_threshold_must_be_broken_for_its_duration(
    side: GoogleSide,
    policies: m.AlertPolicyServiceAsyncClient,
    channels: m.NotificationChannelServiceAsyncClient,
    metrics: m.MetricServiceAsyncClient,
) -> None:
    channel = await email(channels)
    await report(side, metrics, 75)
    await policies.create_alert_policy(name=NAME, alert_policy=policy(notification_channels=[channel]))
    await report(side, metrics, 69)
    await report(side, metrics, 69)
    assert told(side) == []
    await report(side, metrics, 69)
    assert told(side) == ["open"]
    await report(side, metrics, 69)
    assert told(side) == ["open"]
    await report(side, metrics, 71)
    assert told(side) == ["open", "closed"]
    assert "hit rate: 69" in side.cloud.channels.sent[0].summary
    incident = side.cloud.alert_policies.incidents[0]
    assert incident.closed_at is not None
    assert incident.closed_at - incident.opened_at == pytest.approx(600, abs=60)


async def test_a_recovery_in_between_starts_the_duration_anew(
    side: GoogleSide, policies: m.AlertPolicyServiceAsyncClient, metrics: m.MetricServiceAsyncClient
) -> None:
    await report(side, metrics, 75)
    await policies.create_alert_policy(name=NAME, alert_policy=policy())
    for value in (69, 69, 71, 69, 69, 71):
        await report(side, metrics, value)
    side.cloud.advance()
    assert not side.cloud.alert_policies.incidents


async def test_a_series_that_falls_silent(
    side: GoogleSide,
    policies: m.AlertPolicyServiceAsyncClient,
    channels: m.NotificationChannelServiceAsyncClient,
    metrics: m.MetricServiceAsyncClient,
) -> None:
    await report(side, metrics, 75)
    await policies.create_alert_policy(
        name=NAME, alert_policy=policy(absence(15), notification_channels=[await email(channels)])
    )
    for _ in range(4):
        await report(side, metrics, 75)
        assert told(side) == []
    side.clock.at += 13 * 60
    assert told(side) == []
    side.clock.at += 2 * 60
    assert told(side) == ["open"]
    await report(side, metrics, 75)
    assert told(side) == ["open", "closed"]


async def test_and_needs_every_condition(
    side: GoogleSide, policies: m.AlertPolicyServiceAsyncClient, metrics: m.MetricServiceAsyncClient
) -> None:
    await report(side, metrics, 75)
    both = policy(threshold(70, minutes=0), threshold(60, minutes=0), combiner=m.AlertPolicy.ConditionCombinerType.AND)
    await policies.create_alert_policy(name=NAME, alert_policy=both)
    await report(side, metrics, 65)
    side.cloud.advance()
    assert not side.cloud.alert_policies.incidents
    await report(side, metrics, 55)
    side.cloud.advance()
    assert len(side.cloud.alert_policies.incidents) == 1


async def test_googles_own_metrics_are_judged_when_they_have_arrived(
    side: GoogleSide, policies: m.AlertPolicyServiceAsyncClient
) -> None:
    labels = {"project_id": PROJECT, "service_name": "ion-api", "revision_name": "r", "location": "us-central1",
              "configuration_name": "ion-api"}  # fmt: skip
    count = GridSeries(
        catalogue.REQUEST_COUNT,
        Labels("cloud_run_revision", labels, {"response_code": "500", "response_code_class": "5xx"}),
        int(START) // 60,
    )
    count.fill([100] * 60, sparse=False)
    side.cloud.series.add(count)
    condition = threshold(1, GT, 0)
    condition.condition_threshold.filter = (
        'metric.type = "run.googleapis.com/request_count" AND resource.type = "cloud_run_revision"'
    )
    condition.condition_threshold.aggregations[0].per_series_aligner = m.Aggregation.Aligner.ALIGN_RATE  # type: ignore[assignment]
    await policies.create_alert_policy(name=NAME, alert_policy=policy(condition))
    side.clock.at = START + 120 + 120
    side.cloud.advance()
    assert not side.cloud.alert_policies.incidents
    side.clock.at = START + 300 + 120
    side.cloud.advance()
    assert len(side.cloud.alert_policies.incidents) == 1


async def test_disabled_policies_and_channels_are_silent(
    side: GoogleSide,
    policies: m.AlertPolicyServiceAsyncClient,
    channels: m.NotificationChannelServiceAsyncClient,
    metrics: m.MetricServiceAsyncClient,
) -> None:
    channel = await email(channels)
    await report(side, metrics, 60)
    made = await policies.create_alert_policy(
        name=NAME, alert_policy=policy(threshold(70, minutes=0), enabled=False, notification_channels=[channel])
    )
    await report(side, metrics, 60)
    assert told(side) == []
    made.enabled = True  # type: ignore[assignment]
    await policies.update_alert_policy(alert_policy=made, update_mask=field_mask_pb2.FieldMask(paths=["enabled"]))
    await channels.update_notification_channel(
        notification_channel=m.NotificationChannel(name=channel, type_="email", enabled=False),
        update_mask=field_mask_pb2.FieldMask(paths=["enabled"]),
    )
    await report(side, metrics, 60)
    assert told(side) == []
    assert len(side.cloud.alert_policies.incidents) == 1


async def test_policies_are_listed_filtered_changed_and_deleted(policies: m.AlertPolicyServiceAsyncClient) -> None:
    condition = threshold(70, metric="run.googleapis.com/request_count")
    condition.condition_threshold.filter = (
        'metric.type = "run.googleapis.com/request_count" AND resource.type = "cloud_run_revision"'
    )
    for name in ("one", "two", "three"):
        await policies.create_alert_policy(
            name=NAME, alert_policy=policy(condition, display_name=name, user_labels={"made-by": "lumen"})
        )
    pager = await policies.list_alert_policies(request={"name": NAME, "page_size": 2})
    assert [p.display_name async for p in pager] == ["one", "two", "three"]
    pager = await policies.list_alert_policies(
        request={"name": NAME, "filter": 'display_name = "two" AND user_labels.made-by = "lumen"'}
    )
    found = [p async for p in pager]
    assert [p.display_name for p in found] == ["two"]
    assert found[0].conditions[0].name == f"{found[0].name}/conditions/1"
    await policies.delete_alert_policy(name=found[0].name)
    with pytest.raises(exceptions.NotFound):
        await policies.get_alert_policy(name=found[0].name)
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        await policies.list_alert_policies(request={"name": NAME, "filter": "severity > 3"})


def _condition(**changes: Any) -> m.AlertPolicy.Condition:
    condition = threshold(70, metric="run.googleapis.com/request_count")
    body = condition.condition_threshold
    body.filter = 'metric.type = "run.googleapis.com/request_count" AND resource.type = "cloud_run_revision"'
    for name, value in changes.items():
        setattr(body, name, value)
    return condition


REFUSED: list[tuple[m.AlertPolicy, str]] = [
    (policy(_condition(), display_name=""), "display name"),
    (policy(_condition(), combiner=0), "combiner"),
    (policy(*[_condition()] * 7), "1 to 6 conditions"),
    (policy(_condition(comparison=m.ComparisonType.COMPARISON_EQ)), "COMPARISON_GT and COMPARISON_LT"),
    (policy(_condition(duration={"seconds": 90})), "multiple of a minute"),
    (policy(_condition(filter='metric.type = "run.googleapis.com/request_count"')), r"resource\.type"),
    (policy(_condition(filter="nonsense")), "could not parse|expected"),
    (policy(_condition(aggregations=[{"alignment_period": {"seconds": 30}, "per_series_aligner": 1}])), "60 seconds"),
    (policy(_condition(aggregations=[{"alignment_period": {"seconds": 90060}, "per_series_aligner": 1}])), "25 hours"),
    (policy(_condition(aggregations=[{"alignment_period": {"seconds": 300}, "per_series_aligner": 18}])), "ALIGN_PERC"),
    (policy(absence(1)), "at least 120s"),
]


@pytest.mark.parametrize(("wanted", "words"), REFUSED, ids=[words for _, words in REFUSED])
async def test_refused_policies(policies: m.AlertPolicyServiceAsyncClient, wanted: m.AlertPolicy, words: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await policies.create_alert_policy(name=NAME, alert_policy=wanted)


async def test_unknown_channels_and_metrics_are_not_found(policies: m.AlertPolicyServiceAsyncClient) -> None:
    with pytest.raises(exceptions.NotFound, match="channel"):
        await policies.create_alert_policy(
            name=NAME, alert_policy=policy(_condition(), notification_channels=[f"{NAME}/notificationChannels/1"])
        )
    with pytest.raises(exceptions.NotFound, match="Cannot find metric"):
        await policies.create_alert_policy(name=NAME, alert_policy=policy())


async def test_a_channel_that_is_used_goes_only_by_force(
    side: GoogleSide,
    policies: m.AlertPolicyServiceAsyncClient,
    channels: m.NotificationChannelServiceAsyncClient,
) -> None:
    channel = await email(channels)
    made = await policies.create_alert_policy(
        name=NAME, alert_policy=policy(_condition(), notification_channels=[channel])
    )
    with pytest.raises(exceptions.FailedPrecondition, match="force"):
        await channels.delete_notification_channel(name=channel)
    await channels.delete_notification_channel(name=channel, force=True)
    assert list((await policies.get_alert_policy(name=made.name)).notification_channels) == []


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (m.NotificationChannel(type_="carrier-pigeon"), "one of"),
        (m.NotificationChannel(type_="email"), "email_address"),
        (m.NotificationChannel(type_="email", labels={"email_address": "nobody"}), "no e-mail"),
        (m.NotificationChannel(type_="slack"), "channel_name"),
    ],
)
async def test_refused_channels(
    channels: m.NotificationChannelServiceAsyncClient, channel: m.NotificationChannel, words: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=words):
        await channels.create_notification_channel(name=NAME, notification_channel=channel)


async def test_channels_and_their_kinds_are_listed(channels: m.NotificationChannelServiceAsyncClient) -> None:
    name = await email(channels)
    pager = await channels.list_notification_channels(request={"name": NAME, "filter": 'type = "email"'})
    assert [c.name async for c in pager] == [name]
    kinds = await channels.list_notification_channel_descriptors(name=NAME)
    assert {d.type_ async for d in kinds} >= {"email", "pubsub", "slack"}
    one = await channels.get_notification_channel_descriptor(name=f"{NAME}/notificationChannelDescriptors/pubsub")
    assert [label.key for label in one.labels] == ["topic"]
    with pytest.raises(exceptions.NotFound):
        await channels.get_notification_channel(name=f"{NAME}/notificationChannels/0")


async def test_budgets_take_email_channels_only(
    side: GoogleSide, channels: m.NotificationChannelServiceAsyncClient
) -> None:
    from google.cloud.billing import budgets_v1

    from tests.unit.sandbox.google_side import ACCOUNT

    slack = await channels.create_notification_channel(
        name=NAME, notification_channel=m.NotificationChannel(type_="slack", labels={"channel_name": "#ion-alerts"})
    )
    budgets = side.client(budgets_v1.BudgetServiceAsyncClient)
    for channel, fine in ((await email(channels), True), (slack.name, False)):
        budget = budgets_v1.Budget(
            display_name="b",
            amount={"specified_amount": {"units": 1}},
            notifications_rule={"monitoring_notification_channels": [channel]},
        )
        if fine:
            await budgets.create_budget(parent=ACCOUNT, budget=budget)
        else:
            with pytest.raises(exceptions.InvalidArgument, match="e-mail"):
                await budgets.create_budget(parent=ACCOUNT, budget=budget)
