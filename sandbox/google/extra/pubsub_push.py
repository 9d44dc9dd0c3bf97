"""Push subscriptions: each message is posted with an ID token, and comes again unless the answer is 2xx."""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from sandbox.google.extra.pubsub_queue import Delivery, Queue
from sandbox.google.times import iso, seconds_of

LOOK_SECONDS = 0.05
#: So many at once for each subscription.
WINDOW = 20
ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})

#: Of the account and the audience.
Sign = Callable[[str, str], str]


class Pusher:
    """Pushes to this machine alone; the endpoint of any other is kept, and never called."""

    def __init__(self, queues: Callable[[], Iterable[Queue]], bury: Callable[[], None], sign: Sign) -> None:
        """`bury`: moves dead letters."""
        self._queues, self._bury, self._sign = queues, bury, sign
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Unless it runs already; in the running loop."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        under_way: dict[str, set[asyncio.Task[None]]] = {}
        async with aiohttp.ClientSession() as session:
            try:
                while True:
                    self._bury()
                    for queue in self._queues():
                        if not queue.message.push_config.push_endpoint.startswith("http://"):
                            continue
                        tasks = under_way.setdefault(queue.message.name, set())
                        for delivery in queue.take(WINDOW - len(tasks), queue.message.ack_deadline_seconds):
                            task = asyncio.create_task(self._push(session, queue, delivery))
                            tasks.add(task)
                            task.add_done_callback(tasks.discard)
                    await asyncio.sleep(LOOK_SECONDS)
            finally:
                left = [task for tasks in under_way.values() for task in tasks]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    async def _push(self, session: aiohttp.ClientSession, queue: Queue, delivery: Delivery) -> None:
        ack_id, push = delivery.ack_id, queue.message.push_config
        token = push.oidc_token
        headers = {}
        if token.service_account_email:
            signed = self._sign(token.service_account_email, token.audience or push.push_endpoint)
            headers["Authorization"] = f"Bearer {signed}"
        timeout = aiohttp.ClientTimeout(total=queue.message.ack_deadline_seconds)
        status = 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            body = _body(queue, delivery)
            async with session.post(push.push_endpoint, json=body, headers=headers, timeout=timeout) as answer:
                status = answer.status
        if status in ACKNOWLEDGED:
            queue.acknowledge([ack_id])
        else:
            queue.hold([ack_id], 0)


def _body(queue: Queue, delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    at = iso(seconds_of(message.publish_time))
    told = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": at,
        "publish_time": at,
    }
    attempt = {"deliveryAttempt": delivery.attempts} if queue.message.HasField("dead_letter_policy") else {}
    return {"message": told, "subscription": queue.message.name, **attempt}
