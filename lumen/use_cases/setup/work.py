"""What `lumen setup` makes for workers: topics, the subscription, dead letters, and the jobs that publish."""

import base64
from collections.abc import Iterator
from typing import Any

from lumen.model.messages import message
from lumen.model.setup import Kind, Wanted
from lumen.model.shard import DEAD_TOPIC, LETTERS, PULLED, PUSHED, Schedule, Shard, subscription_of, topic_of
from lumen.use_cases.setup.scope import Scope, subscription, topic
from lumen.wording.catalogue import Catalogue

#: By schedule the job's name, and when it publishes. Google's metrics are complete four minutes late.
JOBS = {
    Schedule.LOOK: ("feedback-loop-look", "4-59/5 * * * *"),
    Schedule.TURN: ("feedback-loop-turn", "0 * * * *"),
}
#: With the backoff of ten seconds to a minute: a quarter of an hour.
MOST_ATTEMPTS = 20
RETRIES = {"minimumBackoff": "10s", "maximumBackoff": "60s"}
#: A worker that pulls holds what it works on; one that is pushed to has so long to answer.
PULL_DEADLINE_SECONDS, PUSH_DEADLINE_SECONDS = 30, 600
PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"


def work(scope: Scope, words: Catalogue) -> Iterator[Wanted]:
    """All of it. Pub/Sub itself must be allowed to forward what it gives up, and to acknowledge it then."""
    project = f"projects/{scope.project}"
    turns, dead = topic_of(scope.project), topic_of(scope.project, DEAD_TOPIC)
    yield topic("trigger", turns)
    yield topic("dead", dead)
    key, body = _pushed(scope) if scope.workers == "push" else _pulled(scope)
    shared = {
        "topic": turns,
        "retryPolicy": RETRIES,
        "deadLetterPolicy": {"deadLetterTopic": dead, "maxDeliveryAttempts": MOST_ATTEMPTS},
    }
    yield subscription(key, {**body, **shared}, "trigger", "dead")
    yield subscription(
        "dead", {"name": subscription_of(scope.project, LETTERS), "topic": dead, "ackDeadlineSeconds": 60}, "dead"
    )
    yield _grant("dead", dead, PUBLISHER, f"{Kind.TOPIC}.dead")
    yield _grant(key, str(body["name"]), SUBSCRIBER, f"{Kind.SUBSCRIPTION}.{key}")
    for schedule, (name, when) in JOBS.items():
        full = f"{project}/locations/{scope.region}/jobs/{name}"
        said = base64.b64encode(Shard(schedule).encoded()).decode()
        job = {
            "name": full,
            "description": words.plain(message(f"setup.job_{schedule}")),
            "schedule": when,
            "timeZone": "Etc/UTC",
            "pubsubTarget": {"topicName": turns, "data": said},
        }
        yield Wanted(Kind.JOB, schedule.value, name, job, full, (f"{Kind.TOPIC}.trigger",))


def _pushed(scope: Scope) -> tuple[str, dict[str, Any]]:
    token = {"serviceAccountEmail": scope.oidc_service_account, "audience": scope.audience}
    return "trigger", {
        "name": subscription_of(scope.project, PUSHED),
        "ackDeadlineSeconds": PUSH_DEADLINE_SECONDS,
        "pushConfig": {"pushEndpoint": f"{scope.public_url.rstrip('/')}/pubsub/push", "oidcToken": token},
    }


def _pulled(scope: Scope) -> tuple[str, dict[str, Any]]:
    return "work", {"name": subscription_of(scope.project, PULLED), "ackDeadlineSeconds": PULL_DEADLINE_SECONDS}


def _grant(key: str, resource: str, role: str, need: str) -> Wanted:
    """To Pub/Sub's own account, whose address only Google's number of the project tells."""
    body = {"resource": resource, "role": role}
    return Wanted(Kind.GRANT, key, f"{role} · {resource.rpartition('/')[2]}", body, f"{resource}#{role}", (need,))
