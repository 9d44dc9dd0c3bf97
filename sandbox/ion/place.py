"""Puts ION's Cloud Run services, with their past revisions, and its budget into the simulated Google Cloud."""

from hashlib import sha256
from typing import Any

from google.cloud.billing.budgets_v1.types import budget_model, budget_service

from sandbox.google.budgets import Budgets
from sandbox.google.run.messages import LATEST, Service
from sandbox.google.run.resource import Change, ServiceResource
from sandbox.google.run.service import CloudRun
from sandbox.google.times import put
from sandbox.ion.config import IonConfig, ServiceConfig

DAY = 86400


def image_of(config: IonConfig, tag: str) -> str:
    """An image with its digest, as Cloud Run resolves it."""
    digest = sha256(tag.encode()).hexdigest()
    return f"{config.region}-docker.pkg.dev/{config.project}/ion/{tag.rsplit('-', 2)[0]}@sha256:{digest}"


def place_services(config: IonConfig, cloud_run: CloudRun, now: float) -> None:
    """Every service as it stands at the start: several revisions, the newest one serves everything."""
    for service in config.services:
        resource = _resource(config, service, now)
        cloud_run.services[resource.name] = resource


def _resource(config: IonConfig, service: ServiceConfig, now: float) -> ServiceResource:
    message = Service(name=f"{config.location}/services/{service.name}", generation=len(service.revisions))
    message.labels.update({"app": "ion", "team": "mentoring"})
    template = message.template
    template.service_account = f"ion-runtime@{config.project}.iam.gserviceaccount.com"
    template.max_instance_request_concurrency = 80
    template.timeout.seconds = 300
    template.scaling.max_instance_count = 20
    template.vpc_access.connector = f"{config.location}/connectors/ion-redis-connector"
    _container(config, service, template)
    message.traffic.add(type_=LATEST, percent=100)
    created = now - service.revisions[0][1] * DAY
    resource = ServiceResource(message, created)
    for name, age_days in service.revisions:
        template.containers[0].image = image_of(config, name)
        at = now - age_days * DAY
        resource.add_revision(name, template, at)
        resource.finish(Change(at, None, name, None), at)
    put(message.create_time, created)
    return resource


def _container(config: IonConfig, service: ServiceConfig, template: Any) -> None:
    container = template.containers.add(name="ion", image=image_of(config, service.revisions[0][0]))
    container.ports.add(name="http1", container_port=8080)
    container.resources.limits.update({"cpu": "1", "memory": service.memory})
    container.resources.cpu_idle = True
    for name, value in (
        ("DEFAULT_TTL_SECONDS", str(service.env_ttl_seconds)),
        ("CACHE_KEY_PREFIX", config.key_prefix),
        ("L1_CACHE_MAX_ENTRIES", "2000"),
        ("REDIS_HOST", "10.128.0.3"),
        ("REDIS_PORT", "6379"),
        ("VERTEX_LOCATION", config.region),
        ("LOG_LEVEL", "INFO"),
    ):
        container.env.add(name=name, value=value)


def place_budget(config: IonConfig, budgets: Budgets, account: str, usd: int) -> None:
    """The monthly budget of the project, as its owner made it."""
    budget = budget_model.Budget(display_name="ION API Monthly Budget")
    budget.budget_filter.projects = [f"projects/{config.project}"]
    budget.amount.specified_amount.currency_code = "USD"
    budget.amount.specified_amount.units = usd
    budget.threshold_rules = [budget_model.ThresholdRule(threshold_percent=share) for share in (0.8, 0.9, 1.0)]
    request = budget_service.CreateBudgetRequest(parent=account, budget=budget)
    budgets.create(budget_service.CreateBudgetRequest.pb(request))
