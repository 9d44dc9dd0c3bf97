"""What of the settings makes resources, and the forms that topics and their subscriptions have."""

from dataclasses import dataclass
from typing import Any

from lumen.model.setup import Kind, Wanted


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the settings makes resources. Texts are "" where nothing is set; topics and subscriptions full names.

    `account`: Lumen's own, by its e-mail address. Of a project that is not home nothing is made: the account is given
    roles there. `watches`: a service of it is watched; else a cache's instance is there alone (`memorystore`).
    """

    project: str
    region: str
    account: str = ""
    is_home: bool = True
    watches: bool = True
    publishes: bool = True
    memorystore: bool = False
    alert_email: str = ""
    billing_account: str = ""
    budget_name: str = ""
    budget_usd: float = 0.0
    budget_topic: str = ""
    budget_subscription: str = ""
    public_url: str = ""
    audience: str = ""
    oidc_service_account: str = ""
    uptime_url: str = ""
    #: WORKERS: "none", "push" or "pull".
    workers: str = "none"
    #: The extra `logging` is installed.
    reads_logs: bool = False


def topic(key: str, name: str) -> Wanted:
    return Wanted(Kind.TOPIC, key, name.rpartition("/")[2], {"name": name}, name)


def subscription(key: str, body: dict[str, Any], *topics: str) -> Wanted:
    """One that is never deleted for standing idle; `topics`: the keys of those that it needs, its own without them."""
    needs = tuple(f"{Kind.TOPIC}.{one}" for one in topics or (key,))
    name = str(body["name"])
    return Wanted(Kind.SUBSCRIPTION, key, name.rpartition("/")[2], {**body, "expirationPolicy": {}}, name, needs)
