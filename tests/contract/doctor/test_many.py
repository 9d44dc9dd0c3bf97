"""`lumen doctor` of a fleet: each project, cache, channel and service is looked at once; many read like few."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from bot.cli.report_text import print_checks
from bot.config import Settings
from bot.doctor.check import Check
from bot.doctor.examine import examine
from bot.service_settings import ServiceSettings, Watched
from demo.valkey import EmbeddedValkey, Kind
from lumen.adapters.clock import SystemClock
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store
from lumen.adapters.store.scripts import key
from lumen.model.messages import SourceUnavailable, message
from lumen.model.service import ServiceId
from sandbox.google.extra.instance import InstanceFacts
from sandbox.ion.config import IonConfig
from sandbox.ion.fleet import place_fleet
from tests.contract.slack.conftest import RunningSlack, slack
from tests.unit.sandbox.google_side import PROJECT, GoogleSide, google_side

__all__ = ["slack"]

SHOP, REGION = "shop-prod", "us-central1"
INSTANCE = f"projects/{SHOP}/locations/{REGION}/instances/shop-cache"
DEAD = "redis://127.0.0.1:1/0"


@dataclass
class Fleet:
    """Services of two projects, a third of them in the shop's, and what holds for each."""

    side: GoogleSide
    settings: Settings
    own: dict[ServiceId, ServiceSettings]

    def change(self, service: ServiceId, **values: Any) -> None:
        """Of one service alone."""
        self.own[service] = self.own[service].model_copy(update=values)

    @property
    def services(self) -> tuple[ServiceId, ...]:
        return tuple(self.own)

    async def examined(self) -> Mapping[str, Check]:
        """By their names."""
        self.settings._watched = Watched(self.own, {one: {} for one in self.own}, ())
        checks = await examine(self.settings)
        assert len({check.name for check in checks}) == len(checks)
        return {check.name: check for check in checks}


@pytest.fixture(scope="session")
def own_cache(memory_directory: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(memory_directory / "doctors-own", Kind.CACHE) as server:
        yield server


@pytest.fixture
async def fleet(
    request: pytest.FixtureRequest, slack: RunningSlack, state_url: str, cache_url: str, own_cache: EmbeddedValkey
) -> AsyncIterator[Fleet]:
    """As many services as the test says; every cache is a database of one server, but for the first one's."""
    count: int = request.param
    services = [
        ServiceId(SHOP if number % 3 == 0 else PROJECT, REGION, f"svc-{number:03d}") for number in range(1, count + 1)
    ]
    async with google_side() as side:
        side.clock.at = time.time()
        side.cloud.metrics.others.add(SHOP)
        for project in (PROJECT, SHOP):
            place_fleet(replace(IonConfig(), project=project), side.cloud, side.clock.at, count, days=0.1)

        async def apply(_: Mapping[str, str]) -> None:
            return None

        side.cloud.redis_instance = InstanceFacts(INSTANCE, side.clock.at, 1.0, apply)
        settings = Settings(
            project_id=PROJECT,
            region=REGION,
            service_name=tuple(one.name for one in services),
            cache_redis_url=SecretStr(own_cache.url),
            state_redis_url=SecretStr(state_url),
            api_cost_per_call=0.00003,
            slack_bot_token=slack.facts.bot_token,
            slack_app_token=slack.facts.app_token,
            slack_api_url=slack.api_url,
            slack_channel=slack.facts.channel,
            approvers=(slack.facts.approver, slack.facts.approver_group),
            lumen_gcp_endpoint=side.target,
        )
        own = ServiceSettings.model_validate({name: getattr(settings, name) for name in ServiceSettings.model_fields})
        urls = [own_cache.url, *(cache_url.replace("db=0", f"db={number % 12}") for number in range(1, count))]
        of = {url: own.model_copy(update={"cache_redis_url": SecretStr(url)}) for url in dict.fromkeys(urls)}
        store = open_store(state_url)
        await epoch.init(store, services, SystemClock())
        await store.aclose()
        yield Fleet(side, settings, {service: of[url] for service, url in zip(services, urls, strict=True)})


def faults(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.says.code for name, check in checks.items() if not check.ok}


def printed(checks: Mapping[str, Check], capsys: pytest.CaptureFixture[str], locale: str = "en") -> list[str]:
    """Without the words that a line is broken at."""
    capsys.readouterr()
    print_checks([*checks.values()], locale)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("fleet", [3], indirect=True)
async def test_what_is_well_is_one_line_a_kind(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    checks = await fleet.examined()
    assert faults(checks) == {}
    lines = printed(checks, capsys)
    at = lines.index("ok   server: CACHE_REDIS_URL (3 caches)")
    assert lines[at + 1].strip() == "3 caches answer."
    assert {"ok   google: may publish metrics (2 projects)", "ok   request_count (3 services)"} <= set(lines)
    assert "svc-003: Cloud Run" in checks
    assert f"google: may publish metrics ({SHOP})" in checks
    assert "ok   서비스 3개" not in lines
    assert "ok   request_count (서비스 3개)" in printed(checks, capsys, "ko")


def break_one_of_each(fleet: Fleet) -> None:
    """What the store knows, a project's permissions, an instance's, a service, a cache, a channel, an approver."""
    named = {one.name: one for one in fleet.services}
    with redis.Redis.from_url(fleet.settings.state_redis_url.get_secret_value()) as store:
        store.delete(*(key(named[name], "epoch") for name in ("svc-011", "svc-013")))
    fleet.side.cloud.faults.denied_in[SHOP] = {"monitoring.*", "redis.instances.update"}
    fleet.side.cloud.cloud_run.services.pop(named["svc-007"].path)
    fleet.change(named["svc-001"], cache_instance=INSTANCE, cache_cost_per_mb=0.05)
    for name in ("svc-004", "svc-005"):
        fleet.change(named[name], cache_redis_url=SecretStr(DEAD))
    fleet.change(named["svc-008"], slack_channel="C0GENERAL1")
    fleet.change(named["svc-010"], approvers=("U0NOTHERE1",))


#: Beside those of the shop's services, which are alike.
FAULTS = {
    "slack: SLACK_CHANNEL (C0GENERAL1)": "doctor.channel_not_in",
    "slack: APPROVERS (svc-010)": "doctor.approver_unknown",
    "server: STATE_REDIS_URL (svc-011)": "state.no_epoch",
    "server: STATE_REDIS_URL (svc-013)": "state.no_epoch",
    "server: CACHE_REDIS_URL (127.0.0.1:1/0)": "source.redis_unreachable",
    "google: may change svc-007": "source.not_found",
    "google: may change CACHE_INSTANCE": "doctor.instance_permissions",
    f"google: may publish metrics ({SHOP})": "source.permission_denied",
    "svc-001: cache hits": "source.permission_denied",
    "svc-004: cache": "source.redis_unreachable",
    "svc-004: TTL setting": "source.redis_unreachable",
    "svc-005: cache": "source.redis_unreachable",
    "svc-005: TTL setting": "source.redis_unreachable",
    "svc-007: TTL setting": "source.service_unknown",
    "svc-007: Cloud Run": "source.service_unknown",
}


@pytest.mark.parametrize("fleet", [24, pytest.param(200, marks=pytest.mark.prove)], indirect=True)
async def test_each_fault_of_many_is_said_once_by_name_and_stops_no_other(
    fleet: Fleet, slack: RunningSlack, cache_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    break_one_of_each(fleet)
    with redis.Redis.from_url(cache_url) as shared:
        shared.config_resetstat()
        checks = await fleet.examined()
        looks = shared.info("commandstats")["cmdstat_eval"]["calls"]
    shops = [one.name for one in fleet.services if one.project == SHOP]
    denied = {
        f"{name}: {what}": "source.permission_denied"
        for name in shops
        for what in ("request_count", "168 h of history")
    }
    # The month is a sum over the project's services, of which some are not known.
    assert {name: code for name, code in faults(checks).items() if not name.endswith(": spend")} == FAULTS | denied
    # Each thing once, however many services share it.
    calls = fleet.side.cloud.server.calls
    assert calls["Services/TestIamPermissions"] == len(fleet.services)
    assert (calls["Services/ListServices"], calls["LoggingServiceV2/ListLogEntries"]) == (2, 2)
    assert looks == len({one.cache_url for one in fleet.own.values()} - {DEAD}) - 1
    asked = [call.method for call in slack.server.journal.calls]
    assert (asked.count("conversations.history"), asked.count("usergroups.users.list")) == (2, 1)
    # And it reads no longer for 200 than for 24.
    lines = printed(checks, capsys)
    assert f"mend request_count ({', '.join(shops[:5])} … ({len(shops)}))" in lines
    assert f"ok   Cloud Run ({len(fleet.services) - 1} of {len(fleet.services)} services)" in lines
    assert sum(line.startswith(("ok ", "mend ")) for line in lines) < 75
    assert "mend server: STATE_REDIS_URL (svc-011, svc-013)" in lines
    said = " ".join(" ".join(lines).split())
    assert f"Shown for {shops[0]}; the same for {len(shops) - 1} more." in said
    assert f"gcloud projects add-iam-policy-binding {SHOP}" in said


@pytest.mark.parametrize("fleet", [3], indirect=True)
async def test_without_google_the_servers_and_slack_are_looked_at_all_the_same(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise SourceUnavailable(message("source.no_credentials", detail="none"), message("source.credentials_remedy"))

    monkeypatch.setattr("bot.wiring.examined.open_google", refused)
    fleet.change(fleet.services[2], cache_redis_url=SecretStr(DEAD))
    checks = await fleet.examined()
    assert faults(checks) == {
        "google: credentials": "source.no_credentials",
        "server: CACHE_REDIS_URL (127.0.0.1:1/0)": "source.redis_unreachable",
    }
    assert sum(name.startswith("server: CACHE_REDIS_URL") for name in checks) == 3
    assert checks["slack: SLACK_CHANNEL"].ok
