"""All settings of the bot. docs/configuration.md lists every one of them."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, SecretStr, ValidationInfo, field_validator, model_validator

from bot.cloud_settings import CloudSettings
from bot.environment import NOTHING_BESIDE, ReadBeside, read_settings
from bot.service_settings import NAME, PROJECT, REGION, ServiceSettings, Watched, cache_place, check_redis_url
from bot.shapes import Unfit
from lumen.model.proposal import Knob
from lumen.model.service import Approvers, ServiceId, named
from lumen.policies.auto_apply import NAMES
from lumen.policies.freezes import Freezes, parse_freezes

if TYPE_CHECKING:
    from bot.marked_yaml import Place
    from lumen.model.messages import Message

#: The end of a pager's URL says what it speaks.
PAGERDUTY_PATH = "/v2/enqueue"
ALERTMANAGER_PATH = "/api/v2/alerts"
#: ONCALL_ESCALATION: the pager hears of a page that nobody answers, and of no other.
PAGER = "pager"
#: gRPC: in the open on this machine alone.
OTLP = r"^(https://[^\s/?#@]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)?/?$"
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_PUBSUB_NAME = re.compile(r"(projects/[a-z][a-z0-9-]+/(topics|subscriptions)/)?[A-Za-z][\w.~+%-]{2,254}", re.ASCII)
#: Beyond this a calendar ends.
LONGEST = timedelta(days=36_500)


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


class Settings(CloudSettings, ServiceSettings):
    """All that the bot needs, beside what figures are judged by."""

    # What is watched
    project_id: Annotated[str, Field(pattern=PROJECT)]
    region: Annotated[str, Field(pattern=REGION)] = "us-central1"
    service_name: tuple[str, ...]
    services_file: Annotated[str, Field(alias="services")] = ""

    predict: str = "all"

    billing_account: Annotated[str, Field(pattern=r"^((billingAccounts/)?[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6})?$")] = ""
    budget_topic: str = ""

    # Lumen's own memory
    state_redis_url: SecretStr

    # Slack
    slack_bot_token: SecretStr
    slack_app_token: SecretStr
    approvals_needed: Annotated[int, Field(ge=1, le=10)] = 1
    emergency_approvals_needed: Annotated[int, Field(ge=1, le=10)] = 1
    oncall_repeat: timedelta = timedelta(minutes=10)
    oncall_escalation: Annotated[str, Field(pattern=r"^(S[A-Z0-9]+|pager)?$")] = ""
    pager_webhook_url: SecretStr | None = None
    support_contact: Annotated[str, Field(max_length=200)] = ""

    # When
    monitoring_lookback_hours: Annotated[int, Field(ge=1, le=24)] = 1
    digest_timezone: str = "UTC"
    observe_only: timedelta = timedelta(days=7)
    audit_keep: timedelta = timedelta(days=90)
    publish_metrics: bool = True
    output_dir: Annotated[str, Field(pattern=r"^[^\n\r\t]*$")] = ""
    report_format: Literal["markdown", "json"] = "markdown"
    dry_run: bool = False
    disable_auto_optimization: bool = False
    undo_harmful: Literal["ask", "auto"] = "ask"
    auto_apply: tuple[str, ...] = ()
    auto_apply_after: timedelta = timedelta(hours=1)
    freeze: str = ""
    rollback_timeout_seconds: Annotated[int, Field(ge=60, le=86_400)] = 300

    # The process
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    http_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=OTLP)] = ""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None

    # Another Slack, another Google, another clock: loopback only
    slack_api_url: str = "https://slack.com/api/"
    lumen_gcp_endpoint: str = ""
    lumen_certs_url: str = ""
    lumen_clock_scale: Annotated[float, Field(gt=0, le=3600)] = 1.0
    lumen_clock_origin: datetime | None = None
    lumen_fault_at: Annotated[str, Field(pattern=r"^([a-z_]+(\.[a-z_]+)+(:[0-9]+(:stop)?)?)?$")] = ""

    #: Of a services file.
    _watched: Watched | None = PrivateAttr(None)

    @field_validator("service_name", "auto_apply", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("observe_only", "audit_keep", "oncall_repeat", "auto_apply_after", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @field_validator("service_name")
    @classmethod
    def _names_of_services(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if isinstance(info.context, Watched):
            return value  # read already, and a name may be of several projects
        wrong = [name for name in value if not re.fullmatch(NAME, name) or value.count(name) > 1]
        if wrong or not value:
            raise Unfit(part=", ".join(dict.fromkeys(wrong)) or "?")
        return value

    @field_validator("slack_bot_token", "slack_app_token")
    @classmethod
    def _token_of_its_kind(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        kind = "xoxb-" if info.field_name == "slack_bot_token" else "xapp-"
        if not re.fullmatch(kind + r"[\w-]+", value.get_secret_value()):
            raise ValueError(f"give the token that begins with {kind}")
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
        for part in value.split(","):
            try:
                parse_freezes(part, UTC)
            except ValueError as error:
                raise Unfit(part=part.strip()) from error
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
            raise Unfit(part=", ".join(wrong))
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

    @field_validator("lumen_certs_url")
    @classmethod
    def _certs_url(cls, value: str) -> str:
        """Whoever serves the keys may sign anything: Google's own, or a sandbox's on this machine."""
        url = urlsplit(value)
        if value and not (url.scheme == "http" and _is_loopback(url.hostname or "")):
            raise ValueError("give an http URL of a loopback host")
        return value

    @field_validator("state_redis_url")
    @classmethod
    def _redis_url(cls, value: SecretStr) -> SecretStr:
        return check_redis_url(value)

    @field_validator("lumen_clock_origin")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("give the time zone too, e.g. 2026-01-01T00:00:00Z")
        return value.astimezone(UTC) if value else None

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> "Settings":
        if isinstance(info.context, Watched):
            self._watched = info.context
        else:
            for unfit in self.unfit_of(self):
                raise unfit
        if self.pager_webhook_url and not self.pager_kind:
            raise Unfit("PAGER_WEBHOOK_URL", "setting.pager_unknown")
        if self.pager_kind == "pagerduty" and not self.pager_url_and_key[1]:
            raise Unfit("PAGER_WEBHOOK_URL", "setting.pager_no_key")
        if self.oncall_escalation == PAGER and self.pager_webhook_url is None:
            raise Unfit("ONCALL_ESCALATION", "setting.no_pager", example="S0IONLEAD1")
        if self.predict not in ("all", "none") and not all(named(self.services, name) for name in self._predicted):
            raise Unfit("PREDICT", "setting.predict")
        if self.workers == "push" and not self.takes_triggers:
            raise Unfit("WORKERS", "setting.nobody_pushes", example="pull")
        self._sandbox_fits()
        return self

    def unfit_of(self, own: ServiceSettings) -> Iterator[Unfit]:
        """What of a service's settings does not go with those that are for all."""
        if cache_place(own.cache_url) == cache_place(self.state_redis_url.get_secret_value()):
            yield Unfit("STATE_REDIS_URL", "setting.state_is_cache")
        if self.oncall_escalation and not (own.oncall_group and self.oncall_repeat):
            yield Unfit("ONCALL_ESCALATION", "setting.nobody_to_answer", example="")
        who = own.who_may_approve
        if self.auto_apply and not who.users and not who.groups:
            yield Unfit("APPROVERS", "setting.nobody_to_stop_it", example="U0MINA0001")

    def _sandbox_fits(self) -> None:
        altered = {
            "LUMEN_CLOCK_SCALE": self.lumen_clock_scale != 1.0,
            "LUMEN_CLOCK_ORIGIN": self.lumen_clock_origin is not None,
            "LUMEN_FAULT_AT": bool(self.lumen_fault_at),
        }
        if any(altered.values()) and not self.is_sandboxed:
            name = next(name for name, is_altered in altered.items() if is_altered)
            raise Unfit(name, "setting.sandbox_only", example="")
        if self.lumen_clock_scale != 1.0 and self.lumen_clock_origin is None:
            raise Unfit("LUMEN_CLOCK_ORIGIN", "setting.clock_origin_needed")

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
    def watched(self) -> Mapping[ServiceId, ServiceSettings]:
        """Every service that is watched, with what holds for it."""
        return self._watched.settings if self._watched else dict.fromkeys(self.services, self)

    @property
    def labels(self) -> Mapping[ServiceId, Mapping[str, str]]:
        """Those of each service, for choosing among them."""
        return self._watched.labels if self._watched else {service: {} for service in self.services}

    @property
    def notes(self) -> "Sequence[tuple[Place, Message]]":
        """What of the services' OpenSLO files is not taken, and where it stands."""
        return self._watched.notes if self._watched else ()

    @property
    def services(self) -> tuple[ServiceId, ...]:
        """In the order that they are named in. The first one is home: what is one for all is kept beside it."""
        if self._watched:
            return tuple(self._watched.settings)
        return tuple(ServiceId(self.project_id, self.region, name) for name in self.service_name)

    @property
    def observed_services(self) -> tuple[ServiceId, ...]:
        """Those whose accesses are kept."""
        if self.predict == "all":
            return self.services
        chosen = {service for name in self._predicted for service in named(self.services, name)}
        return tuple(service for service in self.services if service in chosen)

    @property
    def _predicted(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.predict.split(","))

    @property
    def budget_news(self) -> str:
        """The subscription with the budget's notifications, in full; "" where nobody reads them."""
        if not self.budget_topic or "/subscriptions/" in self.budget_topic:
            return self.budget_topic
        return f"{self.budget_topic_name.replace('/topics/', '/subscriptions/')}-lumen"

    @property
    def budget_topic_name(self) -> str:
        """The topic in full, or what stands for it where only a subscription is named."""
        name = "TOPIC" if "/subscriptions/" in self.budget_topic else self.budget_topic
        return name if "/" in name else f"projects/{self.project_id}/topics/{name}"

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

    def on_call_of(self, service: ServiceId) -> Approvers:
        """Who may say that they are on its incidents: whoever is called for them, and who may approve."""
        own = self.watched[service]
        called = own.who_may_approve.with_group(own.oncall_group)
        return called if self.oncall_escalation == PAGER else called.with_group(self.oncall_escalation)


class WithoutSlack(Settings):
    """Those of a process that never speaks to Slack, and so needs none of its tokens."""

    slack_bot_token: SecretStr = SecretStr("xoxb-none")
    slack_app_token: SecretStr = SecretStr("xapp-none")
    slack_channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{7,}$")] = "C00000000"


def load_settings(kind: type[Settings] = Settings) -> Settings:
    """Read and check everything at once. Raises ConfigurationError with every problem found, not just the first."""

    def services_of(given: Mapping[str, str]) -> ReadBeside:
        if not given.get("SERVICES"):
            return NOTHING_BESIDE
        from bot.services_file import ServicesFile  # YAML is read where there is some

        return ServicesFile(given, kind).read()

    return read_settings(kind, are_all=True, beside=services_of)
