"""The Lua scripts, each joined to common.lua. They are sent by digest, and in full only where it is not known yet."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Script:
    """`text` is Lua; `digest` is what EVALSHA knows it by."""

    name: str
    text: str
    digest: str


@cache
def script(name: str) -> Script:
    """`name`.lua with the common part before it."""
    return _load(name, _read("common") + _read(name))


@cache
def bare_script(name: str) -> Script:
    """`name`.lua alone."""
    return _load(name, _read(name))


def _read(name: str) -> str:
    return (_HERE / f"{name}.lua").read_text(encoding="utf-8")


def _load(name: str, text: str) -> Script:
    # Not a safeguard: the protocol names scripts by SHA-1.
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, digest)
