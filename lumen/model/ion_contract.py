"""The names of the contract between Lumen and the service that it tunes (docs/ion-contract.md)."""

#: The setting: a hash with `value` (seconds) and `version` (grows with each change), announced on a channel of the
#: same name. `proposal` beside them is Lumen's own mark: which proposal wrote the present value. Services of version 1
#: share it; those of version 2 read their own first, which bears their name at its end.
CONFIG_KEY = "ion:config:cache_ttl_seconds"
#: What the service uses: a hash with `value` and `version`, written by the service; in version 2 under its own name.
ACK_KEY = "ion:ack:cache_ttl_seconds"
#: The stream of accesses that a service of version 2 reports, under its own name.
ACCESSES_KEY = "ion:accesses"

#: The version of the contract in which a service reports its accesses and holds keys back.
VERSION_2 = 2


def own(key: str, service_name: str) -> str:
    """The key of one service alone."""
    return f"{key}:{service_name}"


def is_reached_by(prefix: str) -> bool:
    """Whether keys of the contract may begin with `prefix`."""
    return any(key.startswith(prefix) or prefix.startswith(f"{key}:") for key in (CONFIG_KEY, ACK_KEY, ACCESSES_KEY))


def is_part(key: str) -> bool:
    """Whether `key` is one of the contract's."""
    return any(key == part or key.startswith(f"{part}:") for part in (CONFIG_KEY, ACK_KEY, ACCESSES_KEY))


#: A value outside this range counts as none: the service falls back to its environment.
MIN_TTL_SECONDS = 60
MAX_TTL_SECONDS = 3600

#: Where the setting falls back to: this variable of the service's environment.
ENV_VARIABLE = "DEFAULT_TTL_SECONDS"
#: The version of a setting that nobody has written yet.
NO_VERSION = 0

#: The entries of the service's in-process cache: this variable of its environment, and what holds without it.
L1_VARIABLE = "L1_CACHE_MAX_ENTRIES"
L1_DEFAULT_ENTRIES = 1000
