"""Sentences of settings that cannot be used: name, value, what is allowed, and an example that works.

What is allowed has words of its own in the catalogue (`setting.<name>`), or follows from the setting's type and
bounds. Secrets are masked by the setting's name, and by what the value looks like wherever it stands.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from lumen.model.messages import Message, Param
from lumen.wording.catalogue import LOCALES, Catalogue

#: For settings whose default is no example, or that have none.
EXAMPLES: Mapping[str, str] = {
    "project_id": "naeda-genesis",
    "service_name": "ion-api",
    "services": "services.yaml",
    "name": "ion-api",
    "cache_redis_url": "redis://10.0.0.3:6379/0",
    "redis_host": "10.0.0.3",
    "cache_instance": "projects/naeda-genesis/locations/us-central1/instances/ion-cache",
    "billing_account": "012345-6789AB-CDEF01",
    "budget_topic": "budget-alerts",
    "alert_email": "ion-oncall@example.com",
    "lumen_account": "lumen-bot@naeda-genesis.iam.gserviceaccount.com",
    "public_url": "https://lumen-http-1234567890.us-central1.run.app",
    "oidc_audience": "https://lumen-http-1234567890.us-central1.run.app",
    "oidc_service_account": "lumen-caller@naeda-genesis.iam.gserviceaccount.com",
    "uptime_url": "https://ion-api.example.com/healthz",
    "state_redis_url": "redis://10.0.0.4:6379/0",
    "slack_bot_token": "xoxb-1234567890-abcdef",
    "slack_app_token": "xapp-1-A0LUMEN001-abcdef",
    "slack_channel": "C0IONALERT",
    "approvers": "U0MINA0001,S0IONCALL1,mina@example.com",
    "oncall_group": "S0IONCALL1",
    "oncall_repeat": "10m",
    "oncall_escalation": "S0IONLEAD1",
    "pager_webhook_url": "https://KEY@events.pagerduty.com/v2/enqueue",
    "support_contact": "#ion-help",
    "runbook_url": "https://wiki.example.com/lumen",
    "digest_timezone": "Asia/Seoul",
    "observe_only": "7d",
    "audit_keep": "90d",
    "output_dir": "outputs",
    "auto_apply": "ttl,size",
    "predict": "all",
    "auto_apply_after": "1h",
    "freeze": "Fri 16:00/Mon 08:00",
    "override_ttl": "600",
    "slo_availability": "99.5%",
    "slo_error_rate": "0.1%",
    "slo_p95_ms": "200",
    "slo_p99_ms": "500",
    "slo_hit_rate": "80%",
    "alert_availability": "99%",
    "alert_error_rate": "1%",
    "alert_p99_ms": "1000",
    "alert_hit_rate": "70%",
    "lumen_gcp_endpoint": "127.0.0.1:8085",
    "lumen_certs_url": "http://127.0.0.1:8086/certs",
    "metrics_port": "9090",
    "otel_exporter_otlp_endpoint": "https://telemetry.googleapis.com",
    "lumen_clock_origin": "2026-01-01T00:00:00Z",
    "lumen_fault_at": "execute.applying:1:stop",
}
#: Settings that share their words.
_WORDS = {
    "cache_redis_url": "redis_url",
    "state_redis_url": "redis_url",
    "observe_only": "duration",
    "audit_keep": "duration",
    **dict.fromkeys(("slo_availability", "alert_availability", "slo_hit_rate", "alert_hit_rate"), "good_share"),
    **dict.fromkeys(("slo_error_rate", "alert_error_rate"), "bad_share"),
}
_SECRET_NAMES = ("TOKEN", "URL", "SECRET", "PASSWORD")
_SECRET_VALUE = re.compile(r"xox[a-z]-|xapp-|://[^/\s]*@")
#: The harmless beginning of a secret, which tells what it is one of.
_KIND = re.compile(r"(xox[a-z]|xapp)-|[a-z]+://")
#: Where the one is set, the other is not looked for.
_INSTEAD = {"SERVICES": "SERVICE_NAME", "SERVICE_NAME": "SERVICES"}
#: Names shorter than this are like too many others; from the second length on two slips are a likeness, too.
LEAST_LETTERS, MANY_LETTERS = 6, 11


class Unfit(ValueError):
    """A value that cannot be used. `part`: what of it, where it is a list; `code`: what is allowed instead."""

    def __init__(
        self, name: str = "", code: str = "", example: str | None = None, part: str = "", **params: Param
    ) -> None:
        super().__init__(part or Catalogue("en").plain(Message(code, params)))
        self.name, self.part, self.example = name, part, example
        self.allowed = Message(code, params) if code else None


def shown(name: str, value: str) -> str:
    """The value as it may stand in a log: quoted, or masked where it is or looks like a secret."""
    if any(word in name for word in _SECRET_NAMES) or _SECRET_VALUE.search(value):
        kind = _KIND.match(value)
        return f"{kind[0] if kind else ''}(hidden)"
    return repr(value)


@dataclass(frozen=True, slots=True)
class Cause:
    """`name`: the field that is to blame; `is_of_one`: whatever the others are."""

    name: str
    unfit: Unfit
    is_missing: bool
    is_of_one: bool


def causes(error: ValidationError) -> Iterator[Cause]:
    """One for each field."""
    told = set()
    for each in error.errors():
        cause = each.get("ctx", {}).get("error")
        unfit = cause if isinstance(cause, Unfit) else Unfit(part="?")
        name = unfit.name.lower() or str(each["loc"][0])
        if name not in told:
            told.add(name)
            yield Cause(name, unfit, each["type"] == "missing", bool(each["loc"]))


class Problems:
    """Sentences of what is wrong with `given`: names in capitals and values, of the environment and of `.env`."""

    def __init__(self, kind: type[BaseModel], given: Mapping[str, str]) -> None:
        self._given = given
        self._kind = kind

    @cached_property
    def words(self) -> Catalogue:
        """The reader's language."""
        locale = self._given.get("LUMEN_LOCALE", "")
        return Catalogue(locale if locale in LOCALES else "en")

    @property
    def heading(self) -> str:
        """Stands above them."""
        return self.words.plain(Message("start.mending", {}))

    def of(self, error: ValidationError, elsewhere: Collection[str] = ()) -> Iterator[str]:
        """One for each setting; what is missing here of `elsewhere` is told elsewhere."""
        for each in causes(error):
            if not (each.is_missing and each.name in elsewhere):
                yield self.wrong(each.name, each.unfit)

    def of_file(self, name: str, path: str, wrong: Message) -> str:
        """The problem with the file that holds the secret `name`."""
        return self.plain("setting.file", name=f"{name}_FILE", path=path, wrong=wrong)

    def misspelt(self, own: Collection[str], *, are_all: bool) -> Iterator[str]:
        """Names that are nearly one of those of `own` that are not set, or begin as Lumen's do and are none.

        The latter are known only where `own` is all that there is.
        """
        absent = sorted(
            name for name in own if not self._given.get(name) and not self._given.get(_INSTEAD.get(name, ""))
        )
        for name in sorted(name for name, value in self._given.items() if value and name not in own):
            near = nearest(name, absent)
            if near or (are_all and name.startswith("LUMEN_")):
                near = near or min((each for each in own if each.startswith("LUMEN_")), key=lambda o: slips(name, o))
                value = shown(f"{name} {near}", self._given[name])
                yield self.plain(
                    "setting.unknown", name=name, value=value, nearest=near, **self.allowed(near.lower(), None)
                )

    def wrong(self, name: str, cause: Unfit) -> str:
        """The problem with one setting."""
        value = self._given.get(name.upper(), "")
        allowed = self.allowed(name, cause.allowed)
        if cause.example is not None:
            allowed["example"] = cause.example
        if not value:
            return self.plain("setting.missing", name=name.upper(), **allowed)
        if cause.part in ("", "?", value):
            return self.plain("setting.wrong", name=name.upper(), value=shown(name.upper(), value), **allowed)
        part = shown(name.upper(), cause.part)
        return self.plain("setting.wrong_part", name=name.upper(), value=shown("", value), part=part, **allowed)

    def plain(self, code: str, **params: Param) -> str:
        """A sentence."""
        return self.words.plain(Message(code, params))

    def allowed(self, name: str, instead: Message | None) -> dict[str, Param]:
        """What is allowed for `name` (or `instead` of that), and an example."""
        field = self._kind.model_fields.get(name)
        default = str(field.default) if field is not None else ""
        example = EXAMPLES.get(name) or (default.lower() if default in ("True", "False") else default)
        return {"allowed": self.words.plain(instead or self._shape(name)), "example": example}

    def _shape(self, name: str) -> Message:
        """By its own words, or by type and bounds."""
        code = f"setting.{_WORDS.get(name, name)}"
        if self.words.has(code):
            return Message(code, {})
        shape: dict[str, Any] = _schema(self._kind)[name]
        shape = next((one for one in shape.get("anyOf", ()) if one.get("type") != "null"), shape)
        if shape["type"] == "boolean":
            return Message("setting.one_of", {"names": "true, false"})
        if "enum" in shape:
            return Message("setting.one_of", {"names": ", ".join(shape["enum"])})
        if shape["type"] == "number":
            bound, code = ("minimum", "from") if "minimum" in shape else ("exclusiveMinimum", "above")
            return Message(f"setting.number_{code}", {"least": shape[bound]})
        least = int(shape["minimum"] if "minimum" in shape else shape["exclusiveMinimum"] + 1)
        if "maximum" in shape:
            return Message("setting.whole_between", {"least": least, "most": int(shape["maximum"])})
        return Message("setting.whole_from", {"least": least})


@cache
def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    """Types and bounds by the setting's name."""
    return dict(kind.model_json_schema()["properties"])


def nearest(name: str, own: Collection[str]) -> str:
    """The name of `own` that differs by one slip, or by two where it is long; "" where none does."""
    near = []
    for each in own:
        most = 0 if len(each) < LEAST_LETTERS else 2 if len(each) >= MANY_LETTERS else 1
        # The slips are counted only where they can be so few: it is a hundred times as slow as this.
        if abs(len(each) - len(name)) <= most and len(set(each) ^ set(name)) <= 2 * most:
            count = slips(name, each)
            if count <= most:
                near.append((count, each))
    return min(near, default=(0, ""))[1]


def slips(one: str, other: str) -> int:
    """Letters added, left out, changed, or two neighbours exchanged (optimal string alignment)."""
    before, row = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]
