"""What the simulation needs beside the core, asked for before anything is imported."""

from importlib.util import find_spec

from lumen.model.errors import NotPossible
from lumen.model.message import message


def check_numerics() -> None:
    """Raises NotPossible where the extra `verify` is missing, with how to install it."""
    missing = [name for name in ("numpy", "scipy", "threadpoolctl") if find_spec(name) is None]
    if missing:
        raise NotPossible(
            message("verify.no_numerics", missing=", ".join(missing)), message("verify.no_numerics_remedy")
        )
