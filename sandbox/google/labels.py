"""Labels of resources: what Google takes as their names and values."""

import re
from collections.abc import Mapping

from sandbox.google.refusal import invalid_argument

MOST_LABELS = 64
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def check_labels(labels: Mapping[str, str], where: str) -> None:
    """Raises Refusal."""
    if len(labels) > MOST_LABELS:
        raise invalid_argument(f"Field {where} had an invalid value: at most {MOST_LABELS} labels.")
    for name, value in labels.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise invalid_argument(
                f"Field {where} had an invalid value of '{name}': '{value}': keys begin with a small letter; keys and "
                "values have at most 63 small letters, digits, _ and -."
            )
