"""Frozen values that all of Lumen speaks in: measurements, assessments, proposals, alerts, messages. No I/O, no policy.

Imports nothing but the standard library. Ratios are 0-1, money is USD, times are seconds (`_seconds`) or milliseconds
(`_ms`), sizes are MB of 2**20 bytes, instants are timezone-aware UTC.
"""
