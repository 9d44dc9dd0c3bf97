"""The names of the contract between Lumen and the service that it tunes (docs/ion-contract.md)."""

#: The setting: a hash with `value` (seconds) and `version` (grows with each change), announced on a channel of the
#: same name. `proposal` beside them is Lumen's own mark: which proposal wrote the present value.
CONFIG_KEY = "ion:config:cache_ttl_seconds"
CONFIG_CHANNEL = CONFIG_KEY
#: What the service uses: a hash with `value` and `version`, written by the service.
ACK_KEY = "ion:ack:cache_ttl_seconds"

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
