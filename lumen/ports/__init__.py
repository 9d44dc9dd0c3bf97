"""Protocols of the store, sources, actuators, pagers and clock. They keep use cases apart from adapters.

Adapters implement them, use cases call them, and tests hold every implementation to one contract.
"""
