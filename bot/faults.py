"""Fault points, at which a test kills or stops this process; only ever set with loopback endpoints (bot/config.py)."""

import os
import signal
from collections import Counter

from lumen.ports.clock import FaultPoint, no_fault


def fault_point(at: str) -> FaultPoint:
    """`at` is empty (production), or a point (`execute.waiting`), or its n-th passing (`store.advance.after:2`).

    There the process kills itself, without any goodbye; with a third part, `execute.applying:1:stop`, it only stops
    (SIGSTOP), until somebody sends it SIGCONT.
    """
    if not at:
        return no_fault
    point, wanted, deed, *_ = (*at.split(":"), "", "")
    fatal = int(wanted or "1")
    sent = signal.SIGSTOP if deed == "stop" else signal.SIGKILL
    passed: Counter[str] = Counter()

    def fall(name: str) -> None:
        passed[name] += 1
        if name == point and passed[name] == fatal:
            os.kill(os.getpid(), sent)

    return fall
