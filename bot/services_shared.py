"""What services of one file share, and must then say alike: the server of a cache, the keys in it, an instance.

Services of one name may not share a cache: the contract's keys bear the name alone.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from bot.marked_yaml import Place
from bot.service_settings import ServiceSettings, cache_place
from bot.services_schema import PATHS, Wrong
from bot.services_told import Sources
from lumen.model.service import ServiceId

#: There is one of each for a server ...
OF_SERVER = ("cache_instance", "cache_size_mb", "max_cache_size_mb", "cache_cost_per_mb", "lock_cache_size")
#: ... and for the keys under one prefix.
OF_KEYS = ("default_ttl_seconds", "min_ttl_seconds", "max_ttl_seconds")


def contradictions(
    sources: Mapping[ServiceId, Sources], settings: Mapping[ServiceId, ServiceSettings]
) -> Iterator[Wrong]:
    """Each service that says otherwise than the first one that it shares with."""
    caches = {service: cache_place(own.cache_url) for service, own in settings.items()}
    servers = {service: place[:2] for service, place in caches.items()}
    keys = {service: (*place, settings[service].cache_key_prefix) for service, place in caches.items()}
    yield from _unlike(sources, settings, servers, OF_SERVER, "server_shared")
    yield from _unlike(sources, settings, keys, OF_KEYS, "keys_shared")
    yield from _two_servers(sources, settings, servers)
    yield from _one_name(sources, caches)


def _unlike(
    sources: Mapping[ServiceId, Sources],
    settings: Mapping[ServiceId, ServiceSettings],
    shared: Mapping[ServiceId, Hashable],
    names: Sequence[str],
    code: str,
) -> Iterator[Wrong]:
    first: dict[Hashable, ServiceId] = {}
    for service, own in settings.items():
        other = first.setdefault(shared[service], service)
        if settings[other] is own:
            continue
        for name in names:
            mine, others = getattr(own, name), getattr(settings[other], name)
            if mine != others:
                told = {"value": str(mine), "other_value": str(others), "key": PATHS[name]}
                yield _wrong(sources, service, other, name, code, **told)


def _two_servers(
    sources: Mapping[ServiceId, Sources],
    settings: Mapping[ServiceId, ServiceSettings],
    servers: Mapping[ServiceId, Hashable],
) -> Iterator[Wrong]:
    """A Memorystore instance has one address."""
    first: dict[str, ServiceId] = {}
    for service, own in settings.items():
        other = first.setdefault(own.cache_instance, service) if own.cache_instance else service
        if servers[service] != servers[other]:
            yield _wrong(sources, service, other, "cache_instance", "two_servers", instance=own.cache_instance)


def _one_name(sources: Mapping[ServiceId, Sources], caches: Mapping[ServiceId, Hashable]) -> Iterator[Wrong]:
    """Both would be set by one setting, and answer for each other."""
    first: dict[Hashable, ServiceId] = {}
    for service, cache in caches.items():
        other = first.setdefault((service.name, cache), service)
        if other != service:
            yield _wrong(sources, service, other, "cache_redis_url", "name_shared", key=PATHS["cache_redis_url"])


def _wrong(
    sources: Mapping[ServiceId, Sources], service: ServiceId, other: ServiceId, name: str, code: str, **told: str
) -> Wrong:
    entry, others = sources[service].entry, sources[other].entry
    place: Place = entry.said[name].place if name in entry.said else entry.place
    line = others.place.line
    return Wrong(place, f"setting.yaml_{code}", {"whose": entry.whose, "other": others.whose, "line": line, **told})
