"""The client of the state store: bounded waits, and never a second try behind our back.

Measured with redis-py's defaults: a timeout of 0.5 s took 9.65 s and ran the script twice (docs/adr/0003).
"""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

#: How long an answer is waited for. A click is acked after the transition and Slack waits 3 s in all.
ANSWER_SECONDS = 1.5
CONNECT_SECONDS = 1.0
#: Opened as they are needed; more callers wait for a free one, at most `CONNECT_SECONDS`. Many, because whatever comes
#: in at once shares one write to the disk.
CONNECTIONS = 64


def open_store(
    url: str,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
    connections: int = CONNECTIONS,
) -> Redis:
    """A client for `redis://`, `rediss://` or `unix://`. Connects when first used; close it with `aclose()`."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=connect_seconds,
        socket_timeout=answer_seconds,
        socket_connect_timeout=connect_seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        decode_responses=True,
        protocol=2,
    )
    return Redis.from_pool(pool)


def place(redis: Redis) -> str:
    """Where the store is, for people: host and port, or the socket; never the password."""
    given = redis.connection_pool.connection_kwargs
    return str(given.get("path") or f"{given.get('host', 'localhost')}:{given.get('port', 6379)}")
