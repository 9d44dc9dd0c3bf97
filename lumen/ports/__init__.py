"""Protocols of the world outside: adapters implement them, and use cases never see an adapter."""
