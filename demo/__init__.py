"""Processes of `make demo` and scenario tests (embedded Valkey, sandbox, bot); nothing of what they do inside."""
