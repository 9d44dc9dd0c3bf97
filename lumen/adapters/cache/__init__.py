"""Adapters of the Redis or Valkey cache that Lumen tunes (TTL, memory, keys, figures); never Lumen's own store."""
