"""Faults that a person or a test asks for, by method: answers with a status, slowness, missing permissions."""

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import grpc

from sandbox.google.quota import Quotas
from sandbox.google.refusal import Refusal

# The permission that a method needs; the names are IAM's. Methods that are not listed need nothing here.
PERMISSIONS = {
    "MetricService/ListTimeSeries": "monitoring.timeSeries.list",
    "MetricService/CreateTimeSeries": "monitoring.timeSeries.create",
    "MetricService/ListMetricDescriptors": "monitoring.metricDescriptors.list",
    "MetricService/GetMetricDescriptor": "monitoring.metricDescriptors.get",
    "MetricService/CreateMetricDescriptor": "monitoring.metricDescriptors.create",
    "MetricService/DeleteMetricDescriptor": "monitoring.metricDescriptors.delete",
    "MetricService/ListMonitoredResourceDescriptors": "monitoring.monitoredResourceDescriptors.list",
    "MetricService/GetMonitoredResourceDescriptor": "monitoring.monitoredResourceDescriptors.get",
    "AlertPolicyService/ListAlertPolicies": "monitoring.alertPolicies.list",
    "AlertPolicyService/GetAlertPolicy": "monitoring.alertPolicies.get",
    "AlertPolicyService/CreateAlertPolicy": "monitoring.alertPolicies.create",
    "AlertPolicyService/UpdateAlertPolicy": "monitoring.alertPolicies.update",
    "AlertPolicyService/DeleteAlertPolicy": "monitoring.alertPolicies.delete",
    "NotificationChannelService/ListNotificationChannels": "monitoring.notificationChannels.list",
    "NotificationChannelService/GetNotificationChannel": "monitoring.notificationChannels.get",
    "NotificationChannelService/CreateNotificationChannel": "monitoring.notificationChannels.create",
    "NotificationChannelService/UpdateNotificationChannel": "monitoring.notificationChannels.update",
    "NotificationChannelService/DeleteNotificationChannel": "monitoring.notificationChannels.delete",
    "UptimeCheckService/ListUptimeCheckConfigs": "monitoring.uptimeCheckConfigs.list",
    "UptimeCheckService/GetUptimeCheckConfig": "monitoring.uptimeCheckConfigs.get",
    "UptimeCheckService/CreateUptimeCheckConfig": "monitoring.uptimeCheckConfigs.create",
    "UptimeCheckService/UpdateUptimeCheckConfig": "monitoring.uptimeCheckConfigs.update",
    "UptimeCheckService/DeleteUptimeCheckConfig": "monitoring.uptimeCheckConfigs.delete",
    "CloudScheduler/ListJobs": "cloudscheduler.jobs.list",
    "CloudScheduler/GetJob": "cloudscheduler.jobs.get",
    "CloudScheduler/CreateJob": "cloudscheduler.jobs.create",
    "CloudScheduler/UpdateJob": "cloudscheduler.jobs.update",
    "CloudScheduler/DeleteJob": "cloudscheduler.jobs.delete",
    "CloudScheduler/PauseJob": "cloudscheduler.jobs.pause",
    "CloudScheduler/ResumeJob": "cloudscheduler.jobs.enable",
    "IAM/ListRoles": "iam.roles.list",
    "IAM/GetRole": "iam.roles.get",
    "IAM/CreateRole": "iam.roles.create",
    "IAM/UpdateRole": "iam.roles.update",
    "IAM/DeleteRole": "iam.roles.delete",
    "IAM/UndeleteRole": "iam.roles.undelete",
    "Services/GetService": "run.services.get",
    "Services/ListServices": "run.services.list",
    "Services/UpdateService": "run.services.update",
    "Revisions/GetRevision": "run.revisions.get",
    "Revisions/ListRevisions": "run.revisions.list",
    "Operations/GetOperation": "run.operations.get",
    "Operations/WaitOperation": "run.operations.get",
    "Operations/ListOperations": "run.operations.list",
    "BudgetService/ListBudgets": "billing.budgets.list",
    "BudgetService/GetBudget": "billing.budgets.get",
    "BudgetService/CreateBudget": "billing.budgets.create",
    "BudgetService/UpdateBudget": "billing.budgets.update",
    "BudgetService/DeleteBudget": "billing.budgets.delete",
    "DashboardsService/ListDashboards": "monitoring.dashboards.list",
    "DashboardsService/GetDashboard": "monitoring.dashboards.get",
    "DashboardsService/CreateDashboard": "monitoring.dashboards.create",
    "DashboardsService/UpdateDashboard": "monitoring.dashboards.update",
    "DashboardsService/DeleteDashboard": "monitoring.dashboards.delete",
    "CloudRedis/ListInstances": "redis.instances.list",
    "CloudRedis/GetInstance": "redis.instances.get",
    "CloudRedis/UpdateInstance": "redis.instances.update",
    "Publisher/CreateTopic": "pubsub.topics.create",
    "Publisher/GetTopic": "pubsub.topics.get",
    "Publisher/UpdateTopic": "pubsub.topics.update",
    "Publisher/ListTopics": "pubsub.topics.list",
    "Publisher/DeleteTopic": "pubsub.topics.delete",
    "Publisher/Publish": "pubsub.topics.publish",
    "Subscriber/CreateSubscription": "pubsub.subscriptions.create",
    "Subscriber/GetSubscription": "pubsub.subscriptions.get",
    "Subscriber/UpdateSubscription": "pubsub.subscriptions.update",
    "Subscriber/ListSubscriptions": "pubsub.subscriptions.list",
    "Subscriber/DeleteSubscription": "pubsub.subscriptions.delete",
    "Subscriber/Pull": "pubsub.subscriptions.consume",
    "Subscriber/Acknowledge": "pubsub.subscriptions.consume",
    "Subscriber/ModifyAckDeadline": "pubsub.subscriptions.consume",
    "IAMPolicy/GetIamPolicy": "pubsub.topics.getIamPolicy",
    "IAMPolicy/SetIamPolicy": "pubsub.topics.setIamPolicy",
    "Projects/GetIamPolicy": "resourcemanager.projects.getIamPolicy",
    "Projects/SetIamPolicy": "resourcemanager.projects.setIamPolicy",
    "LoggingServiceV2/ListLogEntries": "logging.logEntries.list",
}


@dataclass(slots=True)
class MethodFault:
    """`method` is a pattern over "Service/Method" ("*" = all). Without a `code` the call is only slowed down.

    `remaining` None means until it is cleared; `delay_seconds` is wall time.
    """

    method: str
    code: grpc.StatusCode | None = None
    message: str = ""
    delay_seconds: float = 0.0
    remaining: int | None = None
    after: bool = False  # refuse only after the method did its work: the answer is lost, the effect is not


@dataclass(slots=True)
class Faults:
    """The faults in force, and the permissions that the caller lacks."""

    methods: list[MethodFault] = field(default_factory=list)
    quotas: Quotas | None = None
    denied: set[str] = field(default_factory=set)  # IAM permissions; patterns are allowed ("run.*")
    #: The same in one project alone, by its id.
    denied_in: dict[str, set[str]] = field(default_factory=dict)

    async def before(self, call: str, project: str = "") -> MethodFault | None:
        """To be awaited before a method runs. Returns a fault to raise after it, if one is in force.

        `project`: that the call is about; "" where it names none. Raises Refusal for a quota that is used up, a missing
        permission, or a fault with a code.
        """
        if self.quotas is not None:
            self.quotas.use(call)
        permission = PERMISSIONS.get(call, "")
        if permission and not self.may(permission, project):
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission '{permission}' denied on resource (or it may not exist).",
            )
        fault = next((f for f in self.methods if fnmatchcase(call, f.method)), None)
        if fault is None:
            return None
        self._use(fault)
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.code is None or fault.after:
            return fault
        raise refusal_of(fault)

    def may(self, permission: str, project: str = "") -> bool:
        """Whether the caller has an IAM permission, everywhere and in that project."""
        lacks = self.denied | self.denied_in.get(project, set())
        return not any(fnmatchcase(permission, pattern) for pattern in lacks)

    def _use(self, fault: MethodFault) -> None:
        if fault.remaining is None:
            return
        fault.remaining -= 1
        if fault.remaining <= 0:
            self.methods.remove(fault)


def refusal_of(fault: MethodFault) -> Refusal:
    """The caller's sentence about a fault that has a code."""
    code = fault.code or grpc.StatusCode.UNAVAILABLE
    return Refusal(code, fault.message or f"The sandbox was told to answer {code.name} to {fault.method}.")
