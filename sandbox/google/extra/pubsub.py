"""google.pubsub.v1 Publisher and Subscriber, as far as unary calls go: topics, subscriptions, acks, dead letters."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient

from sandbox.google.extra.pubsub_checks import check_subscription, check_topic, updated
from sandbox.google.extra.pubsub_iam import PUBLISHER, SUBSCRIBER, PubSubPolicies, agent_of
from sandbox.google.extra.pubsub_push import Pusher, Sign
from sandbox.google.extra.pubsub_queue import Queue, Trouble
from sandbox.google.paging import page
from sandbox.google.refusal import already_exists, invalid_argument, not_found
from sandbox.google.server import Method
from sandbox.google.surface import Rpc, learn
from sandbox.google.times import iso, put, seconds_of

DELETED_TOPIC = "_deleted-topic_"
#: What a dead letter tells, in its attributes.
_DEAD = "CloudPubSubDeadLetterSource"


class PubSub:
    """All topics and subscriptions. StreamingPull is not served."""

    def __init__(self, now: Callable[[], float], sign: Sign, trouble: Trouble) -> None:
        """`now` in seconds of service time: the messages' publish time. `sign`: the tokens of pushes."""
        self._now = now
        self._trouble = trouble
        self._topics: dict[str, Any] = {}
        self._subscriptions: dict[str, Queue] = {}
        self._number = 0
        self.policies = PubSubPolicies(lambda name: name in self._topics or name in self._subscriptions)
        self.pusher = Pusher(lambda: tuple(self._subscriptions.values()), self._bury, sign)
        self.publisher: Mapping[str, Rpc] = learn(PublisherAsyncClient.get_transport_class("grpc_asyncio"))
        self.subscriber: Mapping[str, Rpc] = learn(SubscriberAsyncClient.get_transport_class("grpc_asyncio"))
        self.publisher_methods: Mapping[str, Method] = {
            "CreateTopic": self.create_topic,
            "UpdateTopic": self.update_topic,
            "GetTopic": lambda request: self._topic(request.topic),
            "ListTopics": self.list_topics,
            "DeleteTopic": self.delete_topic,
            "Publish": self.publish,
        }
        self.subscriber_methods: Mapping[str, Method] = {
            "CreateSubscription": self.create_subscription,
            "UpdateSubscription": self.update_subscription,
            "GetSubscription": lambda request: self._subscription(request.subscription).message,
            "ListSubscriptions": self.list_subscriptions,
            "DeleteSubscription": self.delete_subscription,
            "Pull": self.pull,
            "Acknowledge": self.acknowledge,
            "ModifyAckDeadline": self.modify_ack_deadline,
        }

    def _topic(self, name: str) -> Any:
        if name not in self._topics:
            raise not_found(f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")
        return self._topics[name]

    def _subscription(self, name: str) -> Queue:
        if name not in self._subscriptions:
            raise not_found(f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")
        return self._subscriptions[name]

    def create_topic(self, request: Any) -> Any:
        check_topic(request)
        if request.name in self._topics:
            raise already_exists(f"Resource already exists in the project (resource={request.name}).")
        self._topics[request.name] = request
        return request

    def update_topic(self, request: Any) -> Any:
        """A mask is required."""
        changed = updated(self._topic(request.topic.name), request.topic, request.update_mask)
        check_topic(changed)
        self._topics[changed.name] = changed
        return changed

    def list_topics(self, request: Any) -> Any:
        shown, token = page(
            list(self._topics.values()), request.page_size, request.page_token, request.project.encode(), 1000
        )
        response = self.publisher["ListTopics"].response(next_page_token=token)
        response.topics.extend(shown)
        return response

    def delete_topic(self, request: Any) -> Empty:
        """Its subscriptions stay, and hear nothing any more."""
        self._topic(request.topic)
        del self._topics[request.topic]
        self.policies.forget(request.topic)
        for subscription in self._subscriptions.values():
            if subscription.message.topic == request.topic:
                subscription.message.topic = DELETED_TOPIC
        return Empty()

    def publish(self, request: Any) -> Any:
        self._topic(request.topic)
        ids = [self._hand_out(request.topic, message) for message in request.messages]
        return self.publisher["Publish"].response(message_ids=ids)

    def tell(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> bool:
        """A message from Google itself; False where the topic does not exist (nobody hears of that either)."""
        if topic not in self._topics:
            return False
        request = self.publisher["Publish"].request(topic=topic)
        request.messages.add(data=data, attributes=dict(attributes))
        self.publish(request)
        return True

    def _hand_out(self, topic: str, message: Any) -> str:
        if not message.data and not message.attributes:
            raise invalid_argument("Each message must contain either non-empty data, or at least one attribute.")
        self._number += 1
        copy = type(message)()
        copy.CopyFrom(message)
        copy.message_id = str(self._number)
        put(copy.publish_time, self._now())
        for subscription in self._subscriptions.values():
            if subscription.message.topic == topic:
                subscription.add(copy)
        return str(self._number)

    def _bury(self) -> None:
        """Forward what was given up, where Pub/Sub's own account may; until then it waits on."""
        for name, subscription in list(self._subscriptions.items()):
            topic = subscription.message.dead_letter_policy.dead_letter_topic
            agent = agent_of(name.split("/")[1])
            may = self.policies.may(agent, SUBSCRIBER, name) and self.policies.may(agent, PUBLISHER, topic)
            if topic not in self._topics or not may:
                continue
            for delivery in subscription.dead():
                copy = type(delivery.message)()
                copy.CopyFrom(delivery.message)
                copy.attributes[f"{_DEAD}DeliveryCount"] = str(delivery.attempts)
                copy.attributes[f"{_DEAD}Subscription"] = name.rsplit("/", 1)[-1]
                copy.attributes[f"{_DEAD}SubscriptionProject"] = name.split("/")[1]
                copy.attributes[f"{_DEAD}TopicPublishTime"] = iso(seconds_of(delivery.message.publish_time))
                self._hand_out(topic, copy)

    def create_subscription(self, request: Any) -> Any:
        check_subscription(request)
        self._topic(request.topic)
        self._check_dead_letters(request)
        if request.name in self._subscriptions:
            raise already_exists(f"Resource already exists in the project (resource={request.name}).")
        request.ack_deadline_seconds = request.ack_deadline_seconds or 10
        request.state = 1
        self._subscriptions[request.name] = Queue(request, self._trouble)
        self._push_to(request)
        return request

    def _check_dead_letters(self, subscription: Any) -> None:
        if subscription.dead_letter_policy.dead_letter_topic:
            self._topic(subscription.dead_letter_policy.dead_letter_topic)

    def _push_to(self, subscription: Any) -> None:
        if subscription.push_config.push_endpoint.startswith("http://"):
            self.pusher.begin()

    def update_subscription(self, request: Any) -> Any:
        """A mask is required; topic and name cannot change."""
        subscription = self._subscription(request.subscription.name)
        changed = updated(subscription.message, request.subscription, request.update_mask)
        check_subscription(changed)
        self._check_dead_letters(changed)
        subscription.message = changed
        self._push_to(changed)
        return changed

    def list_subscriptions(self, request: Any) -> Any:
        found = [s.message for s in self._subscriptions.values()]
        shown, token = page(found, request.page_size, request.page_token, request.project.encode(), 1000)
        response = self.subscriber["ListSubscriptions"].response(next_page_token=token)
        response.subscriptions.extend(shown)
        return response

    def delete_subscription(self, request: Any) -> Empty:
        self._subscription(request.subscription)
        del self._subscriptions[request.subscription]
        self.policies.forget(request.subscription)
        return Empty()

    def pull(self, request: Any) -> Any:
        """Messages that wait, at most max_messages; answers at once when there are none."""
        subscription = self._subscription(request.subscription)
        if request.max_messages < 1:
            raise invalid_argument("max_messages must be positive.")
        self._bury()
        response = self.subscriber["Pull"].response()
        tells_attempts = subscription.message.HasField("dead_letter_policy")
        for one in subscription.take(request.max_messages, subscription.message.ack_deadline_seconds):
            told = response.received_messages.add(ack_id=one.ack_id, message=one.message)
            told.delivery_attempt = one.attempts if tells_attempts else 0
        return response

    def acknowledge(self, request: Any) -> Empty:
        self._subscription(request.subscription).acknowledge(request.ack_ids)
        return Empty()

    def modify_ack_deadline(self, request: Any) -> Empty:
        """0 gives messages back."""
        self._subscription(request.subscription).hold(request.ack_ids, request.ack_deadline_seconds)
        return Empty()
