"""Web API clients: the only place that sets their retries."""

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

#: Whatever keeps a Web API call from being answered: Slack says no, or is not there. (aiohttp's own is no OSError.)
NO_ANSWER = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)

#: With a session of our own the SDK applies no timeout, so the session carries it.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
RATE_LIMIT_RETRIES = 3


def slack_session() -> aiohttp.ClientSession:
    """One for the whole process: without it the SDK opens a new one for every call."""
    return aiohttp.ClientSession(timeout=TIMEOUT)


def asking_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """For calls that may be sent again: a 429 is waited out up to three times."""
    client = single_try_client(token, base_url, session)
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)]
    return client


def single_try_client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """For the outbox and for tickets: every failure comes back at once, and is judged there."""
    client = AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])
    client.retry_handlers = []
    if base_url.startswith("http://"):
        # Loopback (bot.config allows no other plain address): a proxy of the environment cannot know it.
        client.proxy = None
    return client
