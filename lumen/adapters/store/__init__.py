"""Adapters of the state store (Valkey or Redis): every operation is one script, sent once (docs/guarantees.md).

Each protocol of `lumen/ports/store.py` has its file; `calls.py` is the only one that talks to the server, `keys.py`
the only one that names keys, `codec.py` the only one that knows how values are written. Nothing here decides what
should happen: the scripts check what they are told to expect, and change everything or nothing.
"""
