"""Starts what `make demo` and the scenario tests need: an embedded Valkey, the sandbox, the bot. Nothing else."""
