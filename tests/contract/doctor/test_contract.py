"""What `lumen doctor` says of the contract: whether version 2 still reports, and whether misses are announced."""

from pathlib import Path

import pytest

from bot.doctor.contract import contract_checks
from bot.wiring.examined import open_servers
from demo.valkey import EmbeddedValkey, Kind
from demo.world import World
from lumen.adapters.cache.client import open_cache
from lumen.model.ion_contract import ACCESSES_KEY
from lumen.model.snapshot import TtlSetting
from lumen.wording.catalogue import Catalogue
from tests.contract.doctor.test_doctor import settings, wrong
from tests.snapshots import snapshot

INSTANCE = "projects/p/locations/l/instances/other"


async def told(
    world: World,
    folder: Path,
    version: int | None,
    *,
    events: str = "",
    silent_seconds: int | None = None,
    instance: str = "",
) -> dict[str, str]:
    """By a cache with those `notify-keyspace-events`, whose last report came so long ago, or never; in English."""
    with EmbeddedValkey(folder, Kind.CACHE) as server:
        cache = open_cache(server.url)
        await cache.config_set("notify-keyspace-events", events)
        if silent_seconds is not None:
            seconds, _ = await cache.time()
            await cache.xadd(f"{ACCESSES_KEY}:ion-api", {"b": b"\xff\xfe"}, id=f"{1000 * (seconds - silent_seconds)}-0")
        await cache.aclose()
        async with open_servers(settings(world, cache_redis_url=server.url, cache_instance=instance)) as servers:
            measured = snapshot(ttl=TtlSetting(300, 0, None, None, contract=version))
            checks = await contract_checks(servers.caches[0], measured, "ion-api")
    assert wrong(checks) == {}
    return {check.name.partition(": ")[2]: Catalogue("en").plain(check.says) for check in checks}


@pytest.mark.parametrize(
    ("version", "silent_seconds", "begins"),
    [
        (None, None, "It has acknowledged nothing yet"),
        (1, None, "Version 1: "),
        (2, 5, "Version 2: "),
        (2, 3600, "Acknowledged as version 2, but nothing was reported for 60 min"),
        (2, None, "Acknowledged as version 2, but no access is reported"),
    ],
)
async def test_the_version_of_the_contract_is_told_and_whether_it_still_reports(
    sandbox_world: World, tmp_path: Path, version: int | None, silent_seconds: int | None, begins: str
) -> None:
    found = await told(sandbox_world, tmp_path, version, silent_seconds=silent_seconds)
    assert found["contract"].startswith(begins)
    assert ("announced misses" in found) == (version == 1)


@pytest.mark.parametrize(
    ("events", "wanted"), [("", "notify-keyspace-events Em`"), ("Kx", "notify-keyspace-events xKEm`"), ("Em", "")]
)
async def test_of_version_1_it_is_told_whether_misses_are_announced_and_how_they_would_be(
    sandbox_world: World, tmp_path: Path, events: str, wanted: str
) -> None:
    found = (await told(sandbox_world, tmp_path, 1, events=events))["announced misses"]
    assert wanted in found if wanted else "CONFIG SET" not in found


async def test_at_memorystore_the_command_is_googles(sandbox_world: World, tmp_path: Path) -> None:
    found = (await told(sandbox_world, tmp_path, 1, instance=INSTANCE))["announced misses"]
    assert "gcloud redis instances update other" in found
    assert "--update-redis-config=notify-keyspace-events=Em" in found
