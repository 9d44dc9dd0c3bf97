"""What another TTL or another cache size would do, computed from accesses or from misses alone.

Pure: arrays in, figures out; no store, no clock, and dice only where a seed is given.
"""
