"""A table of misconfigurations: `lumen doctor` says what is wrong and a command that works, uncut on 80 columns.

Each test breaks several things that have nothing to do with each other at once; a row is one of them. Where a row says
so its commands are carried out, and then nothing is wrong there any more.
"""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer
from google.cloud.billing.budgets_v1 import ListBudgetsResponse
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from redis.asyncio import Redis

from bot.cli.commands import app
from bot.cli.report_text import print_checks, whole_lines
from bot.doctor.check import Check
from bot.doctor.examine import examine
from demo.ports import free_port
from demo.valkey import EmbeddedValkey, Kind
from demo.world import World
from lumen.adapters.clock import SystemClock
from lumen.wording.catalogue import LOCALES, Catalogue, templates
from sandbox.client import SandboxClient
from tests.contract.doctor.test_doctor import settings
from tests.foreign_google import ForeignGoogle
from tests.gcloud import fault
from tests.unit.bot.test_settings import Start, refused, start
from tests.unit.sandbox.google_side import GoogleSide

__all__ = ["start"]

OFF = timedelta(minutes=10)
TOPIC = "doctors-budget"
OTHERS = ("/invite @Lumen", "timedatectl set-ntp true", "pip install .[numerics]")


@dataclass(frozen=True)
class Broken:
    """What is wrong in one group: settings, servers, Google, Slack. `rows`: check -> code of its sentence."""

    rows: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    denied: Sequence[str] = ()
    cache: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    slack: tuple[str, str] | None = None
    google: str = ""
    clocks: timedelta | None = None
    #: Checks whose commands are carried out.
    mended: Sequence[str] = ()


S, C, G = "slack: ", "server: ", "google: "
CACHE, STATE = C + "CACHE_REDIS_URL", C + "STATE_REDIS_URL"
GROUPS = {
    "settings": Broken(
        {
            S + "SLACK_CHANNEL": "doctor.channel_unknown",
            S + "APPROVERS": "doctor.approver_unknown",
            S + "ONCALL_GROUP": "doctor.oncall",
            S + "ONCALL_ESCALATION": "doctor.oncall",
            "pager: PAGER_WEBHOOK_URL": "pager.no_answer",
            "setting: FREEZE": "doctor.freeze_over",
            "setting: APPROVALS_NEEDED": "doctor.too_few_approvers",
            "setting: OUTPUT_DIR": "doctor.output_unwritable",
            "setting: CACHE_COST_PER_MB": "doctor.price",
            "setting: API_COST_PER_CALL": "doctor.call_price",
            "setting: AUTO_APPLY": "doctor.auto_apply_idle",
            G + "budget": "doctor.budget_differs",
        },
        {
            "slack_channel": "C0NOTHERE1",
            "approvers": "U0NOTHERE1",
            "approvals_needed": 2,
            "oncall_group": "S0NOBODY01",
            "oncall_escalation": "S0NOBODY02",
            "pager_webhook_url": "http://127.0.0.1:1/api/v2/alerts",
            "freeze": "2020-01-01T00:00Z/2021-01-01T00:00Z",
            "output_dir": "/dev/null/reports",
            "auto_apply": "ttl",
            "disable_auto_optimization": True,
            "budget_usd": 250,
        },
        unset=("cache_cost_per_mb", "api_cost_per_call"),
        mended=("setting: CACHE_COST_PER_MB", "setting: API_COST_PER_CALL", "setting: FREEZE", G + "budget"),
    ),
    "nobody there": Broken(
        {
            S + "SLACK_CHANNEL": "doctor.channel_not_in",
            S + "APPROVERS": "doctor.approver_bot",
            S + "SLACK_APP_TOKEN": "doctor.app_token",
            STATE: "state.unreachable",
            CACHE: "source.redis_unreachable",
            G + "budget": "source.not_found",
            "ion-other: Cloud Run": "source.service_unknown",
        },
        {
            "slack_channel": "C0GENERAL1",
            "approvers": "U0LUMENBOT",
            "slack_app_token": "xapp-wrong",
            "state_redis_url": "redis://127.0.0.1:2",
            "cache_redis_url": "redis://127.0.0.1:1",
            "billing_account": "000000-000000-000000",
            "service_name": "ion-other",
        },
    ),
    "words that do not match": Broken(
        {
            S + "SLACK_CHANNEL": "doctor.channel_archived",
            S + "APPROVERS": "doctor.no_approvers",
            STATE: "state.denied",
            CACHE: "source.redis_denied",
            "ion-api: Cloud Run": "source.service_unknown",
        },
        {
            "slack_channel": "C0ARCHIVED",
            "approvers": "",
            "state_redis_url": "redis://:wrong@{odd}",
            "cache_redis_url": "redis://user:wrong@{odd}/1",
            "region": "us-east1",
        },
    ),
    "another project": Broken(
        {
            S + "SLACK_CHANNEL": "doctor.channel_unknown",
            S + "APPROVERS": "doctor.group",
            STATE: "state.no_epoch",
            CACHE: "doctor.no_tls",
            "ion-api: request_count": "source.not_found",
        },
        {
            "slack_channel": "C0PRIVATE1",
            "approvers": "S0NOTHERE1",
            "state_redis_url": "redis://{odd}",
            "cache_redis_url": "rediss://{odd}/1",
            "project_id": "another-project",
        },
    ),
    "half a store": Broken(
        {
            S + "SLACK_BOT_TOKEN": "doctor.bot_token",
            STATE: "state.not_durable",
            CACHE: "doctor.wants_tls",
            G + "budget's notifications": "source.news_no_subscription",
        },
        {"slack_bot_token": "xoxb-wrong", "cache_redis_url": "redis://{tls}", "budget_topic": TOPIC},
        state={"appendfsync": "everysec"},
        mended=(STATE, G + "budget's notifications"),
    ),
    "no rights": Broken(
        {
            S + "SLACK_CHANNEL": "doctor.channel_scope",
            STATE: "state.no_epoch",
            "ion-api: request_count": "source.permission_denied",
            "ion-api: Cloud Run": "source.permission_denied",
            G + "may change ion-api": "doctor.permissions",
            G + "may publish metrics": "source.permission_denied",
            G + "may read CACHE_INSTANCE": "source.permission_denied",
            G + "may change CACHE_INSTANCE": "doctor.instance_permissions",
            G + "budget": "source.permission_denied",
            G + "budget's notifications": "source.permission_denied",
            G + "may read the log": "source.permission_denied",
            C + "maxmemory": "source.no_maxmemory",
        },
        {"budget_topic": TOPIC, "state_redis_url": "redis://{odd}"},
        denied=("monitoring.*", "run.*", "redis.*", "billing.*", "pubsub.*", "logging.*"),
        cache={"maxmemory": "0"},
        slack=("conversations.history", "missing_scope"),
        mended=(C + "maxmemory",),
    ),
    "late, on Memorystore": Broken(
        {
            C + "store's clock": "doctor.clock",
            G + "clock": "doctor.clock",
            C + "maxmemory-policy": "doctor.policy_allkeys",
        },
        cache={"maxmemory-policy": "allkeys-lru"},
        clocks=-OFF,
    ),
    "one server": Broken({CACHE: "doctor.same_server"}, {"cache_redis_url": "{state_1}"}),
    "early, on a server of one's own": Broken(
        {
            C + "store's clock": "doctor.clock",
            G + "clock": "doctor.clock",
            C + "maxmemory-policy": "doctor.policy_noeviction",
            C + "CACHE_KEY_PREFIX": "doctor.prefix",
        },
        {"cache_key_prefix": "another:", "cache_instance": ""},
        cache={"maxmemory-policy": "noeviction"},
        clocks=OFF,
        mended=(C + "maxmemory-policy", C + "CACHE_KEY_PREFIX"),
    ),
    "another Google": Broken(
        {
            "setting: numerics": "doctor.no_numerics",
            G + "budget": "doctor.currency",
            "ion-api: request_count": "source.api_disabled",
        },
        google="foreign",
    ),
    "another instance": Broken(
        {"ion-api: cache hits": "source.instance_absent", G + "may read CACHE_INSTANCE": "source.not_found"},
        {"cache_instance": "projects/naeda-genesis/locations/l/instances/other"},
    ),
}
#: What stops the start: the settings, and the one that is named.
STARTS: Sequence[tuple[Mapping[str, str], str]] = (
    ({"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
    ({"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
    ({"SLACK_CHANNEL": "#ion-alerts"}, "SLACK_CHANNEL"),
    ({"TTL_STRATGY": "auto"}, "TTL_STRATEGY"),
    ({"LUMEN_LOCAL": "ko"}, "LUMEN_LOCALE"),
    ({"REGION": "US"}, "REGION"),
    ({"SERVICE_NAME": "ION API"}, "SERVICE_NAME"),
    ({"PROJECT_ID": ""}, "PROJECT_ID"),
    ({"CACHE_SIZE_MB": "2048"}, "CACHE_SIZE_MB"),
    ({"SLO_AVAILABILITY": "98%"}, "ALERT_AVAILABILITY"),
    ({"STATE_REDIS_URL": "redis://cache:6379/0"}, "STATE_REDIS_URL"),
    ({"BILLING_ACCOUNT": "mine"}, "BILLING_ACCOUNT"),
    ({"AUTO_APPLY": "ttl", "APPROVERS": ""}, "APPROVERS"),
)


@pytest.fixture(scope="session")
def prepared(sandbox_world: World) -> World:
    sandbox_world.initialise_state()
    return sandbox_world


@pytest.fixture(scope="session")
def odd(memory_directory: Path) -> Iterator[str]:
    """Host and port of a server with a password that is nobody's, and without anything of Lumen's."""
    port = free_port()
    with EmbeddedValkey(memory_directory / "odd", Kind.STATE, port=port):
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def tls_server() -> AsyncIterator[str]:
    """Hangs up at plain words as a server with TLS does: an alert, and the end."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x15\x03\x03\x00\x02\x02\x46")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def configured(url: str, wanted: Mapping[str, str]) -> AsyncIterator[None]:
    """With these settings of a server, which has its own again afterwards."""
    async with Redis.from_url(url, decode_responses=True) as client:
        before = [(name, (await client.config_get(name))[name]) for name in wanted]
        for name, value in wanted.items():
            await client.config_set(name, value)
        try:
            yield
        finally:
            for name, was in before:
                await client.config_set(name, was or "")


@asynccontextmanager
async def foreign_google() -> AsyncIterator[str]:
    async def budgets(_request: bytes) -> Any:
        amount = {"specified_amount": {"units": 200, "currency_code": "EUR"}}
        budget = {"name": "billingAccounts/1/budgets/2", "display_name": "ION API Monthly Budget", "amount": amount}
        return ListBudgetsResponse.pb(ListBudgetsResponse({"budgets": [budget]}))

    async with ForeignGoogle() as google:
        google.answers["ListBudgets"] = budgets
        unused = "Cloud Monitoring API has not been used in project 1 before or it is disabled."
        google.refuse("ListTimeSeries", grpc.StatusCode.PERMISSION_DENIED, unused)
        yield google.endpoint


@dataclass
class Fixer:
    """Carries out what a remedy says: a setting is set, a server's changed, Google's things are made."""

    world: World
    wanted: dict[str, Any] = field(default_factory=dict)

    async def do(self, command: str) -> None:
        if re.match(r"[A-Z_]+=", command):
            name, _, value = command.partition("=")
            self.wanted[name.lower()] = value
        elif command.startswith("redis-cli"):
            words = shlex.split(command)
            path = words[words.index("-s") + 1]
            async with Redis(unix_socket_path=path) as client:
                with suppress(Exception if "REWRITE" in words else AssertionError):
                    await client.execute_command(*words[words.index("CONFIG") :])  # type: ignore[no-untyped-call]
        elif command.startswith("gcloud pubsub"):
            await self._pubsub(shlex.split(command))

    async def _pubsub(self, words: Sequence[str]) -> None:
        side = GoogleSide(None, None, self.world.addresses.gcp_endpoint)  # type: ignore[arg-type]  # for its clients
        if words[2] == "topics":
            await side.client(PublisherAsyncClient).create_topic(name=words[4])
        else:
            topic = words[5].removeprefix("--topic=")
            await side.client(SubscriberAsyncClient).create_subscription(name=words[4], topic=topic)


def commands(check: Check, locale: str = "en") -> list[str]:
    assert check.remedy is not None
    return re.findall(r"`([^`]+)`", Catalogue(locale).plain(check.remedy))


#: What a setting cannot do without.
BESIDE = {"ONCALL_ESCALATION": {"ONCALL_GROUP": "S0IONCALL1"}}


def assert_works(command: str, start: Start) -> None:
    """It is one of ours, or one that its program knows with these flags; a setting can be set."""
    words = shlex.split(command)
    if words[0] == "gcloud":
        assert not fault(command), command
        assert all("=" in word for word in words if word.startswith("--")), command
    elif words[0] == "redis-cli":
        place, does = r"(-s \S+|-h \S+ -p \d+)", r"( PING| CONFIG SET \S+ \S+| CONFIG REWRITE)"
        assert re.fullmatch(rf"redis-cli {place}( --tls| --askpass| --user \S+)*{does}", command), command
    elif words[0] == "lumen":
        found: Any = typer.main.get_command(app)
        while hasattr(found, "commands"):
            found = found.commands[(words := words[1:])[0]]
        _, surplus, _ = found.make_parser(found.context_class(found)).parse_args(words[1:])
        assert not surplus, command
    elif "=" in words[0]:
        name, _, value = command.partition("=")
        start(**{**BESIDE.get(name, {}), name: value})
    else:
        assert command in OTHERS


def assert_uncut(checks: Sequence[Check], capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal of 80 columns every word is there, each command in one line."""
    for locale in ("en", "ko"):
        capsys.readouterr()
        print_checks(checks, locale)
        printed = capsys.readouterr().out
        for check in checks:
            for sentence in check.sentences if not check.ok else ():
                said = Catalogue(locale).plain(sentence)
                assert " ".join(said.split()) in " ".join(printed.split())
                assert "…" not in said.replace(str(sentence.params.get("detail", "?")), "")
                for command in re.findall(r"`[^`]+`", said):
                    assert any(command in line for line in printed.splitlines()), command


def shifted(world: World, by: timedelta) -> datetime:
    """An origin with which the bot's clock is `by` ahead of the sandbox's."""
    return datetime.fromisoformat(world.clock.origin) - by / (world.clock.scale - 1)


def clock_off(by: timedelta) -> type[SystemClock]:
    """The clock of a machine that is `by` ahead of its servers."""

    class Off(SystemClock):
        def now(self) -> datetime:
            return super().now() + by

    return Off


@pytest.mark.parametrize("group", GROUPS)
async def test_what_is_set_wrongly_is_said_with_a_command_that_works(
    prepared: World,
    sandbox: SandboxClient,
    odd: str,
    group: str,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = GROUPS[group]
    monkeypatch.setenv("COLUMNS", "80")
    await sandbox.clear_faults()
    if broken.denied:
        await sandbox.post("world/permissions", denied=broken.denied)
    if broken.slack:
        await sandbox.fault(broken.slack[0], "error", error=broken.slack[1], times=1)
    async with (
        configured(prepared.cache.url, broken.cache),
        configured(prepared.state.url, broken.state),
        tls_server() as tls,
        foreign_google() as foreign,
    ):
        places = {"odd": odd, "tls": tls, "state_1": prepared.state.url.replace("db=0", "db=1")}
        wanted = {n: v.format(**places) if isinstance(v, str) else v for n, v in broken.settings.items()}
        if broken.google:
            monkeypatch.setattr("bot.numerics.STATISTICS", ("numpy", "not_there_at_all"))
            wanted["lumen_gcp_endpoint"] = foreign
        if broken.clocks:
            wanted["lumen_clock_origin"] = shifted(prepared, broken.clocks)
            monkeypatch.setattr("bot.wiring.examined.SystemClock", clock_off(broken.clocks))
        checks = {check.name: check for check in await examine(settings(prepared, broken.unset, **wanted))}
        assert {name: checks[name].says.code for name in broken.rows} == broken.rows
        assert not any(checks[name].ok for name in broken.rows)
        for name in broken.rows:
            assert commands(checks[name]), name
            assert commands(checks[name]) == commands(checks[name], "ko")
            for command in commands(checks[name]):
                assert_works(command, start)
        assert_uncut([*checks.values()], capsys)
        if broken.mended:
            fixer = Fixer(prepared, dict(wanted))
            for name in broken.mended:
                for command in commands(checks[name]):
                    await fixer.do(command)
            await sandbox.post("world/permissions", denied=())
            mended = {check.name: check for check in await examine(settings(prepared, **fixer.wanted))}
            assert [name for name in broken.mended if not mended[name].ok] == []


@pytest.mark.parametrize(("given", "named"), STARTS)
def test_what_stops_the_start_is_said_with_a_setting_that_works(
    start: Start, given: Mapping[str, str], named: str
) -> None:
    (told,) = refused(start, **given)
    example = re.search(rf"Example: ({named}=.+)", told)
    assert example, told
    name, _, value = example[1].partition("=")
    start(**{name: value})


def test_the_table_has_more_than_thirty_six() -> None:
    assert sum(len(broken.rows) for broken in GROUPS.values()) + len(STARTS) >= 36


def test_a_command_is_never_broken_however_narrow() -> None:
    text = "Do it: `gcloud pubsub topics create projects/a-project/topics/a-topic`, and look again."
    assert whole_lines(text, 20) == [
        "Do it:",
        "`gcloud pubsub topics create projects/a-project/topics/a-topic`,",
        "and look again.",
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_remedy_of_doctor_holds_a_command(locale: str) -> None:
    remedies = {code: words for code, words in templates(locale).items() if re.fullmatch(r"doctor\..+_remedy", code)}
    assert len(remedies) > 36
    assert [code for code, words in remedies.items() if not re.search(r"`[^`]+`", words)] == []
