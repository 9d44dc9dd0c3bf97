"""Kill this process at a named point, to prove what survives it. Only ever with loopback endpoints (bot/config.py)."""

import os
import signal

from lumen.ports.faults import FaultPoint, no_fault


def fault_point(at: str) -> FaultPoint:
    """`at` is empty (production) or the name of the point at which the process kills itself, without any goodbye."""
    if not at:
        return no_fault

    def fall(name: str) -> None:
        if name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return fall
