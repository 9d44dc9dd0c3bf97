"""Checks of Lumen's store and of the cache's server: reached, apart, durable, limited, on time, and with its keys."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from bot.doctor.check import Check, Findings, Thing
from bot.doctor.folded import some
from bot.wiring.examined import ExaminedCache, ExaminedServers, KeysSeen, ServerFacts, StoreFacts
from lumen.model.cluster_url import is_cluster, urls_of_nodes
from lumen.model.messages import Message, NoData, message, with_remedy
from lumen.model.service import ServiceId

#: Clocks that are further apart than this make tokens, countdowns and the ends of windows wrong.
MOST_APART_SECONDS = 30.0
#: What the client says of a server that hung up at the first word, as one that wants TLS does.
_HUNG_UP = ("closed by server", "reset by peer", "Protocol Error")


def redis_cli(url: str) -> str:
    """How a person reaches the server of `url` by hand; asks for the password instead of showing it."""
    parts = urlsplit(urls_of_nodes(url)[0] if is_cluster(url) else url)
    if parts.scheme == "unix":
        return f"redis-cli -s {shlex.quote(unquote(parts.path))}"
    words = ["redis-cli", "-h", parts.hostname or "127.0.0.1", "-p", str(parts.port or 6379)]
    words += ["-c"] if is_cluster(url) else []
    words += ["--tls"] if parts.scheme == "rediss" else []
    words += ["--user", unquote(parts.username)] if parts.username else []
    words += ["--askpass"] if parts.password else []
    return shlex.join(words)


def store_checks(
    servers: ExaminedServers, store: StoreFacts | NoData, names: Mapping[ServiceId, str]
) -> Sequence[Check]:
    """Without it nothing else matters. `names`: of the services."""
    found = Findings("server: ")
    if isinstance(store, NoData):
        found.part("STATE_REDIS_URL", _explained(store, "STATE_REDIS_URL", servers.store_url))
        return found.checks
    if not store.warnings:
        found.fine("STATE_REDIS_URL", message("doctor.state_ok"))
    by_key = {service.key: name for service, name in names.items()}
    for says in store.warnings:
        of_service = by_key.get(str(says.params.get("service", "")))
        thing = Thing("service", of_service) if of_service else Thing("server", str(says.params["where"]))
        warned = Findings(found.prefix, thing if len(store.warnings) > 1 else None)
        warned.mend("STATE_REDIS_URL", *_warned(says))
        found.checks += warned.checks
    for short in store.short:
        found.mend("store's memory", short, message("doctor.memory_short_remedy", cli=redis_cli(servers.store_url)))
    for says, remedy in store.cluster:
        found.mend("store's cluster", says, remedy)
    look_at_clock(found, "store's clock", "STATE_REDIS_URL", store.ahead_seconds)
    return found.checks


async def cache_checks(
    servers: ExaminedServers, cache: ExaminedCache, store: StoreFacts | NoData, names: Mapping[ServiceId, str]
) -> Sequence[Check]:
    """`names`: of the services that share it. What holds for its whole server is said of the first of its caches."""
    of = Thing("cache", cache.place) if len(servers.caches) > 1 else None
    found, facts = Findings("server: ", of), await cache.server.facts()
    if isinstance(facts, NoData):
        found.part("CACHE_REDIS_URL", _explained(facts, "CACHE_REDIS_URL", cache.url))
        return found.checks
    if not isinstance(store, NoData) and store.run_ids & facts.run_ids:
        found.mend("CACHE_REDIS_URL", *with_remedy("doctor.same_server"))
    elif facts.is_replica:
        found.mend("CACHE_REDIS_URL", *with_remedy("source.redis_read_only", where=facts.where))
    else:
        found.fine("CACHE_REDIS_URL", _answers(cache, facts))
    if cache.is_first:
        _policy(found, facts.policy, cache)
        _limit(found, facts, cache)
        _sharing(found, [names[service] for service in cache.sharing])
    return [*found.checks, *await _key_checks(servers, cache, facts.keys)]


def _answers(cache: ExaminedCache, facts: ServerFacts) -> Message:
    if is_cluster(cache.url):
        nodes = len(facts.run_ids)
        return message("doctor.cache_cluster_ok", where=facts.where, version=facts.version, nodes=nodes)
    return message("doctor.cache_ok", where=facts.where, version=facts.version)


def _sharing(found: Findings, names: Sequence[str]) -> None:
    if len(names) > 1:
        found.fine("shared", message("doctor.cache_shared", count=len(names), services=some(names)))


async def _key_checks(servers: ExaminedServers, cache: ExaminedCache, first: KeysSeen) -> Sequence[Check]:
    """Of each prefix; the `first` one's keys were looked at with the server."""
    checks: list[Check] = []
    several = sum(len(one.services) for one in servers.caches) > 1
    for prefix in cache.services:
        keys = first if prefix == first.prefix else await cache.by_prefix(prefix).seen()
        found = Findings("server: ", Thing("prefix", f"{prefix}* {cache.place}") if several else None)
        if isinstance(keys, NoData):
            found.part("CACHE_KEY_PREFIX", keys)
        else:
            _keys(found, keys)
        checks += found.checks
    return checks


def _warned(says: Message) -> tuple[Message, Message]:
    """Settings that are not told, a node that does not answer, or a service for which nothing is prepared."""
    hidden = says.code == "state.settings_hidden"
    return says, message("doctor.state_settings_remedy") if hidden else Message(f"{says.code}_remedy", says.params)


def look_at_clock(found: Findings, name: str, whose: str, ahead_seconds: float | None) -> None:
    """`ahead_seconds`: of this machine's clock, beyond what the way takes; None: nobody tells."""
    if ahead_seconds is None:
        found.fine(name, message("doctor.clock_untold", whose=whose))
    elif abs(ahead_seconds) > MOST_APART_SECONDS:
        found.mend(name, *with_remedy("doctor.clock", whose=whose, seconds=ahead_seconds))
    else:
        found.fine(name)


def _explained(lacking: NoData, name: str, url: str) -> NoData:
    """With the command that finds out; what TLS has to do with it is told by the client's own words alone."""
    detail, cli, secure = str(lacking.reason.params.get("detail", "")), redis_cli(url), url.startswith("rediss:")
    code = lacking.reason.code.partition(".")[2]
    if secure and "CERTIFICATE" in detail:
        return NoData(*with_remedy("doctor.certificate", name=name, detail=detail, cli=cli))
    if secure and (code.endswith("timeout") or any(word in detail for word in ("SSL", "imeout", *_HUNG_UP))):
        return NoData(*with_remedy("doctor.no_tls", name=name, detail=detail, cli=cli.replace(" --tls", "")))
    if code.endswith("unreachable") and any(word in detail for word in _HUNG_UP):
        return NoData(*with_remedy("doctor.wants_tls", name=name, detail=detail, cli=f"{cli} --tls"))
    remedy = {
        "redis_unreachable": message("doctor.unreachable_remedy", name=name, cli=cli),
        "unreachable": message("doctor.unreachable_remedy", name=name, cli=cli),
        "redis_denied": message("doctor.denied_remedy", name=name, cli=cli),
        "denied": message("doctor.denied_remedy", name=name, cli=cli),
    }.get(code, lacking.remedy)
    if code == "not_durable":
        remedy = Message("doctor.durable_remedy", {**lacking.remedy.params, "cli": cli})
    return replace(lacking, remedy=remedy)


def _policy(found: Findings, policy: str, cache: ExaminedCache) -> None:
    """volatile-* evicts answers and keeps the setting; allkeys-* may evict the setting; noeviction refuses writes."""
    if policy.startswith("volatile-"):
        found.fine("maxmemory-policy", message("doctor.policy_ok", policy=policy))
    elif not policy:
        found.fine("maxmemory-policy", message("doctor.policy_untold"))
    else:
        code = "doctor.policy_allkeys" if policy.startswith("allkeys-") else "doctor.policy_noeviction"
        found.mend(
            "maxmemory-policy",
            message(code, policy=policy),
            setting_remedy(cache, "maxmemory-policy", "volatile-lru"),
        )


def _limit(found: Findings, facts: ServerFacts, cache: ExaminedCache) -> None:
    if facts.max_mb == 0:
        reason = message("source.no_maxmemory", where=facts.where)
        # Only a server of one's own is without: Memorystore's instances always have a limit.
        remedy = message("doctor.setting_remedy", cli=redis_cli(cache.url), setting="maxmemory", wanted="256mb")
        found.mend("maxmemory", reason, remedy)
    elif not isinstance(facts.max_mb, NoData):
        found.fine("maxmemory")


def setting_remedy(cache: ExaminedCache, setting: str, wanted: str) -> Message:
    """How a setting of the cache's server is changed: by Google where it is a Memorystore instance."""
    if not cache.instance:
        cli = redis_cli(cache.url)
        return message("doctor.setting_remedy", cli=cli, setting=setting, wanted=wanted)
    _, project, _, region, _, instance = cache.instance.split("/")
    where = f"{instance} --region={region} --project={project}"
    return message("doctor.managed_setting_remedy", where=where, setting=setting, wanted=wanted)


def _keys(found: Findings, keys: KeysSeen) -> None:
    """A wrong prefix shows in nothing else: sweeps find no key, and say so only when they are asked for."""
    if keys.others and not keys.ours:
        prefix, looked = keys.prefix, keys.others
        if keys.common:
            found.mend(
                "CACHE_KEY_PREFIX", *with_remedy("doctor.prefix", prefix=prefix, looked=looked, common=keys.common)
            )
        else:
            found.mend("CACHE_KEY_PREFIX", *with_remedy("doctor.prefix_unlike", prefix=prefix, looked=looked))
    elif keys.ours:
        found.fine("CACHE_KEY_PREFIX", message("doctor.prefix_ok", prefix=keys.prefix))
    else:
        found.fine("CACHE_KEY_PREFIX", message("doctor.prefix_empty", prefix=keys.prefix))
