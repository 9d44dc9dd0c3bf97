"""The one numerics worker (docs/adr/0008-numerics.md).

It is a spawned process (fork breaks gRPC) at the lowest priority, replaced every so often.
"""

import asyncio
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
#: Measured: an un-niced worker raises the p99 of loopback answers 14 times.
NICENESS = 19
#: Numerics libraries keep what they allocated; a fresh process gives it back.
CALLS_BEFORE_RECYCLING = 200
#: Many small matrices: threads only take the cores from the loop that answers people (docs/adr/0008).
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: Packages that estimate the effect of a change: the extra `numerics`.
STATISTICS = ("numpy", "scipy")


def missing_statistics() -> Sequence[str]:
    """Names of the packages that are not installed; nothing is imported."""
    return [name for name in STATISTICS if find_spec(name) is None]


def _end_with(parent_sentinel: int) -> None:
    multiprocessing.connection.wait([parent_sentinel])
    os._exit(0)


def _prepare_worker() -> None:
    """Give way to everybody, and do not outlive a bot that was killed."""
    os.nice(NICENESS)
    for name in ONE_THREAD:
        os.putenv(name, "1")  # the libraries ask C for it, when they are first imported: after this
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


class ProcessNumerics:
    """`lumen.ports.clock.Numerics` over one process, started at the first call."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's value, or what it raised. A worker that died is replaced and the call made once more."""
        call = partial(function, *args, **kwargs)
        loop, pool = asyncio.get_running_loop(), self._ready()
        try:
            return await loop.run_in_executor(pool, call)
        except BrokenProcessPool:
            if self._pool is not pool:
                raise  # it was ended, and did not die
            self.close()
            return await loop.run_in_executor(self._ready(), call)

    def close(self) -> None:
        """End the worker, whatever it computes: the interpreter would wait for that at its own end."""
        if self._pool is not None:
            workers = tuple((self._pool._processes or {}).values())  # no public name before Python 3.14
            self._pool.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.kill()
            self._pool = None

    def _ready(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_prepare_worker,
                max_tasks_per_child=CALLS_BEFORE_RECYCLING,
            )
        return self._pool
