"""Adapters of the state store (Valkey or Redis): every transition is one script."""
