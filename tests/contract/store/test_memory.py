"""People are told before the store is full."""

from collections.abc import Callable

from demo.valkey import EmbeddedValkey
from lumen.adapters.store import epoch
from lumen.adapters.store.connection import open_store


async def test_a_store_that_fills_up_is_a_warning(own_server: Callable[..., EmbeddedValkey]) -> None:
    server = own_server(maxmemory_mb=64)
    client = open_store(server.url)
    assert await epoch.warnings(client) == ()
    used = int((await client.info("memory"))["used_memory"])
    await client.config_set("maxmemory", int(used / 0.8))
    (warning,) = await epoch.warnings(client)
    assert warning.code == "state.memory_short"
    assert 0.7 < float(str(warning.params["used_ratio"])) < 0.95
    await client.config_set("maxmemory", 0)
    assert await epoch.used_ratio(client) is None
    await client.aclose()
