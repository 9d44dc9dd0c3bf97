"""Frozen values that the whole of Lumen speaks in; imports nothing but the standard library.

Ratios are 0-1, money is USD, times are seconds (`_seconds`) or milliseconds (`_ms`), sizes are MB of 2**20 bytes,
instants are timezone-aware UTC.
"""
