"""Seconds since the epoch ↔ google.protobuf.Timestamp."""

from datetime import UTC, datetime
from math import floor

from google.protobuf.timestamp_pb2 import Timestamp


def seconds_of(stamp: Timestamp) -> float:
    """0.0 where it is not set."""
    return stamp.seconds + stamp.nanos / 1e9


def put(stamp: Timestamp, seconds: float) -> None:
    """Write `seconds` into `stamp`."""
    stamp.seconds = floor(seconds)
    stamp.nanos = round((seconds - floor(seconds)) * 1e6) * 1000


def iso(seconds: float) -> str:
    """RFC 3339, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
