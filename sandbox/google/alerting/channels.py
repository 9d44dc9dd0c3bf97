"""google.monitoring.v3.NotificationChannelService, and the notifications that channels were sent."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.api.label_pb2 import LabelDescriptor
from google.cloud.monitoring_v3 import NotificationChannelServiceAsyncClient
from google.protobuf.empty_pb2 import Empty

from sandbox.google.alerting.listfilter import passes
from sandbox.google.labels import check_labels
from sandbox.google.masks import copy_masked
from sandbox.google.paging import page
from sandbox.google.refusal import failed_precondition, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn

# Type → the labels that a channel of it must have.
TYPES: Mapping[str, tuple[str, ...]] = {
    "email": ("email_address",),
    "slack": ("channel_name",),
    "pagerduty": ("service_key",),
    "pubsub": ("topic",),
    "webhook_tokenauth": ("url",),
    "sms": ("number",),
}
_MUTABLE = ("type", "display_name", "description", "labels", "user_labels", "enabled")
_VERIFIED = 2


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification to one channel: an incident of a policy opened or closed. `at` in seconds of service time."""

    at: float
    channel: str
    channel_type: str
    policy: str
    state: str  # "open" or "closed"
    summary: str


class Channels:
    """All channels of the project."""

    def __init__(self, project: str) -> None:
        self.sent: deque[Notification] = deque(maxlen=1000)
        self.used_by: Callable[[str], list[str]] = lambda _channel: []
        self.forget: Callable[[str], None] = lambda _channel: None
        self.deliver: Callable[[Notification, Any], None] = lambda _notification, _channel: None
        self._project = project
        self._channels: dict[str, Any] = {}
        self._number = 1_000_000
        self.rpcs: Mapping[str, Rpc] = learn(NotificationChannelServiceAsyncClient.get_transport_class("grpc_asyncio"))
        self.methods: Mapping[str, Method] = {
            "ListNotificationChannels": self.list,
            "GetNotificationChannel": self.get,
            "CreateNotificationChannel": self.create,
            "UpdateNotificationChannel": self.update,
            "DeleteNotificationChannel": self.delete,
            "ListNotificationChannelDescriptors": self.list_descriptors,
            "GetNotificationChannelDescriptor": self.get_descriptor,
        }

    def __contains__(self, name: str) -> bool:
        return name in self._channels

    def is_email(self, name: str) -> bool:
        """Whether the channel exists and is an e-mail address."""
        channel = self._channels.get(name)
        return channel is not None and channel.type_ == "email"

    def notify(self, name: str, at: float, policy: str, state: str, summary: str) -> None:
        """Tell a channel; a disabled one is told nothing."""
        channel = self._channels.get(name)
        if channel is None or (channel.HasField("enabled") and not channel.enabled.value):
            return
        notification = Notification(at, name, channel.type_, policy, state, summary)
        self.sent.append(notification)
        self.deliver(notification, channel)

    def _named(self, name: str) -> Any:
        found = self._channels.get(name)
        if found is None:
            raise not_found(f"Could not find notification channel: {name}.")
        return found

    def list(self, request: Any) -> Any:
        found = [c for c in self._channels.values() if passes(request.filter, c)]
        mark = (request.name + request.filter).encode()
        shown, token = page(found, request.page_size, request.page_token, mark, 1000)
        response = self.rpcs["ListNotificationChannels"].response(next_page_token=token, total_size=len(found))
        response.notification_channels.extend(shown)
        return response

    def get(self, request: Any) -> Any:
        return self._named(request.name)

    def create(self, request: Any) -> Any:
        channel = type(request.notification_channel)()
        copy_masked(request.notification_channel, channel, _MUTABLE)
        self._check(channel)
        self._number += 1
        channel.name = f"projects/{self._project}/notificationChannels/{self._number}"
        channel.verification_status = _VERIFIED if channel.type_ == "sms" else 0
        if not channel.HasField("enabled"):
            channel.enabled.value = True
        self._channels[channel.name] = channel
        return channel

    def update(self, request: Any) -> Any:
        current = self._named(request.notification_channel.name)
        wanted = type(current)()
        wanted.CopyFrom(current)
        copy_masked(request.notification_channel, wanted, list(request.update_mask.paths) or _MUTABLE)
        if wanted.type_ != current.type_:
            raise invalid_argument("Field notificationChannel.type had an invalid value: the type cannot change.")
        wanted.name = current.name
        self._check(wanted)
        self._channels[wanted.name] = wanted
        return wanted

    def delete(self, request: Any) -> Empty:
        """Refused while a policy uses it, unless forced."""
        self._named(request.name)
        users = self.used_by(request.name)
        if users and not request.force:
            raise failed_precondition(
                f"Notification channel {request.name} is used by alert policies {', '.join(users)}; use force."
            )
        self.forget(request.name)
        del self._channels[request.name]
        return Empty()

    def _check(self, channel: Any) -> None:
        labels = TYPES.get(channel.type_)
        if labels is None:
            raise invalid_argument(
                f"Field notificationChannel.type had an invalid value of '{channel.type_}': one of {', '.join(TYPES)}."
            )
        for label in labels:
            if not channel.labels.get(label):
                raise invalid_argument(f"Field notificationChannel.labels had an invalid value: '{label}' is required.")
        check_labels(channel.user_labels, "notificationChannel.userLabels")
        if channel.type_ == "email" and "@" not in channel.labels["email_address"]:
            raise invalid_argument(
                "Field notificationChannel.labels['email_address'] had an invalid value: no e-mail address."
            )

    def _descriptor(self, kind: str) -> Any:
        descriptor = self.rpcs["GetNotificationChannelDescriptor"].response(
            name=f"projects/{self._project}/notificationChannelDescriptors/{kind}", type_=kind, display_name=kind
        )
        descriptor.labels.extend(LabelDescriptor(key=label) for label in TYPES[kind])
        return descriptor

    def list_descriptors(self, request: Any) -> Any:
        shown, token = page(list(TYPES), request.page_size, request.page_token, request.name.encode(), 100)
        response = self.rpcs["ListNotificationChannelDescriptors"].response(next_page_token=token)
        response.channel_descriptors.extend(map(self._descriptor, shown))
        return response

    def get_descriptor(self, request: Any) -> Any:
        kind = request.name.rsplit("/", 1)[-1]
        if kind not in TYPES:
            raise not_found(f"Could not find notification channel descriptor: {request.name}.")
        return self._descriptor(kind)
