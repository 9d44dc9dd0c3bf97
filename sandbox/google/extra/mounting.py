"""Mounts the optional APIs, each at its first call."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.google.alerting.channels import Notification
from sandbox.google.extra.lazy import Handlers, LazyApi

if TYPE_CHECKING:
    from sandbox.google.cloud import GoogleCloud
    from sandbox.google.extra.pubsub import PubSub
    from sandbox.google.extra.redisadmin import RedisAdmin


class Extras:
    """Dashboards, Memorystore and Pub/Sub. Nothing of them exists before somebody calls them."""

    def __init__(self, cloud: "GoogleCloud", project: str, now: Callable[[], float], change_seconds: float) -> None:
        self._cloud = cloud
        self._project = project
        self._now = now
        self._change_seconds = change_seconds
        self._pubsub: PubSub | None = None
        self._redis: RedisAdmin | None = None
        for prefix, package, build in (
            ("/google.monitoring.dashboard.v1.", "google-cloud-monitoring-dashboards", self._dashboards),
            ("/google.cloud.redis.v1.", "google-cloud-redis", self._memorystore),
            ("/google.pubsub.v1.", "google-cloud-pubsub", self._messages),
        ):
            cloud.server.mount(LazyApi(prefix, package, build))

    def _dashboards(self) -> Handlers:
        from sandbox.google.extra.dashboards import Dashboards

        dashboards = Dashboards(self._project)
        return self._cloud.server.handlers(dashboards.rpcs, dashboards.methods)

    def _memorystore(self) -> Handlers:
        from sandbox.google.extra.redisadmin import RedisAdmin

        if self._cloud.redis_instance is None:
            return {}
        self._redis = RedisAdmin(self._cloud.redis_instance, self._now, self._cloud.operations, self._change_seconds)
        return self._cloud.server.handlers(self._redis.rpcs, self._redis.methods)

    def _messages(self) -> Handlers:
        from sandbox.google.extra.pubsub import PubSub

        self._pubsub = PubSub(self._now)
        serve = self._cloud.server.handlers
        return {
            **serve(self._pubsub.publisher, self._pubsub.publisher_methods),
            **serve(self._pubsub.subscriber, self._pubsub.subscriber_methods),
        }

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
