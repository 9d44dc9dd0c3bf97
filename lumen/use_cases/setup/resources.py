"""What Lumen wants in Google Cloud: one declarative entry a resource, made from the settings alone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import floor
from typing import Any
from urllib.parse import urlsplit

from lumen.model.messages import message
from lumen.model.metrics import LABELS, UNITS
from lumen.model.setup import Kind, LeftOut, Wanted
from lumen.model.shard import PUSHED, subscription_of, topic_of
from lumen.use_cases.setup.access import ELSEWHERE, access
from lumen.use_cases.setup.alert_policies import policies
from lumen.use_cases.setup.scope import Scope, subscription, topic
from lumen.use_cases.setup.work import work
from lumen.wording.catalogue import Catalogue

#: The files in `lumen/dashboards`, each usable alone.
DASHBOARDS = ("feedback_loop", "maturity", "roi_slo")
HOURLY_JOB = "feedback-loop-hourly"
BUDGET_KEY = "month"
#: Shares of the budget at which Google tells of it.
THRESHOLDS = (0.8, 0.9, 1.0)
#: Parts of Lumen, and what each needs of the project: ids of custom roles.
ROLES = {
    "lumenReader": (
        "monitoring.metricDescriptors.get",
        "monitoring.metricDescriptors.list",
        "monitoring.timeSeries.list",
        "run.revisions.get",
        "run.revisions.list",
        "run.services.get",
        "run.services.list",
    ),
    "lumenPublisher": ("monitoring.metricDescriptors.create", "monitoring.timeSeries.create"),
    "lumenCloudRun": (
        "run.operations.get",
        "run.revisions.get",
        "run.revisions.list",
        "run.services.get",
        "run.services.list",
        "run.services.update",
    ),
    "lumenMemorystore": ("redis.instances.get", "redis.instances.update", "redis.operations.get"),
    "lumenBudgetNews": ("pubsub.subscriptions.consume",),
    "lumenWorker": ("pubsub.subscriptions.consume", "pubsub.topics.publish"),
}
#: What reading gains where the extra `logging` is installed: error lines on the message of an incident.
READER_OF_LOGS = ("logging.logEntries.list",)


@dataclass(frozen=True, slots=True)
class Desired:
    wanted: tuple[Wanted, ...]
    left_out: tuple[LeftOut, ...]


def desired(scope: Scope, words: Catalogue) -> Desired:
    """Every resource that the settings ask for, and those that they would ask for."""
    if not scope.is_home:
        return Desired(tuple(access(scope, ())), ())
    roles = list(_roles(scope, words))
    found = [
        *_metrics(scope, words),
        *roles,
        *_access(scope, [one.key for one in roles if isinstance(one, Wanted)]),
        *_budget_news(scope),
        *_channel(scope),
        *(_triggers(scope, words) if scope.workers == "none" else work(scope, words)),
        *_dashboards(),
        *_uptime(scope),
        *policies(scope.publishes, bool(scope.alert_email), urlsplit(scope.uptime_url).hostname or "", words),
        *_budget(scope),
    ]
    return Desired(
        tuple(one for one in found if isinstance(one, Wanted)),
        tuple(one for one in found if isinstance(one, LeftOut)),
    )


Entry = Wanted | LeftOut


def _missing(setting: str, kind: Kind, title: str) -> LeftOut:
    return LeftOut(kind, title, message("setup.not_set", setting=setting))


def _metrics(scope: Scope, words: Catalogue) -> Iterator[Entry]:
    for name, unit in UNITS.items():
        body: dict[str, Any] = {
            "type": f"custom.googleapis.com/{name}",
            "metricKind": "GAUGE",
            "valueType": "DOUBLE",
            "unit": unit,
            "description": words.plain(message(f"setup.metric_{name}")),
            "displayName": f"Lumen: {name.removeprefix('lumen_').replace('_', ' ')}",
        }
        if labels := LABELS.get(name):
            body["labels"] = [{"key": label} for label in labels]
        full = f"projects/{scope.project}/metricDescriptors/{body['type']}"
        yield Wanted(Kind.METRIC, name, name, body, full)


def _roles(scope: Scope, words: Catalogue) -> Iterator[Entry]:
    asked = {
        "lumenMemorystore": scope.memorystore,
        "lumenBudgetNews": bool(scope.budget_topic),
        "lumenWorker": scope.workers != "none",
    }
    needs = {"lumenMemorystore": "CACHE_INSTANCE", "lumenBudgetNews": "BUDGET_TOPIC", "lumenWorker": "WORKERS"}
    for role, permissions in ROLES.items():
        if not asked.get(role, True):
            yield _missing(needs[role], Kind.ROLE, role)
            continue
        more = READER_OF_LOGS if role == "lumenReader" and scope.reads_logs else ()
        body = {
            "title": words.plain(message(f"setup.role_{role}")),
            "description": words.plain(message("setup.role")),
            "includedPermissions": [*permissions, *more],
            "stage": "GA",
        }
        yield Wanted(Kind.ROLE, role, role, body, name=f"projects/{scope.project}/roles/{role}")


def _access(scope: Scope, made: Sequence[str]) -> Iterator[Entry]:
    if scope.account:
        yield from access(scope, made)
    else:
        yield _missing("LUMEN_ACCOUNT", Kind.ACCESS, Kind.ACCESS.value)


def _budget_news(scope: Scope) -> Iterator[Entry]:
    """The topic to which the budget tells what is spent, and the subscription that Lumen pulls."""
    own = scope.budget_topic.startswith(f"projects/{scope.project}/topics/")
    if not own:
        why = message("setup.foreign_topic") if scope.budget_topic else message("setup.not_set", setting="BUDGET_TOPIC")
        yield LeftOut(Kind.TOPIC, "budget-alerts", why)
        return
    name = scope.budget_topic
    yield topic("budget", name)
    body = {
        "name": scope.budget_subscription,
        "topic": name,
        "ackDeadlineSeconds": 60,
        "messageRetentionDuration": "604800s",
    }
    yield subscription("budget", body)


def _channel(scope: Scope) -> Iterator[Entry]:
    title = f"Lumen: {scope.alert_email}"
    if not scope.alert_email:
        yield _missing("ALERT_EMAIL", Kind.CHANNEL, "e-mail")
        return
    yield Wanted(
        Kind.CHANNEL,
        "email",
        title,
        {"type": "email", "displayName": title, "labels": {"email_address": scope.alert_email}},
    )


def _triggers(scope: Scope, words: Catalogue) -> Iterator[Entry]:
    """Cloud Scheduler and a Pub/Sub topic, both calling Lumen's own HTTP service with a token of the same account."""
    if not scope.public_url or not scope.oidc_service_account:
        setting = "OIDC_SERVICE_ACCOUNT" if scope.public_url else "PUBLIC_URL"
        yield _missing(setting, Kind.JOB, HOURLY_JOB)
        yield _missing(setting, Kind.SUBSCRIPTION, PUSHED)
        return
    url, project = scope.public_url.rstrip("/"), f"projects/{scope.project}"
    token = {"serviceAccountEmail": scope.oidc_service_account, "audience": scope.audience}
    job = f"{project}/locations/{scope.region}/jobs/{HOURLY_JOB}"
    body = {
        "name": job,
        "description": words.plain(message("setup.job")),
        "schedule": "0 * * * *",
        "timeZone": "Etc/UTC",
        "attemptDeadline": "180s",
        "retryConfig": {"retryCount": 3},
        "httpTarget": {"uri": f"{url}/feedback/run", "httpMethod": "POST", "oidcToken": token},
    }
    yield Wanted(Kind.JOB, "hourly", HOURLY_JOB, body, job)
    turns = topic_of(scope.project)
    yield topic("trigger", turns)
    pushed = {
        "name": subscription_of(scope.project, PUSHED),
        "topic": turns,
        "ackDeadlineSeconds": 60,
        "pushConfig": {"pushEndpoint": f"{url}/pubsub/push", "oidcToken": token},
    }
    yield subscription("trigger", pushed)


def _dashboards() -> Iterator[Entry]:
    for name in DASHBOARDS:
        body = json.loads((files("lumen") / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
        yield Wanted(Kind.DASHBOARD, name, body["displayName"], body)


def _uptime(scope: Scope) -> Iterator[Entry]:
    """Another host is another check: Google lets nobody change that."""
    if not scope.uptime_url:
        yield _missing("UPTIME_URL", Kind.UPTIME_CHECK, "Lumen")
        return
    url = urlsplit(scope.uptime_url)
    host, secure = url.hostname or "", url.scheme == "https"
    title = f"Lumen: {host}{url.path}"
    body = {
        "displayName": title,
        "monitoredResource": {"type": "uptime_url", "labels": {"project_id": scope.project, "host": host}},
        "httpCheck": {
            "path": url.path or "/",
            "port": url.port or (443 if secure else 80),
            "useSsl": secure,
            "validateSsl": secure,
            "requestMethod": "GET",
        },
        "period": "300s",
        "timeout": "10s",
    }
    yield Wanted(Kind.UPTIME_CHECK, f"uptime-{sha256(host.encode()).hexdigest()[:8]}", title, body)


def _budget(scope: Scope) -> Iterator[Entry]:
    """Of the whole project: the API calls that the cache saves are billed under another service than the cache."""
    own_topic = scope.budget_topic.startswith(f"projects/{scope.project}/topics/")
    if not scope.billing_account or not own_topic:
        setting = "BUDGET_TOPIC" if scope.billing_account else "BILLING_ACCOUNT"
        yield _missing(setting, Kind.BUDGET, scope.budget_name)
        return
    units = floor(scope.budget_usd)
    rule: dict[str, Any] = {"pubsubTopic": scope.budget_topic, "schemaVersion": "1.0"}
    needs = [f"{Kind.TOPIC}.budget"]
    if scope.alert_email:
        rule["monitoringNotificationChannels"] = ["${channel.email}"]
        needs.append(f"{Kind.CHANNEL}.email")
    body = {
        "displayName": scope.budget_name,
        "budgetFilter": {"projects": [f"projects/{scope.project}"], "calendarPeriod": "MONTH"},
        "amount": {
            "specifiedAmount": {
                "currencyCode": "USD",
                "units": str(units),
                "nanos": round((scope.budget_usd - units) * 1e9),
            }
        },
        "thresholdRules": [{"thresholdPercent": share, "spendBasis": "CURRENT_SPEND"} for share in THRESHOLDS],
        "notificationsRule": rule,
    }
    yield Wanted(Kind.BUDGET, BUDGET_KEY, scope.budget_name, body, needs=tuple(needs))


def kinds_of(scope: Scope) -> Sequence[Kind]:
    """Those that can be looked at: budgets belong to a billing account, and who may do what is an administrator's."""
    if not scope.is_home:
        return [Kind.ACCESS]
    asked = {
        Kind.BUDGET: bool(scope.billing_account),
        Kind.GRANT: scope.workers != "none",
        Kind.ACCESS: bool(scope.account),
    }
    return [kind for kind in Kind if asked.get(kind, True)]


def roles_of(scope: Scope) -> Sequence[str]:
    """All that Lumen's account may have been given in the project."""
    return [f"projects/{scope.project}/roles/{role}" for role in ROLES] if scope.is_home else ELSEWHERE
