"""Adapters of the state store (Valkey or Redis): every operation is one script, sent once (docs/guarantees.md).

`scripts.py` alone names keys and talks to the server, `codec.py` alone knows how values are written. Nothing here
decides: the scripts check what they are told to expect, and change everything or nothing.
"""
