"""Settings: the only reader of the environment (and of `.env`). docs/configuration.md lists every one of them."""

import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode
from redis.asyncio.connection import parse_url

from bot.thresholds import ENV_FILE, Thresholds
from lumen.model.proposal import Knob
from lumen.model.service import Approvers, ServiceId
from lumen.policies.auto_apply import NAMES
from lumen.policies.freezes import Freezes, parse_freezes

#: The end of a pager's URL says what it speaks.
PAGERDUTY_PATH = "/v2/enqueue"
ALERTMANAGER_PATH = "/api/v2/alerts"
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_PUBSUB_NAME = re.compile(r"(projects/[a-z][a-z0-9-]+/(topics|subscriptions)/)?[A-Za-z][\w.~+%-]{2,254}", re.ASCII)
#: Beyond this a calendar ends.
LONGEST = timedelta(days=36_500)
Some = TypeVar("Some", bound=Thresholds)


class ConfigurationError(Exception):
    """The environment cannot be used. `problems` are sentences: the setting, its value, and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_duration(text: str) -> timedelta:
    """`90s`, `15m`, `24h`, `7d` or `0`. Raises ValueError."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("write a number and a unit: 90s, 15m, 24h or 7d (or 0)")
    lasts = timedelta(**{units[found[2]]: int(found[1])})
    if lasts > LONGEST:
        raise ValueError(f"give at most {LONGEST.days}d")
    return lasts


class Settings(Thresholds):
    """All that the bot needs, beside what figures are judged by."""

    # What is watched
    project_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    region: str = "us-central1"
    service_name: Annotated[tuple[str, ...], NoDecode]

    # The cache that Lumen tunes
    cache_redis_url: SecretStr | None = None
    redis_host: str = ""
    redis_port: Annotated[int, Field(ge=1, le=65535)] = 6379
    redis_db: Annotated[int, Field(ge=0)] = 0
    cache_key_prefix: str = "ion:cache:"
    ttl_actuator: Literal["redis", "cloud_run", "both"] = "redis"
    max_min_instances: Annotated[int, Field(ge=0, le=1000)] = 5

    billing_account: str = ""
    budget_topic: str = ""

    # Lumen's own memory
    state_redis_url: SecretStr

    # Slack
    slack_bot_token: SecretStr
    slack_app_token: SecretStr
    slack_channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")]
    approvers: Annotated[tuple[str, ...], NoDecode] = ()
    approvals_needed: Annotated[int, Field(ge=1, le=10)] = 1
    emergency_approvals_needed: Annotated[int, Field(ge=1, le=10)] = 1
    oncall_group: Annotated[str, Field(pattern=r"^([SUW][A-Z0-9]+)?$")] = ""
    oncall_repeat: Annotated[timedelta, NoDecode] = timedelta(minutes=10)
    pager_webhook_url: SecretStr | None = None
    support_contact: str = ""
    lumen_locale: Literal["en", "ko"] = "en"

    # When
    monitoring_lookback_hours: Annotated[int, Field(ge=1, le=24)] = 1
    digest_timezone: str = "UTC"
    observe_only: Annotated[timedelta, NoDecode] = timedelta(days=7)
    audit_keep: Annotated[timedelta, NoDecode] = timedelta(days=90)
    publish_metrics: bool = True
    output_dir: str = ""
    report_format: Literal["markdown", "json"] = "markdown"
    dry_run: bool = False
    disable_auto_optimization: bool = False
    undo_harmful: Literal["ask", "auto"] = "ask"
    auto_apply: Annotated[tuple[str, ...], NoDecode] = ()
    auto_apply_after: Annotated[timedelta, NoDecode] = timedelta(hours=1)
    freeze: str = ""
    rollback_timeout_seconds: Annotated[int, Field(ge=60, le=86_400)] = 300

    # The process
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    http_host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080

    # Another Slack, another Google, another clock: loopback only
    slack_api_url: str = "https://slack.com/api/"
    lumen_gcp_endpoint: str = ""
    lumen_clock_scale: Annotated[float, Field(gt=0, le=3600)] = 1.0
    lumen_clock_origin: datetime | None = None
    lumen_fault_at: str = ""

    @field_validator("service_name", "approvers", "auto_apply", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("observe_only", "audit_keep", "oncall_repeat", "auto_apply_after", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @field_validator("service_name")
    @classmethod
    def _at_least_one_service(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one Cloud Run service, e.g. ion-api")
        return value

    @field_validator("approvers")
    @classmethod
    def _user_or_group_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [v for v in value if "@" not in v and (v[:1] not in ("U", "W", "S") or not v.isalnum())]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: give ids of Slack users (U…, W…) or user groups (S…), not names; "
                "for the command line Google accounts (mina@example.com)"
            )
        return value

    @field_validator("digest_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError("give a zone of the tz database, e.g. Asia/Seoul") from error
        return value

    @field_validator("freeze")
    @classmethod
    def _readable_freezes(cls, value: str) -> str:
        parse_freezes(value, UTC)
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _slack_url(cls, value: str) -> str:
        url = urlsplit(value)
        if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname))):
            raise ValueError("give an https URL; plain http is for a loopback host only")
        return value if value.endswith("/") else value + "/"

    @field_validator("oncall_repeat")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value and not timedelta(minutes=1) <= value <= timedelta(days=1):
            raise ValueError("give 0 (call once only), or 1m to 1d")
        return value

    @field_validator("auto_apply")
    @classmethod
    def _knobs_of_the_policy(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in value if name not in NAMES]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: name of {', '.join(NAMES)} those that may be changed without asking")
        return value

    @field_validator("auto_apply_after")
    @classmethod
    def _time_to_stop_it(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=5) <= value <= timedelta(hours=12):
            raise ValueError("give 5m to 12h: people must have the time to stop it")
        return value

    @field_validator("pager_webhook_url")
    @classmethod
    def _pager_url(cls, value: SecretStr | None) -> SecretStr | None:
        url = urlsplit(value.get_secret_value()) if value else None
        if url and (not url.hostname or url.scheme not in ("https", "http")):
            raise ValueError("give an http(s) URL, e.g. https://KEY@events.pagerduty.com/v2/enqueue")
        if url and url.scheme == "http" and url.path.endswith(PAGERDUTY_PATH) and not _is_loopback(url.hostname or ""):
            raise ValueError("give an https URL: a routing key never travels in the open")
        return value

    @field_validator("budget_topic")
    @classmethod
    def _pubsub_name(cls, value: str) -> str:
        if value and not _PUBSUB_NAME.fullmatch(value):
            raise ValueError(
                "give a topic's name, e.g. budget-alerts, or projects/PROJECT/topics/NAME; "
                "or a subscription's, projects/PROJECT/subscriptions/NAME"
            )
        return value

    @field_validator("lumen_gcp_endpoint")
    @classmethod
    def _gcp_endpoint(cls, value: str) -> str:
        if not value:
            return value
        host, _, port = value.rpartition(":")
        if not port.isdigit() or not _is_loopback(host.strip("[]")):
            raise ValueError("give host:port of a loopback host, e.g. 127.0.0.1:8085 (plaintext gRPC)")
        return value

    @field_validator("cache_redis_url", "state_redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        """Asks the client's own parser, so that nothing fails later that could be said now."""
        try:
            if value:
                parse_url(value.get_secret_value())
        except ValueError as error:
            raise ValueError("give redis://host:port/db, rediss://… or unix:///path") from error
        return value

    @field_validator("lumen_clock_origin")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("give the time zone too, e.g. 2026-01-01T00:00:00Z")
        return value.astimezone(UTC) if value else None

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if self.cache_redis_url is None and not self.redis_host:
            raise ValueError("CACHE_REDIS_URL is not set (or REDIS_HOST, with REDIS_PORT and REDIS_DB)")
        if self.cache_url == self.state_redis_url.get_secret_value():
            raise ValueError("STATE_REDIS_URL must not be CACHE_REDIS_URL: Lumen's memory never lives in what it tunes")
        if self.pager_webhook_url and not self.pager_kind:
            raise ValueError(
                "PAGER_WEBHOOK_URL ends in neither /v2/enqueue (PagerDuty) nor /api/v2/alerts (Alertmanager): "
                "nobody can tell what it speaks"
            )
        if self.pager_kind == "pagerduty" and not self.pager_url_and_key[1]:
            raise ValueError(
                "PAGER_WEBHOOK_URL has no key: PagerDuty takes nothing without an integration's. "
                "Write https://KEY@events.pagerduty.com/v2/enqueue"
            )
        if (self.lumen_clock_scale != 1.0 or self.lumen_clock_origin or self.lumen_fault_at) and not self.is_sandboxed:
            raise ValueError(
                "LUMEN_CLOCK_SCALE, LUMEN_CLOCK_ORIGIN and LUMEN_FAULT_AT are for a sandbox: "
                "they need SLACK_API_URL and LUMEN_GCP_ENDPOINT on loopback"
            )
        who = self.who_may_approve
        if self.auto_apply and not who.users and not who.groups:
            raise ValueError("AUTO_APPLY needs somebody in Slack who may stop it: APPROVERS names no user and no group")
        if self.lumen_clock_scale != 1.0 and self.lumen_clock_origin is None:
            raise ValueError("LUMEN_CLOCK_SCALE needs LUMEN_CLOCK_ORIGIN: the instant at which both clocks agree")
        return self

    @property
    def freezes(self) -> Freezes:
        """FREEZE, read; what is weekly goes by DIGEST_TIMEZONE. Raises ValueError, but never once settings are made."""
        return parse_freezes(self.freeze, ZoneInfo(self.digest_timezone))

    @property
    def automatic_knobs(self) -> frozenset[Knob]:
        """Those of AUTO_APPLY."""
        return frozenset(NAMES[name] for name in self.auto_apply)

    @property
    def is_sandboxed(self) -> bool:
        """Both Slack and Google are on loopback."""
        return bool(self.lumen_gcp_endpoint) and _is_loopback(urlsplit(self.slack_api_url).hostname or "")

    @property
    def cache_url(self) -> str:
        """The cache's URL: CACHE_REDIS_URL, or REDIS_HOST with its port and database."""
        if self.cache_redis_url is not None:
            return self.cache_redis_url.get_secret_value()
        return f"redis://{self.redis_host}:{self.redis_port}/{self.redis_db}"

    @property
    def services(self) -> tuple[ServiceId, ...]:
        return tuple(ServiceId(self.project_id, self.region, name) for name in self.service_name)

    @property
    def budget_news(self) -> str:
        """The subscription with the budget's notifications, in full; "" where nobody reads them."""
        topic = self.budget_topic
        if not topic or "/subscriptions/" in topic:
            return topic
        name = topic if "/" in topic else f"projects/{self.project_id}/topics/{topic}"
        return f"{name.replace('/topics/', '/subscriptions/')}-lumen"

    @property
    def pager_kind(self) -> Literal["", "pagerduty", "alertmanager"]:
        """The protocol of PAGER_WEBHOOK_URL; "" where there is none, or where nobody can tell."""
        if self.pager_webhook_url is None:
            return ""
        path = urlsplit(self.pager_webhook_url.get_secret_value()).path.rstrip("/")
        if path.endswith(PAGERDUTY_PATH):
            return "pagerduty"
        return "alertmanager" if path.endswith(ALERTMANAGER_PATH) else ""

    @property
    def pager_url_and_key(self) -> tuple[str, str]:
        """PAGER_WEBHOOK_URL; PagerDuty's is taken apart into the URL and the integration's key before its host."""
        given = self.pager_webhook_url.get_secret_value() if self.pager_webhook_url else ""
        if self.pager_kind != "pagerduty":
            return given, ""
        url = urlsplit(given)
        return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl(), unquote(url.username or "")

    @property
    def who_may_approve(self) -> Approvers:
        """Nobody when APPROVERS is empty."""
        accounts = frozenset(a for a in self.approvers if "@" in a)
        groups = frozenset(a for a in self.approvers if a.startswith("S")) - accounts
        return Approvers(frozenset(self.approvers) - groups - accounts, groups, accounts)


def _problem(kind: str, location: tuple[int | str, ...], text: str, given: Mapping[str, str]) -> str:
    """One sentence of a pydantic error; secrets are named but not shown."""
    text = text.removeprefix("Value error, ")
    if not location:
        return text
    name = str(location[0]).upper()
    if kind == "missing":
        return f"{name} is not set. Put it into the environment or {ENV_FILE}; docs/configuration.md says what it is."
    secret = any(word in name for word in ("TOKEN", "URL"))
    shown = "(hidden)" if secret else repr(given.get(name, ""))
    return f"{name} = {shown}: {text}"


def _given() -> dict[str, str]:
    """Names and values of the environment and `.env`; the environment wins."""
    from_file = dotenv_values(ENV_FILE) if Path(ENV_FILE).exists() else {}
    return {name.upper(): value for name, value in {**from_file, **os.environ}.items() if value is not None}


def load_settings() -> Settings:
    """Read and check everything at once. Raises ConfigurationError with every problem found, not just the first."""
    own = {name.upper() for name in Settings.model_fields if name.startswith("lumen_")}
    unknown = [
        f"{name} = {value!r}: there is no such setting. Those that begin so are {', '.join(sorted(own))}."
        for name, value in sorted(_given().items())
        if name.startswith("LUMEN_") and name not in own
    ]
    return _checked(Settings, unknown)


def load_thresholds() -> Thresholds:
    """Only what figures are judged by: nothing need be set. Raises ConfigurationError."""
    return _checked(Thresholds, [])


def _checked(kind: type[Some], problems: list[str]) -> Some:
    try:
        settings = kind()
    except ValidationError as error:
        given = _given()
        problems += [_problem(e["type"], e["loc"], e["msg"], given) for e in error.errors()]
    if problems:
        raise ConfigurationError(problems)
    return settings
