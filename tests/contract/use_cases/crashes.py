"""A crash inside this process: what a kill -9 at a named point leaves behind, without the cost of a process."""

from lumen.ports.clock import FaultPoint


class Crash(BaseException):
    """Stands for kill -9: nothing after it runs, not even what catches exceptions."""


def crash_at(point: str) -> FaultPoint:
    """Falls at `point`, wherever it is passed first."""

    def fault(name: str) -> None:
        if name == point:
            raise Crash(name)

    return fault
