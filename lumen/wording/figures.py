"""How figures are written: one formatter a kind, which a template names as its format.

`{spent_usd:$}`, `{price_usd:price}`, `{share:%}`, `{allowed:count}`; a plus in front (`{added_usd:+$}`) shows the sign
of gains too. Everything else is formatted as Python does.
"""

import re
from collections.abc import Callable, Mapping

#: As long as a plus, and no hyphen.
MINUS = "\N{MINUS SIGN}"
#: From here on a percentage has no decimals.
_LARGE = 1000.0


def money(usd: float) -> str:
    """Dollars with cents: `$1,204.50`, `-$3.00` (`shown` makes the hyphen a minus)."""
    return f"{'-' if round(usd, 2) < 0 else ''}${abs(usd):,.2f}"


def price(usd: float) -> str:
    """What one of many costs, where cents are too coarse: `$0.00500`."""
    return f"${usd:.5f}"


def percent(share: float) -> str:
    """A ratio: `72.5%`, `80%`, `2,037%`. Finer close to none and to all, where the little that is left is the point."""
    shown = 100 * share
    if abs(shown) >= _LARGE:
        return f"{shown:,.0f}%"
    left = min(abs(shown), abs(100 - shown))
    digits = 1 if left >= 1 else 2 if left >= 0.1 else 3
    trimmed = f"{round(shown, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")
    return f"{trimmed}%"


def count(events: float) -> str:
    """Events, of which there may be a part: `43.2`; without decimals from a hundred on: `3,000`."""
    return f"{events:,.1f}" if abs(events) < 100 and events % 1 else f"{events:,.0f}"


def difference(one: float, other: float, digits: int = 2) -> float:
    """`one` less `other` as they are shown, so that whoever subtracts what stands there gets just this."""
    return round(round(one, digits) - round(other, digits), digits) + 0.0


_FORMATTERS: Mapping[str, Callable[[float], str]] = {"$": money, "%": percent, "price": price, "count": count}


def shown(value: str | int | float, spec: str) -> str:
    """`value` as a template's format says. Raises ValueError for a format that does not fit the value."""
    formatter = _FORMATTERS.get(spec.removeprefix("+"))
    if formatter is None:
        return format(value, spec) if isinstance(value, str) else _signed(format(value, spec), spec)
    if isinstance(value, str):
        raise ValueError(f"{value!r} is no figure for {spec!r}")
    return _signed(formatter(value), spec)


def _signed(told: str, spec: str) -> str:
    """With a minus for a hyphen, and a plus where `spec` wants one. What rounds to nothing is not negative."""
    if not re.search("[1-9]", told):
        told = told.removeprefix("-")
    if spec.startswith("+") and told[:1] not in ("+", "-"):
        told = f"+{told}"
    return told.replace("-", MINUS)
