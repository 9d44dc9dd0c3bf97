"""URLs of clusters: `redis+cluster://host:port,host:port` names nodes to begin with; `rediss+cluster://` is TLS."""

import re
from collections.abc import Sequence

_URL = re.compile(r"(rediss?)\+cluster://((?:[^@/]*@)?)([^@/?#]+)/?0?(\?[^#]*)?")


def is_cluster(url: str) -> bool:
    """Whether the URL says that its server is a cluster."""
    return url.partition("://")[0].endswith("+cluster")


def urls_of_nodes(url: str) -> Sequence[str]:
    """The same for each node that is named, as the URL of one server. Raises ValueError."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("give redis+cluster://host:port,host:port or rediss+cluster://host:port")
    return [f"{found[1]}://{found[2]}{node}/0{found[4] or ''}" for node in found[3].split(",")]
