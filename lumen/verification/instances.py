"""Container instances: they follow the work, start cold, and linger for a while."""

from dataclasses import dataclass, replace

#: Seconds of answering that one instance gets done in a second (its concurrency), as far as it is planned to.
WORK_PER_INSTANCE = 4.0
#: Slices that an instance without work is kept.
KEEPS = 3
#: Requests that wait for each instance that starts.
WAIT_FOR_START = 2
VCPU_USD = 0.000024
GIB_USD = 0.0000025
GIB = 0.5
REQUEST_USD = 0.40 / 1_000_000


@dataclass(frozen=True, slots=True)
class Instances:
    """`running` instances, of which the work of the last slices needed `needed`."""

    running: int = 1
    idle_slices: int = 0

    def after(self, busy_seconds: float, slice_seconds: float, *, restarted: bool) -> tuple["Instances", int]:
        """The next slice, which has so much answering to do, and how many requests wait for a start in it."""
        needed = max(1, round(busy_seconds / slice_seconds / WORK_PER_INSTANCE + 0.5))
        started = needed if restarted else max(0, needed - self.running)
        if needed >= self.running:
            return Instances(needed, 0), started * WAIT_FOR_START
        idle = replace(self, idle_slices=self.idle_slices + 1)
        return (Instances(needed, 0) if idle.idle_slices > KEEPS else idle), started * WAIT_FOR_START


def slice_usd(busy_seconds: float, requests: int) -> float:
    """The bill of a slice, by requests and the time that instances are busy."""
    billable = busy_seconds / WORK_PER_INSTANCE
    return billable * (VCPU_USD + GIB * GIB_USD) + requests * REQUEST_USD
