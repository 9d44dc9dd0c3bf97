"""Kubernetes quantities, as Cloud Run writes limits: "512Mi", "1Gi", "2", "1000m"."""

_FACTORS = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "m": 10**-3,
}


def quantity(text: str) -> float:
    """The plain number: "512Mi" -> 536870912.0, "1000m" -> 1.0. Raises ValueError."""
    for suffix, factor in _FACTORS.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)
