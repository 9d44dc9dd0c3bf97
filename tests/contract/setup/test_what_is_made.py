"""What `lumen setup` makes works: dashboards as files, policies that open when they should and only then."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.cloud import monitoring_dashboard_v1, monitoring_v3
from google.protobuf.json_format import ParseDict

from bot.config import load_settings
from bot.triggers import TriggerRoutes
from bot.wiring.setup import scope_of
from lumen.model.metrics import UNITS
from lumen.model.setup import Kind
from lumen.model.shard import TURN_TOPIC
from lumen.use_cases.setup.resources import DASHBOARDS, desired
from lumen.use_cases.setup.scope import Scope
from lumen.wording.catalogue import Catalogue
from sandbox.google.monitoring.catalogue import UPTIME_PASSED
from sandbox.google.monitoring.series import Labels, Point
from tests.contract.setup.conftest import SCOPE, Installation
from tests.unit.sandbox.google_side import PROJECT

#: By file the titles of its widgets, in the order in which they stand.
WIDGETS = {
    "feedback_loop": [
        "Unified gate score",
        "Cache hit rate (%)",
        "Cache hit rate (%)",
        "TTL: current against recommended (s)",
        "Cache memory (share)",
        "Cache memory, history",
        "Actions of the last seven days",
        "Actions of the last seven days, by outcome",
    ],
    "maturity": [
        "Maturity score",
        "Maturity score",
        "System health (0 critical … 3 excellent)",
        "Cache health (0 failed … 4 optimal)",
        "Cost rhythm (0 chaotic, 1 dissonant, 2 resonant)",
        "Cost rhythm: coherence and entropy",
        "Cost rhythm: phase (negative: cost lags)",
    ],
    "roi_slo": [
        "Return on the cache (%)",
        "Return on the cache (%)",
        "SLO compliance",
        "SLO achievement",
        "Error budget left (%)",
        "Cost efficiency (USD a request)",
    ],
}


def dashboard(name: str) -> Any:
    return json.loads((files("lumen") / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DASHBOARDS)
async def test_each_file_is_a_dashboard_by_itself(lumen: Installation, name: str) -> None:
    told = dashboard(name)
    client: Any = lumen.side.client(monitoring_dashboard_v1.DashboardsServiceAsyncClient)
    kind = monitoring_dashboard_v1.Dashboard
    body = kind.wrap(ParseDict(told, kind.pb()()))
    await client.create_dashboard({"parent": f"projects/{PROJECT}", "dashboard": body})
    assert [tile["widget"]["title"] for tile in told["mosaicLayout"]["tiles"]] == WIDGETS[name]


def test_dashboards_show_metrics_that_are_published_and_leave_out_none() -> None:
    shown = set(re.findall(r"custom\.googleapis\.com/(\w+)", json.dumps([dashboard(name) for name in DASHBOARDS])))
    assert set(UNITS) - shown == {"lumen_heartbeat"}
    assert shown <= set(UNITS)


def test_what_calls_lumen_calls_what_lumen_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "PROJECT_ID": PROJECT,
        "SERVICE_NAME": "ion-api",
        "REDIS_HOST": "10.0.0.3",
        "STATE_REDIS_URL": "redis://10.0.0.4:6379/0",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "C0IONALERT",
        "PUBLIC_URL": "https://lumen.example.com/",
        "OIDC_SERVICE_ACCOUNT": "lumen-caller@naeda-genesis.iam.gserviceaccount.com",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.takes_triggers
    nothing: Any = None
    served = {route.path for route in TriggerRoutes(*[nothing] * 6).routes()}
    wanted = {one.address: one.body for one in desired(scope_of(settings), Catalogue("en")).wanted}
    job, push = wanted["job.hourly"]["httpTarget"], wanted["subscription.trigger"]["pushConfig"]
    assert {urlsplit(job["uri"]).path, urlsplit(push["pushEndpoint"]).path} == served
    for caller in (job, push):
        assert caller["oidcToken"] == {
            "serviceAccountEmail": settings.oidc_service_account,
            "audience": settings.audience,
        }
    assert wanted["subscription.trigger"]["topic"].endswith(f"/{TURN_TOPIC}")


async def publish(lumen: Installation, minutes: int, values: Mapping[str, float]) -> None:
    """A point each five minutes."""
    client: Any = lumen.side.client(monitoring_v3.MetricServiceAsyncClient)
    labels = {"location": "us-central1", "namespace": "lumen", "job": "ion-api", "task_id": "watch"}
    for _ in range(minutes // 5):
        lumen.side.clock.at += 300
        at = {"seconds": int(lumen.side.clock.at)}
        series = [
            {
                "metric": {"type": f"custom.googleapis.com/{name}"},
                "resource": {"type": "generic_task", "labels": {"project_id": PROJECT, **labels}},
                "points": [{"interval": {"end_time": at}, "value": {"double_value": value}}],
            }
            for name, value in values.items()
        ]
        request = monitoring_v3.CreateTimeSeriesRequest(name=f"projects/{PROJECT}", time_series=series)
        await client.create_time_series(request)


async def pass_quietly(lumen: Installation, minutes: int) -> None:
    for _ in range(minutes):
        lumen.side.clock.at += 60
        lumen.side.cloud.advance()


GOOD = {"roi_percentage": 2000.0, "cache_hit_rate": 85.0, "lumen_heartbeat": 1.0}


@pytest.mark.parametrize(
    ("values", "opened"),
    [
        ({}, set()),
        ({"roi_percentage": 299.0}, {"ROI_Degradation"}),
        ({"roi_percentage": 301.0}, set()),
        ({"cache_hit_rate": 69.0}, {"Cache_HitRate_Low"}),
        ({"cache_hit_rate": 71.0}, set()),
    ],
)
async def test_a_policy_opens_when_its_figure_is_low_for_long_enough(
    lumen: Installation, values: Mapping[str, float], opened: set[str]
) -> None:
    await lumen.change()
    await publish(lumen, 10, GOOD)
    await publish(lumen, 40, {**GOOD, **values})
    await pass_quietly(lumen, 3)
    assert {one.policy_name for one in lumen.side.cloud.alert_policies.incidents} == opened
    channel = await lumen.found(Kind.CHANNEL)
    assert {one.channel for one in lumen.side.cloud.channels.sent} == ({channel.name} if opened else set())


async def test_a_service_that_two_places_cannot_reach_is_told(lumen: Installation) -> None:
    await lumen.change()
    store = lumen.side.cloud.series
    for minute in range(15):
        lumen.side.clock.at += 60
        for place in ("usa", "europe", "asia"):
            seen = Labels("uptime_url", {"host": "ion-api.example.com"}, {"checker_location": place})
            fails = minute >= 5 and place != "asia"
            store.open_written(UPTIME_PASSED, seen).put(Point(lumen.side.clock.at, lumen.side.clock.at, not fails))
        lumen.side.cloud.advance()
    await pass_quietly(lumen, 5)
    assert [one.policy_name for one in lumen.side.cloud.alert_policies.incidents] == ["Service_Unreachable"]


async def test_a_lumen_that_is_silent_is_told_and_nothing_is_made_of_figures_that_are_missing(
    lumen: Installation,
) -> None:
    await lumen.change()
    await pass_quietly(lumen, 30)
    assert not lumen.side.cloud.alert_policies.incidents  # it has never been there
    await publish(lumen, 10, GOOD)
    await pass_quietly(lumen, 10)
    assert not lumen.side.cloud.alert_policies.incidents
    await pass_quietly(lumen, 15)
    assert [one.policy_name for one in lumen.side.cloud.alert_policies.incidents] == ["Lumen is silent"]


def test_who_reads_may_list_log_entries_where_their_client_is_installed() -> None:
    def reader(scope: Scope) -> list[str]:
        wanted = desired(scope, Catalogue("en")).wanted
        return next(list(one.body["includedPermissions"]) for one in wanted if one.key == "lumenReader")

    with_logs = replace(SCOPE, reads_logs=True)
    assert set(reader(with_logs)) - set(reader(SCOPE)) == {"logging.logEntries.list"}
