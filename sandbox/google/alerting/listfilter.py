"""List filters of policies and channels: `display_name = "x"`, `type = "email"`, `user_labels.team = "ion"`, AND."""

import re
from typing import Any

from sandbox.google.refusal import invalid_argument

_TERM = re.compile(r'^\s*(display_name|type|name|user_labels\.[\w-]+)\s*(=|!=|:)\s*"([^"]*)"\s*$')


def passes(text: str, message: Any) -> bool:
    """Whether a policy or channel passes. Raises Refusal for what is not read here."""
    return all(_term(term, message) for term in re.split(r"\s+AND\s+", text)) if text.strip() else True


def _term(term: str, message: Any) -> bool:
    match = _TERM.match(term)
    if match is None:
        raise invalid_argument(
            f"Field filter had an invalid value of {term!r}: the sandbox reads display_name, type, name and "
            'user_labels.…, compared with =, != or : to a "text", joined by AND.'
        )
    field, operator, wanted = match.groups()
    if field.startswith("user_labels."):
        found = message.user_labels.get(field.removeprefix("user_labels."), "")
    else:
        found = getattr(message, "type_" if field == "type" else field)
    if operator == ":":
        return wanted in found
    return bool((found == wanted) == (operator == "="))
