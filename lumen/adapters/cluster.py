"""The client of a Redis or Valkey cluster."""

from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import SSLConnection, parse_url

from lumen.model.cluster_url import urls_of_nodes

PORT = 6379


def open_cluster(url: str, **options: Any) -> RedisCluster:
    """A client that connects when it is first used. `options`: those of the client. Raises ValueError."""
    nodes: list[dict[str, Any]] = [dict(parse_url(each)) for each in urls_of_nodes(url)]
    told = {name: value for name, value in nodes[0].items() if name not in ("host", "port", "db")}
    if told.pop("connection_class", None) is SSLConnection:
        told["ssl"] = True
    begin = [ClusterNode(one["host"], one.get("port", PORT)) for one in nodes]
    return RedisCluster(startup_nodes=begin, **{**told, **options})
