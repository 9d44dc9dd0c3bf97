"""`make demo`: an embedded Valkey, the sandbox and the unmodified bot, started as processes."""
