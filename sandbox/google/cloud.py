"""Joins the parts of the Google side; the one place that makes them."""

from collections.abc import Callable
from random import Random

from sandbox.clock import Clock
from sandbox.google import operations
from sandbox.google.alerting.channels import Channels
from sandbox.google.alerting.policies import AlertPolicies
from sandbox.google.alerting.uptime import UptimeChecks
from sandbox.google.budgetnews import BudgetNews
from sandbox.google.budgets import Budgets
from sandbox.google.extra.instance import InstanceFacts
from sandbox.google.extra.mounting import Extras
from sandbox.google.faults import Faults
from sandbox.google.logs import Logs
from sandbox.google.monitoring.service import MetricService
from sandbox.google.monitoring.store import Delays, SeriesStore
from sandbox.google.operations import Operations
from sandbox.google.projects import Projects
from sandbox.google.quota import Quotas
from sandbox.google.run.service import CloudRun
from sandbox.google.server import GoogleServer


class GoogleCloud:
    """One project with its APIs on one plaintext port."""

    def __init__(
        self,
        *,
        clock: Clock,
        project: str,
        billing_account: str,
        seed: int,
        ingest_delay_seconds: float,
        deploy_seconds: float,
        change_seconds: float,
    ) -> None:
        """Delays in seconds of service time."""
        self.faults = Faults(quotas=Quotas(clock.seconds))
        self.logs = Logs()
        self.series = SeriesStore(clock.seconds, Delays(ingest_delay_seconds))
        self.operations = Operations(self.advance)
        random = Random(seed)  # noqa: S311 - names of revisions and operations are no secrets
        self.cloud_run = CloudRun(clock.seconds, self.operations, random, deploy_seconds, change_seconds)
        self.cloud_run.may = self.faults.may
        self.channels = Channels(project)
        self.alert_policies = AlertPolicies(project, self.series, self.channels)
        self.budgets = Budgets(billing_account, "USD", self.channels.is_email)
        self.due: list[Callable[[], None]] = [self.cloud_run.advance, self.alert_policies.advance]
        self.metrics = metrics = MetricService(project, self.series)
        self.uptime = UptimeChecks(project, self.series, Random(seed))  # noqa: S311 - the same, apart from the names
        self.server = GoogleServer(self.faults, self.advance, clock.seconds)
        self.server.serve(metrics.rpcs, metrics.methods)
        self.server.serve(self.alert_policies.rpcs, self.alert_policies.methods)
        self.server.serve(self.channels.rpcs, self.channels.methods)
        self.server.serve(self.uptime.rpcs, self.uptime.methods)
        self.server.serve(self.cloud_run.service_rpcs, self.cloud_run.service_methods)
        self.server.serve(self.cloud_run.revision_rpcs, self.cloud_run.revision_methods)
        self.server.serve(self.budgets.rpcs, self.budgets.methods)
        self.server.serve(operations.RPCS, self.operations.methods)
        self.spent_usd: Callable[[], float] = lambda: 0.0
        self.redis_instance: InstanceFacts | None = None
        self.extras = Extras(
            self.server,
            self.operations,
            project,
            clock.seconds,
            change_seconds,
            lambda: self.redis_instance,
            self.logs,
            metrics.others,
        )
        self.projects = Projects(project, metrics.others, self.faults.may, self.extras.has_role)
        self.server.serve(self.projects.rpcs, self.projects.methods)
        self.news = BudgetNews(billing_account, self.budgets, clock.seconds, self._spent, self.extras.publish)
        self.channels.deliver = self.extras.deliver
        self.due += [self.news.advance, self.extras.advance, self.uptime.advance]

    def _spent(self) -> float:
        return self.spent_usd()

    def advance(self) -> None:
        """Let happen what is due by now."""
        for step in self.due:
            step()
