"""Each setting that may differ from service to service: services that differ in it alone are treated differently.

A field that stands in no row fails: whoever adds one says where it shows.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from bot.config import WithoutSlack
from bot.numerics import ProcessNumerics
from bot.service_settings import ServiceSettings, Watched
from bot.store import StateStore
from bot.wiring.assembly import _Assembly
from bot.wiring.caches import close_caches, open_caches
from bot.wiring.slack import contacts_of
from handlers.contacts import Contacts
from lumen.adapters.clock import SystemClock
from lumen.adapters.google.clients import open_google
from lumen.adapters.google.error_log import CloudLogging
from lumen.adapters.store.connection import open_store
from lumen.model.proposal import Knob
from lumen.model.service import ServiceId

ONE, SAME = (ServiceId("naeda-genesis", "us-central1", name) for name in ("ion-api", "ion-api-canary"))
INSTANCE = "projects/naeda-genesis/locations/us-central1/instances/shop"


@dataclass(frozen=True)
class Assembled:
    """Lumen, and the people of each service in Slack."""

    lumen: Any
    contacts: Contacts


#: Of a service, in what was assembled.
Shown = Callable[[Assembled, ServiceId], object]


def _knob(knob: Knob, what: str) -> Shown:
    return lambda found, service: getattr(found.lumen.changes.knobs[service][knob], what)


def _place(knob: Knob) -> Any:
    return lambda found, service: found.lumen.changes.knobs[service][knob].places[0]


def _cache(name: str) -> Shown:
    return lambda found, service: _place(Knob.TTL)(found, service).redis.connection_pool.connection_kwargs[name]


def _limits(what: str) -> Shown:
    return lambda found, service: getattr(found.lumen.answers.advisor.ttl_limits[service], what)


def _sizes(what: str) -> Shown:
    return lambda found, service: getattr(found.lumen.answers.advisor.size_limits[service], what)


def _alerts(what: str) -> Shown:
    return lambda found, service: getattr(found.lumen.rounds.watch._targets[service], what)


def _slo(what: str) -> Shown:
    return lambda found, service: (
        getattr(found.lumen.answers.digests.targets[service], what),
        getattr(found.lumen.rounds.turn_runner.evaluator.assessment[service].slo, what),
    )


def _contact(what: str) -> Shown:
    return lambda found, service: getattr(found.contacts._of[service], what)


#: Of each field another value than the usual one, and where it shows.
ROWS: dict[str, tuple[object, Shown]] = {
    "cache_instance": (INSTANCE, lambda found, service: _place(Knob.CACHE_SIZE)(found, service).name),
    "default_ttl_seconds": (600, lambda found, service: found.lumen.changes.emergency.safe_ttls[service]),
    "min_ttl_seconds": (90, _knob(Knob.TTL, "lowest")),
    "max_ttl_seconds": (1800, _knob(Knob.TTL, "highest")),
    "ttl_strategy": ("moderate", _limits("strategy")),
    "override_ttl": (420, lambda found, service: found.lumen.changes.overrides.restraints.locks[service].ttl_seconds),
    "cache_size_mb": (512.0, _alerts("cache_cost_month_usd")),
    "max_cache_size_mb": (2048, _knob(Knob.CACHE_SIZE, "highest")),
    "lock_cache_size": (True, lambda found, service: found.lumen.changes.overrides.restraints.locks[service].size),
    "cache_cost_per_mb": (0.1, _sizes("cost_per_mb_month_usd")),
    "api_cost_per_call": (0.02, lambda found, service: found.lumen.answers.graphs.calls_usd[service]),
    "staleness_cost_per_1000": (
        0.5,
        lambda found, service: found.lumen.rounds.turn_runner.evaluator.forecasts.prices[service],
    ),
    "budget_usd": (500.0, _alerts("budget_usd")),
    "slo_preset": ("guide", lambda found, service: found.lumen.answers.digests.targets[service]),
    "slo_availability": (0.9999, _slo("availability")),
    "slo_error_rate": (0.0005, _slo("error_rate")),
    "slo_p95_ms": (150.0, _slo("p95_ms")),
    "slo_p99_ms": (450.0, _slo("p99_ms")),
    "slo_hit_rate": (0.9, _slo("hit_rate")),
    "alert_availability": (0.97, _slo("availability_alert")),
    "alert_error_rate": (0.04, _slo("error_rate_alert")),
    "alert_p99_ms": (2500.0, _alerts("p99_limit_ms")),
    "alert_hit_rate": (0.55, _alerts("hit_rate_limit")),
    "cache_redis_url": (SecretStr("redis://10.9.0.3:6379/0"), _cache("host")),
    "redis_host": ("10.9.0.4", _cache("host")),
    "redis_port": (6380, _cache("port")),
    "redis_db": (3, _cache("db")),
    "cache_key_prefix": ("shop:", lambda found, service: found.lumen.changes.execution.acting.keys[service].prefix),
    "ttl_actuator": ("cloud_run", lambda found, service: _place(Knob.TTL)(found, service).name),
    "max_min_instances": (9, _knob(Knob.MIN_INSTANCES, "highest")),
    "slack_channel": ("C0SHOPALERT", _contact("channel")),
    "approvers": (("U0SHOP0001",), _contact("approvers")),
    "oncall_group": ("S0SHOPTEAM", _contact("oncall")),
    "runbook_url": ("https://shop.example/runbook", _contact("runbook")),
}
#: What people read is in one language.
ONE_FOR_ALL = {"lumen_locale"}


@asynccontextmanager
async def assembled() -> AsyncIterator[Assembled]:
    """Over clients that never connect: for each row a service that differs from the first one in that field alone."""
    settings = WithoutSlack(
        project_id=ONE.project,
        service_name=(ONE.name, SAME.name, *map(_name, ROWS)),
        redis_host="10.0.0.3",
        state_redis_url=SecretStr("redis://127.0.0.1:1/0"),
        slack_channel="C0IONALERT",
    )
    own = ServiceSettings.model_validate({name: getattr(settings, name) for name in ServiceSettings.model_fields})
    its = {_of(name): own.model_copy(update={name: value}) for name, (value, _) in ROWS.items()}
    watched = {ONE: own, SAME: own.model_copy(), **its}
    settings._watched = Watched(watched, {service: {} for service in watched}, ())
    redis, numerics, lines = open_store("redis://127.0.0.1:1/0"), ProcessNumerics(), CloudLogging("127.0.0.1:1")
    google, caches = await open_google("127.0.0.1:1", memorystore=True), open_caches(watched)
    try:
        store = StateStore(redis, SystemClock(), lambda _: None)
        lumen = _Assembly(settings, store, caches, google, numerics, {}, lines).lumen()
        yield Assembled(lumen, contacts_of(settings))
    finally:
        numerics.close()
        await lines.close()
        await google.close()
        await close_caches(caches)
        await redis.aclose()


def _name(field: str) -> str:
    return field.replace("_", "-")


def _of(field: str) -> ServiceId:
    return ServiceId(ONE.project, ONE.region, _name(field))


def test_each_field_stands_in_a_row() -> None:
    assert set(ServiceSettings.model_fields) == ROWS.keys() | ONE_FOR_ALL


async def test_services_that_differ_are_treated_differently_and_no_others() -> None:
    async with assembled() as found:
        alike = [name for name, (_, shown) in ROWS.items() if shown(found, ONE) == shown(found, _of(name))]
        apart = [name for name, (_, shown) in ROWS.items() if shown(found, ONE) != shown(found, SAME)]
        own, same = (found.lumen.rounds.watch._targets[service] for service in (ONE, SAME))
    assert (alike, apart) == ([], [])
    assert own is same  # equal values share one object
