"""The raw protobuf classes of google.cloud.run.v2, and the numbers of their enums."""

from typing import Any

from google.cloud.run_v2.types import condition, k8s_min, revision, revision_template, service, traffic_target


def _raw(wrapper: Any) -> Any:
    return type(wrapper.pb(wrapper()))


Service = _raw(service.Service)
Revision = _raw(revision.Revision)
RevisionTemplate = _raw(revision_template.RevisionTemplate)
Condition = _raw(condition.Condition)
Container = _raw(k8s_min.Container)
EnvVar = _raw(k8s_min.EnvVar)
TrafficTarget = _raw(traffic_target.TrafficTarget)
TrafficTargetStatus = _raw(traffic_target.TrafficTargetStatus)

# TrafficTargetAllocationType
LATEST = 1
REVISION = 2

# Condition.State
RECONCILING = 2
FAILED = 3
SUCCEEDED = 4
