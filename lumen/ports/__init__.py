"""Protocols of the store, sources, actuators, pagers and clock: adapters implement them, use cases call them."""
