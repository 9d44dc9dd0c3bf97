"""The Redis or Valkey cache that Lumen tunes: its figures, its keys, its memory and the TTL setting in it."""
