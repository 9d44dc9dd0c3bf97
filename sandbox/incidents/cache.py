"""The cache in trouble: squeezed, down, emptied; and Vertex behind it."""

from sandbox.incidents.stage import End, Kind, Parameter, Parameters, Stage


async def _degraded(stage: Stage, parameters: Parameters) -> End:
    """Other data fills the instance, so that answers are evicted before they are asked for again."""
    await stage.world.cache.squeeze(float(parameters["memory_share"]))

    async def end() -> None:
        await stage.world.cache.release()

    return end


async def _down(stage: Stage, _parameters: Parameters) -> End:
    """Nobody gets a connection: ION and everybody else who uses the server."""
    await stage.world.cache.refuse_clients()

    async def end() -> None:
        await stage.world.cache.admit_clients()

    return end


async def _empty(stage: Stage, _parameters: Parameters) -> End:
    """A failover to an empty replica: answers and settings are gone."""
    await stage.world.cache.redis.flushall()

    async def end() -> None:
        return None

    return end


async def _vertex(stage: Stage, parameters: Parameters) -> End:
    traffic = stage.world.traffic
    traffic.vertex_slow_factor = float(parameters["slow_factor"])
    traffic.vertex_error_share = float(parameters["error_share"])

    async def end() -> None:
        traffic.vertex_slow_factor, traffic.vertex_error_share = 1.0, 0.0

    return end


KINDS = (
    Kind(
        "cache_degraded",
        "other data fills the cache, answers are evicted early",
        "cache",
        _degraded,
        (Parameter("memory_share", 0.995, "of the limit that other data takes, 0-1"),),
    ),
    Kind("redis_down", "the cache refuses every connection", "cache", _down),
    Kind("redis_empty", "the cache lost everything, settings included", "cache", _empty),
    Kind(
        "vertex_trouble",
        "Vertex answers slowly and fails at times: every miss hurts",
        "latency",
        _vertex,
        (Parameter("slow_factor", 5.0, "times as long"), Parameter("error_share", 0.0, "of the misses, 0-1")),
    ),
)
