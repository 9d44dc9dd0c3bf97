"""`lumen setup`: from an empty project to a complete one, whatever fails, whatever others have done, and back."""

import sys
from dataclasses import replace
from typing import Any

import pytest
from google import pubsub_v1
from grpc import StatusCode

from lumen.model.messages import ActuatorFailed
from lumen.model.setup import Action, Kind
from lumen.use_cases.setup.resources import kinds_of
from sandbox.google.faults import MethodFault
from tests.contract.setup.conftest import (
    LUMEN,
    SCOPE,
    Installation,
    Unmarked,
    failed,
    failing_at,
    only,
    open_installation,
)
from tests.unit.sandbox.google_side import PROJECT, google_side

SHOP = "shop-prod"
ANOTHER = f"projects/{PROJECT}/topics/somebody"

#: What somebody changes of each kind, and the place that the plan names. A topic has nothing of Lumen's but its name.
EDITS: dict[Kind, tuple[str, dict[str, Any], str]] = {
    Kind.METRIC: ("roi_percentage", {"description": "Ours."}, "description"),
    Kind.ROLE: ("lumenPublisher", {"includedPermissions": ["monitoring.timeSeries.create"]}, "includedPermissions"),
    Kind.SUBSCRIPTION: ("budget", {"ackDeadlineSeconds": 600}, "ackDeadlineSeconds"),
    Kind.CHANNEL: ("email", {"displayName": "Night shift"}, "displayName"),
    Kind.JOB: ("hourly", {"schedule": "30 * * * *"}, "schedule"),
    Kind.DASHBOARD: ("maturity", {"displayName": "Ours"}, "displayName"),
    Kind.UPTIME_CHECK: ("", {"period": "60s"}, "period"),
    Kind.POLICY: ("roi", {"displayName": "ROI, calmer"}, "displayName"),
    Kind.BUDGET: ("month", {"amount": {"specifiedAmount": {"units": "500"}}}, "amount.specifiedAmount.units"),
}


#: What somebody else may have given to resources of the same name.
THEIRS: dict[Kind, dict[str, Any]] = {
    Kind.METRIC: {"description": "Ours."},
    Kind.ROLE: {"title": "Ours"},
    Kind.SUBSCRIPTION: {"ackDeadlineSeconds": 600},
    Kind.CHANNEL: {"labels": {"email_address": "somebody@example.com"}},
    Kind.JOB: {"schedule": "30 * * * *"},
    Kind.DASHBOARD: {"mosaicLayout": {"columns": 12}},
    Kind.UPTIME_CHECK: {"period": "60s"},
    Kind.POLICY: {"combiner": "AND"},
    Kind.BUDGET: {"notificationsRule": {"pubsubTopic": SCOPE.budget_topic, "schemaVersion": "1.0"}},
}


async def test_an_empty_project_is_completed_and_a_second_apply_changes_nothing(lumen: Installation) -> None:
    made = await lumen.change()
    assert failed(made) == []
    assert {one.step.kind for one in made} == {*Kind} - {Kind.GRANT, Kind.ACCESS}
    await lumen.is_complete()
    assert await lumen.change() == []


async def test_each_mark_names_lumen_and_a_fingerprint(lumen: Installation) -> None:
    await lumen.change()
    for kind in Kind:
        for one in await lumen.cloud.read(kind):
            assert one.key
            assert bool(one.applied) is (kind is not Kind.BUDGET)


async def test_what_the_settings_do_not_ask_for_is_left_out_and_says_which_setting_would(lumen: Installation) -> None:
    lumen.scope = replace(
        lumen.scope,
        alert_email="",
        billing_account="",
        budget_topic="",
        public_url="",
        uptime_url="",
        memorystore=False,
    )
    plan = await lumen.planned()
    assert {one.why.params["setting"] for one in plan.left_out} == {
        "ALERT_EMAIL", "BILLING_ACCOUNT", "BUDGET_TOPIC", "PUBLIC_URL", "UPTIME_URL", "CACHE_INSTANCE", "WORKERS",
        "LUMEN_ACCOUNT",
    }  # fmt: skip
    assert failed(await lumen.carry_out(plan)) == []
    await lumen.is_complete()


async def test_what_was_changed_by_hand_is_named_and_stays(lumen: Installation) -> None:
    await lumen.change()
    names = {kind: (await lumen.found(kind, key)).name for kind, (key, _, _) in EDITS.items()}
    for kind, (key, edit, _) in EDITS.items():
        await lumen.edit_by_hand(await lumen.found(kind, key), **edit)
    edited = {kind: await lumen.cloud.read(kind) for kind in EDITS}
    kept = {step.kind: step for step in only(await lumen.planned(), Action.KEEP)}
    assert {kind: step.found.name for kind, step in kept.items() if step.found} == names
    for kind, step in kept.items():
        why = "setup.no_mark" if kind is Kind.BUDGET else "setup.by_hand"
        assert [note.code for note in step.notes] == [why, "setup.stays"]
        assert EDITS[kind][2] in {change.path for change in step.changes}
    assert await lumen.change() == []
    assert {kind: await lumen.cloud.read(kind) for kind in EDITS} == edited
    assert failed(await lumen.change(overwrite=True)) == []
    await lumen.is_complete()


async def test_what_others_add_stays_and_is_no_difference(lumen: Installation) -> None:
    await lumen.change()
    other = await lumen.cloud.create(Kind.CHANNEL, "x", "", {"type": "pubsub", "labels": {"topic": ANOTHER}})
    policy = await lumen.found(Kind.POLICY, "roi")
    channels = [*policy.body["notificationChannels"], other]
    await lumen.edit_by_hand(policy, notificationChannels=channels, enabled=False, userLabels={"team": "ion"})
    job = await lumen.found(Kind.JOB)
    await lumen.edit_by_hand(job, httpTarget={**job.body["httpTarget"], "headers": {"X-Team": "ion"}})
    await lumen.cloud.delete(next(one for one in await lumen.cloud.read(Kind.CHANNEL) if one.name == other))
    await lumen.is_complete()
    lumen.scope = replace(lumen.scope, public_url="https://other.example.com")
    lumen.locale = "ko"
    assert failed(await lumen.change()) == []
    after = await lumen.found(Kind.POLICY, "roi")
    assert (after.body["enabled"], after.body["userLabels"]["team"]) == (False, "ion")
    target = (await lumen.found(Kind.JOB)).body["httpTarget"]
    assert target["headers"]["X-Team"] == "ion"
    assert target["uri"] == "https://other.example.com/feedback/run"
    await lumen.is_complete()


async def test_a_channel_that_somebody_took_out_of_a_policy_stays_out(lumen: Installation) -> None:
    await lumen.change()
    await lumen.edit_by_hand(await lumen.found(Kind.POLICY, "roi"), notificationChannels=[])
    [kept] = only(await lumen.planned(), Action.KEEP)
    assert kept.address == "policy.roi"
    assert await lumen.change() == []
    lumen.locale, lumen.scope = "ko", replace(lumen.scope, alert_email="")
    await lumen.change()
    await lumen.is_complete()


async def test_another_setting_changes_what_is_lumens_and_deletes_what_is_not_wanted_any_more(
    lumen: Installation,
) -> None:
    await lumen.change()
    lumen.scope = replace(lumen.scope, alert_email="", uptime_url="https://new.example.com/", public_url="")
    plan = await lumen.planned()
    gone = {step.kind for step in only(plan, Action.DELETE)}
    assert gone == {Kind.CHANNEL, Kind.JOB, Kind.SUBSCRIPTION, Kind.TOPIC, Kind.UPTIME_CHECK}
    assert failed(await lumen.carry_out(plan)) == []
    await lumen.is_complete()
    assert not (await lumen.found(Kind.POLICY, "roi")).body.get("notificationChannels")


async def test_what_somebody_else_made_under_the_same_name_is_named_and_stays(
    lumen: Installation, unmarked: Unmarked
) -> None:
    made: set[str] = set()
    with unmarked():
        for wanted in sorted(lumen.wants.wanted, key=lambda one: list(Kind).index(one.kind)):
            body = {name: value for name, value in wanted.body.items() if "${channel" not in str(value)}
            made.add(await lumen.cloud.create(wanted.kind, wanted.key, "", body | THEIRS.get(wanted.kind, {})))
    before = {kind: await lumen.cloud.read(kind) for kind in Kind}
    plan = await lumen.planned()
    kept = only(plan, Action.KEEP)
    assert {step.kind for step in kept} == set(THEIRS)
    assert {note.code for step in kept for note in step.notes} == {"setup.foreign", "setup.stays"}
    assert await lumen.carry_out(plan) == []  # also what is just as it is wanted, but for the mark
    assert await lumen.change(destroy=True) == []
    assert {kind: await lumen.cloud.read(kind) for kind in Kind} == before
    assert failed(await lumen.change(overwrite=True)) == []
    await lumen.is_complete()
    assert {one.name for kind in Kind for one in await lumen.cloud.read(kind)} == made


async def test_a_metric_that_monitoring_made_by_itself_is_taken_over(lumen: Installation, unmarked: Unmarked) -> None:
    wanted = next(one for one in lumen.wants.wanted if one.key == "lumen_actions")
    with unmarked():
        body = {**wanted.body, "description": "Auto created custom metric."}
        await lumen.cloud.create(Kind.METRIC, wanted.key, "", body)
    [taken] = only(await lumen.planned(), Action.UPDATE)
    assert taken.title == "lumen_actions"
    await lumen.change()
    await lumen.is_complete()


async def test_destroy_leaves_what_is_not_its_own_and_what_others_use(lumen: Installation, unmarked: Unmarked) -> None:
    await lumen.change()
    channel, topic = await lumen.found(Kind.CHANNEL), await lumen.found(Kind.TOPIC, "budget")
    policy = await lumen.found(Kind.POLICY, "hit-rate")
    with unmarked():
        body = {**policy.body, "displayName": "Theirs", "notificationChannels": [channel.name], "userLabels": {}}
        theirs = await lumen.cloud.create(Kind.POLICY, "", "", {k: v for k, v in body.items() if k != "name"})
        listening = f"projects/{PROJECT}/subscriptions/theirs"
        await lumen.cloud.create(Kind.SUBSCRIPTION, "", "", {"name": listening, "topic": topic.name})
    kept = only(await lumen.planned(destroy=True), Action.KEEP)
    assert {step.found.name for step in kept if step.found} == {
        channel.name, topic.name, f"projects/{PROJECT}/metricDescriptors/custom.googleapis.com/cache_hit_rate",
    }  # fmt: skip
    assert failed(await lumen.change(destroy=True)) == []
    left = {one.name for kind in kinds_of(lumen.scope) for one in await lumen.cloud.read(kind)}
    assert left == {step.found.name for step in kept if step.found} | {theirs, listening}
    assert failed(await lumen.change()) == []  # also the roles, whose ids stay taken
    await lumen.is_complete()


async def test_what_changes_between_reading_and_writing_is_not_overwritten(lumen: Installation) -> None:
    await lumen.change()
    lumen.locale = "ko"
    plan = await lumen.planned(overwrite=True)
    await lumen.edit_by_hand(await lumen.found(Kind.JOB), schedule="30 * * * *")
    await lumen.edit_by_hand(await lumen.found(Kind.SUBSCRIPTION, "budget"), labels={"team": "ion"})
    assert failed(await lumen.carry_out(plan)) == ["job.hourly"]
    assert (await lumen.found(Kind.JOB)).body["schedule"] == "30 * * * *"
    for kind in (Kind.ROLE, Kind.DASHBOARD, Kind.BUDGET):
        key, edit, _ = EDITS[kind]
        found = await lumen.found(kind, key)
        await lumen.edit_by_hand(found, **edit)
        with pytest.raises(ActuatorFailed):
            await lumen.cloud.update(found, found.key, found.applied, found.body, ["displayName"])


async def test_what_may_not_be_read_is_said_and_holds_up_nothing_else(lumen: Installation) -> None:
    lumen.side.cloud.faults.denied = {"billing.*", "monitoring.notificationChannels.list"}
    plan = await lumen.planned()
    assert {step.kind for step in only(plan, Action.UNKNOWN)} == {Kind.BUDGET, Kind.CHANNEL}
    outcomes = await lumen.carry_out(plan)
    assert failed(outcomes) == ["policy.roi", "policy.hit-rate", "policy.heartbeat", "policy.uptime"]
    assert {need for one in outcomes for need in one.waits_for} == {"channel.email"}
    lumen.side.cloud.faults.denied = set()
    assert failed(await lumen.change()) == []
    await lumen.is_complete()


async def test_an_api_that_is_switched_off_is_said_only_where_it_is_needed(lumen: Installation) -> None:
    why = "Cloud Scheduler API has not been used in project 1 before or it is disabled."
    off = MethodFault("CloudScheduler/*", StatusCode.PERMISSION_DENIED, why)
    lumen.side.cloud.faults.methods.append(off)
    [unknown] = only(await lumen.planned(), Action.UNKNOWN)
    assert [note.code for note in unknown.notes] == ["source.api_disabled", "source.api_disabled_remedy"]
    lumen.scope = replace(lumen.scope, public_url="")
    assert only(await lumen.planned(), Action.UNKNOWN) == []
    assert only(await lumen.planned(destroy=True), Action.UNKNOWN) == []


async def test_a_metric_that_monitoring_does_not_know_yet_is_said_and_the_policies_come_later(
    lumen: Installation,
) -> None:
    why = "Cannot find metric(s) that match type. If a metric was created recently, it could take up to 10 minutes."
    lumen.side.cloud.faults.methods.append(MethodFault("*/CreateAlertPolicy", StatusCode.NOT_FOUND, why))
    outcomes = await lumen.change()
    assert {one.step.kind for one in outcomes if not one.done} == {Kind.POLICY}
    assert {one.error.remedy.code for one in outcomes if one.error} == {"setup.not_found_remedy"}
    lumen.side.cloud.faults.methods.clear()
    assert failed(await lumen.change()) == []
    await lumen.is_complete()


async def test_a_client_that_is_not_installed_is_named(lumen: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.scheduler_v1", None)
    [unknown] = only(await lumen.planned(), Action.UNKNOWN)
    assert unknown.kind is Kind.JOB
    assert unknown.notes[0].params == {"package": "google.cloud.scheduler_v1"}


@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer-lost"])
async def test_when_every_kind_of_call_fails_once_the_next_runs_complete_it(lumen: Installation, after: bool) -> None:
    await lumen.planned()  # so that every API is there to be asked
    calls = ["Create*", "CreateTopic", "CreateRole"]
    lumen.side.cloud.faults.methods += [
        MethodFault(f"*/{call}", StatusCode.INTERNAL, remaining=4, after=after) for call in calls
    ]
    outcomes = await lumen.change()
    assert failed(outcomes)
    assert any(one.done for one in outcomes)
    lumen.side.cloud.faults.methods.clear()
    assert failed(await lumen.change()) == []
    await lumen.is_complete()


async def test_workers_have_their_topics_and_pubsub_may_forward_what_it_gives_up(lumen: Installation) -> None:
    """From the hourly job to pushed shards, to pulled ones, and back; somebody else's right on the topic stays."""
    await lumen.change()
    for workers in ("push", "pull"):
        lumen.scope = replace(lumen.scope, workers=workers)
        assert failed(await lumen.change()) == []
        await lumen.is_complete()
        assert await lumen.change() == []
        subscriptions = {one.key: one.body for one in await lumen.cloud.read(Kind.SUBSCRIPTION)}
        asked = subscriptions["trigger" if workers == "push" else "work"]
        assert bool(asked.get("pushConfig", {}).get("pushEndpoint")) is (workers == "push")
        assert asked["deadLetterPolicy"]["deadLetterTopic"].endswith("feedback-loop-dead-letters")
        assert asked["expirationPolicy"] == {}
        assert {one.key for one in await lumen.cloud.read(Kind.JOB)} == {"look", "turn"}
        assert len(await lumen.cloud.read(Kind.GRANT)) == 2
    client = lumen.cloud.make(pubsub_v1.PublisherAsyncClient)
    topic = next(one.name for one in await lumen.cloud.read(Kind.TOPIC) if one.key == "dead")
    policy = await client.get_iam_policy({"resource": topic})
    policy.bindings.add(role="roles/pubsub.viewer", members=["user:kim@example.com"])
    await client.set_iam_policy({"resource": topic, "policy": policy})
    [grant] = [one for one in await lumen.cloud.read(Kind.GRANT) if one.key == "dead"]
    await lumen.cloud.delete(grant)
    left = await client.get_iam_policy({"resource": topic})
    assert [(one.role, list(one.members)) for one in left.bindings] == [
        ("roles/pubsub.viewer", ["user:kim@example.com"])
    ]
    assert [step.address for step in only(await lumen.planned(), Action.CREATE)] == ["grant.dead"]
    lumen.scope = replace(lumen.scope, workers="none")
    await lumen.change()
    await lumen.is_complete()
    lumen.scope = replace(lumen.scope, workers="pull")
    await lumen.change()
    assert failed(await lumen.change(destroy=True)) == []
    assert only(await lumen.planned(destroy=True), Action.DELETE) == []
    await client.transport.close()


@pytest.mark.prove
@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer-lost"])
@pytest.mark.parametrize("what", ["apply", "change", "workers", "access", "elsewhere", "destroy"])
async def test_a_failure_at_each_call_is_completed_by_the_second_run(what: str, after: bool) -> None:
    """A table over all calls of an apply on an empty project, of one after other settings, of the roles of Lumen's
    account here and in another project, and of a destroy of all."""
    number, fails = 0, True
    while fails:
        number += 1
        async with google_side() as side:
            side.cloud.metrics.others.add(SHOP)
            elsewhere = {"project": SHOP, "is_home": False, "account": LUMEN} if what == "elsewhere" else {}
            lumen = await open_installation(side, **elsewhere)
            if what == "destroy":
                lumen.scope = replace(lumen.scope, workers="pull", account=LUMEN)
            if what in ("change", "workers", "access", "destroy"):
                await lumen.change()
            if what in ("change", "workers"):
                lumen.locale = "ko"
                lumen.scope = replace(lumen.scope, alert_email="", public_url="https://other.example.com")
            if what == "workers":
                lumen.scope = replace(lumen.scope, workers="pull")
            if what == "access":
                lumen.scope = replace(lumen.scope, account=LUMEN)
            before = sum(side.cloud.server.calls.values())
            with failing_at(side, number, after=after):
                await lumen.change(destroy=what == "destroy")
                fails = sum(side.cloud.server.calls.values()) - before >= number
            assert failed(await lumen.change(destroy=what == "destroy")) == [], f"after the failure of call {number}"
            if what == "destroy":
                assert only(await lumen.planned(destroy=True), Action.DELETE) == []
            else:
                await lumen.is_complete()
            await lumen.cloud.close()
    print(f"{what}: a failure at each of {number - 1} calls, each completed by the second run")  # noqa: T201
