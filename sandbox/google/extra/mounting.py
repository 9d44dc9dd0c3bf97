"""Mounts the optional APIs, each at its first call."""

import json
from collections.abc import Callable, Set
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.google.alerting.channels import Notification
from sandbox.google.extra.instance import InstanceFacts
from sandbox.google.extra.lazy import Handlers, LazyApi
from sandbox.google.extra.pubsub_queue import Trouble
from sandbox.google.extra.signer import Signer
from sandbox.google.logs import Logs
from sandbox.google.operations import Operations
from sandbox.google.server import GoogleServer

if TYPE_CHECKING:
    from sandbox.google.extra.pubsub import PubSub
    from sandbox.google.extra.redisadmin import RedisAdmin
    from sandbox.google.extra.roles import Roles


class Extras:
    """Dashboards, Memorystore, Pub/Sub, Scheduler, Logging, IAM's roles. Nothing is there before somebody calls it."""

    def __init__(
        self,
        server: GoogleServer,
        operations: Operations,
        project: str,
        now: Callable[[], float],
        change_seconds: float,
        instance: Callable[[], InstanceFacts | None],
        logs: Logs,
        others: Set[str],
    ) -> None:
        """`others`: projects that are here too.

        `instance` is asked at Memorystore's first call: None where there is none by then.
        """
        self._server = server
        self._operations = operations
        self._instance = instance
        self._project, self._others = project, others
        self._now = now
        self._change_seconds = change_seconds
        self._logs = logs
        self._pubsub: PubSub | None = None
        self._redis: RedisAdmin | None = None
        self._custom_roles: Roles | None = None
        self.signer, self.trouble = Signer(), Trouble()
        for prefix, package, build in (
            ("/google.monitoring.dashboard.v1.", "google-cloud-monitoring-dashboards", self._dashboards),
            ("/google.cloud.redis.v1.", "google-cloud-redis", self._memorystore),
            ("/google.pubsub.v1.", "google-cloud-pubsub", self._messages),
            ("/google.iam.v1.IAMPolicy/", "google-cloud-pubsub", self._policies),
            ("/google.cloud.scheduler.v1.", "google-cloud-scheduler", self._scheduler),
            ("/google.iam.admin.v1.", "google-cloud-iam", self._roles),
            ("/google.logging.v2.", "google-cloud-logging", self._logging),
        ):
            server.mount(LazyApi(prefix, package, build))

    def _dashboards(self) -> Handlers:
        from sandbox.google.extra.dashboards import Dashboards

        dashboards = Dashboards(self._project)
        return self._server.handlers(dashboards.rpcs, dashboards.methods)

    def _memorystore(self) -> Handlers:
        from sandbox.google.extra.redisadmin import RedisAdmin

        instance = self._instance()
        if instance is None:
            return {}
        self._redis = RedisAdmin(instance, self._now, self._operations, self._change_seconds)
        return self._server.handlers(self._redis.rpcs, self._redis.methods)

    def _messages(self) -> Handlers:
        pubsub, serve = self._the_pubsub(), self._server.handlers
        return {
            **serve(pubsub.publisher, pubsub.publisher_methods),
            **serve(pubsub.subscriber, pubsub.subscriber_methods),
        }

    def _policies(self) -> Handlers:
        policies = self._the_pubsub().policies
        return self._server.handlers(policies.rpcs, policies.methods)

    def _the_pubsub(self) -> "PubSub":
        from sandbox.google.extra.pubsub import PubSub

        if self._pubsub is None:
            self._pubsub = PubSub(self._now, self.signer.token, self.trouble)
            self._server.at_stop.append(self._pubsub.pusher.stop)
        return self._pubsub

    def _scheduler(self) -> Handlers:
        from sandbox.google.extra.scheduler import Scheduler

        scheduler = Scheduler(self._now)
        return self._server.handlers(scheduler.rpcs, scheduler.methods)

    def _roles(self) -> Handlers:
        from sandbox.google.extra.roles import Roles

        self._custom_roles = roles = Roles(self._project, self._now)
        return self._server.handlers(roles.rpcs, roles.methods)

    def has_role(self, name: str) -> bool:
        """Whether a custom role of that name is there."""
        return self._custom_roles is not None and self._custom_roles.has(name)

    def _logging(self) -> Handlers:
        from sandbox.google.extra.logging import Logging

        logging = Logging(self._project, self._others, self._logs, self._now)
        return self._server.handlers(logging.rpcs, logging.methods)

    def advance(self) -> None:
        """Let happen what is due by now."""
        if self._redis is not None:
            self._redis.advance()

    def publish(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """A message from Google; lost where nobody made the topic."""
        if self._pubsub is not None:
            self._pubsub.tell(topic, data, attributes)

    def deliver(self, notification: Notification, channel: Any) -> None:
        """An alert's notification to a Pub/Sub channel goes to its topic; other channels only keep it."""
        if notification.channel_type == "pubsub":
            data = json.dumps({"version": "1.2", "incident": asdict(notification)}).encode()
            self.publish(channel.labels["topic"], data, {})
