"""The platforms around the service: metrics late or gone, permissions lost, APIs failing, Slack out or throttling."""

import grpc

from sandbox.google.faults import MethodFault
from sandbox.incidents.stage import End, Kind, Parameter, Parameters, Stage
from sandbox.slack.faults import MethodFault as SlackFault


async def _late(stage: Stage, parameters: Parameters) -> End:
    late = stage.cloud.series.delays.extra
    pattern = str(parameters["metric"])
    late[pattern] = float(parameters["seconds"])

    async def end() -> None:
        late.pop(pattern, None)

    return end


async def _gone(stage: Stage, parameters: Parameters) -> End:
    outage = stage.cloud.series.start_outage(str(parameters["metric"]))

    async def end() -> None:
        outage.until = stage.clock.seconds()

    return end


async def _permission(stage: Stage, parameters: Parameters) -> End:
    lost = {p.strip() for p in str(parameters["permissions"]).split(",")}
    lost -= stage.cloud.faults.denied
    stage.cloud.faults.denied |= lost

    async def end() -> None:
        stage.cloud.faults.denied -= lost

    return end


async def _unavailable(stage: Stage, parameters: Parameters) -> End:
    fault = MethodFault(str(parameters["method"]), grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
    stage.cloud.faults.methods.append(fault)

    async def end() -> None:
        if fault in stage.cloud.faults.methods:
            stage.cloud.faults.methods.remove(fault)

    return end


async def _slack(stage: Stage, fault: SlackFault) -> End:
    stage.slack.faults.plan(fault)

    async def end() -> None:
        if fault in stage.slack.faults.planned:
            stage.slack.faults.planned.remove(fault)

    return end


async def _slack_outage(stage: Stage, _parameters: Parameters) -> End:
    return await _slack(stage, SlackFault("*", "http_500", times=-1))


async def _slack_429(stage: Stage, parameters: Parameters) -> End:
    return await _slack(stage, SlackFault("*", "ratelimited", times=-1, seconds=float(parameters["retry_after"])))


_METRIC = Parameter("metric", "*", "pattern of metric names, such as redis.googleapis.com/*")

KINDS = (
    Kind("metrics_late", "points show up later than they should", "", _late,
         (_METRIC, Parameter("seconds", 900.0, "later than usual"))),
    Kind("metrics_gone", "no points arrive any more", "", _gone, (_METRIC,)),
    Kind("permission_lost", "Google refuses", "", _permission,
         (Parameter("permissions", "monitoring.timeSeries.list", "with commas; patterns are allowed"),)),
    Kind("google_unavailable", "Google's API is down", "", _unavailable,
         (Parameter("method", "*", 'such as "Services/*"'),)),
    Kind("slack_outage", "Slack's Web API answers with server errors", "", _slack_outage),
    Kind("slack_429_storm", "Slack asks everybody to wait", "", _slack_429,
         (Parameter("retry_after", 3.0, "seconds of the wall"),)),
)  # fmt: skip
