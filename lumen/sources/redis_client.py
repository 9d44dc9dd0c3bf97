"""The connection to the cache that Lumen tunes: bounded timeouts, and no hidden second attempt."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

#: On the wall. A cache that takes longer than this for one small command is ill, and the turn says so.
ANSWER_SECONDS = 3.0


def open_cache(url: str, answer_seconds: float = ANSWER_SECONDS) -> "Redis":
    """A client for `redis://`, `rediss://` or `unix://`; connects lazily.

    RESP2 and no CLIENT SETINFO: older servers do not know HELLO, and Memorystore blocks CLIENT. No retries: a command
    that changes something must not run twice because its answer was lost.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )
