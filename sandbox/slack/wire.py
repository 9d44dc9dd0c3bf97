"""The one name for what travels as JSON, and reading flags the way Slack reads them."""

from typing import Any

Json = dict[str, Any]


def as_flag(value: Any) -> bool:
    """Slack takes booleans as JSON, and as the words and digits that form encoding makes of them."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes"}
    return bool(value)
