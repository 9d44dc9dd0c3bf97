"""The caches in which services are tuned: one client for all that share one, and what each service has of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.service_settings import ServiceSettings, cache_place
from lumen.adapters.cache.client import OwnReads, open_cache
from lumen.adapters.cache.servers import CacheClient
from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True, eq=False)
class TunedCache:
    """`server`: host and port (of a cluster: of one node), or the socket: its figures are those of all databases.

    `reads`: lookups of Lumen's own, which that server counts.
    """

    url: str
    redis: CacheClient
    server: str
    reads: OwnReads


def open_caches(watched: Mapping[ServiceId, ServiceSettings]) -> Mapping[ServiceId, TunedCache]:
    """Each connects lazily: one that is down shows where it is asked, and nowhere else."""
    opened: dict[str, TunedCache] = {}
    reads: dict[str, OwnReads] = {}
    found: dict[ServiceId, TunedCache] = {}
    for service, settings in watched.items():
        url = settings.cache_url
        if url not in opened:
            host, port, _ = cache_place(url)
            server = f"{host}:{port}" if port else host
            opened[url] = TunedCache(url, open_cache(url), server, reads.setdefault(server, OwnReads()))
        found[service] = opened[url]
    return found


def place_of(url: str) -> str:
    """The cache as people know it, without its password: host, port and database, or the path of a socket."""
    host, port, database = cache_place(url)
    return f"{host}:{port}/{database}" if port else f"{host} {database}" if database else host


async def close_caches(caches: Mapping[ServiceId, TunedCache]) -> None:
    """All of them."""
    for cache in dict.fromkeys(caches.values()):
        await cache.redis.aclose()
