"""The behaviour of a revision: its errors and speed as a release changes them, and whether it starts at all."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Beside what every revision does. Errors are answered 500; slowness multiplies the latency."""

    error_share: float = 0.0
    slow_factor: float = 1.0
    start_failure: str = ""  # why it does not start; "" = it starts


GOOD = Behaviour()

NO_START = (
    "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment "
    "variable within the allocated timeout. This can happen when the container port is misconfigured or if the timeout "
    "is too short. The health check timeout can be extended. Logs for this revision might contain more information."
)


class Behaviours:
    """By container image, so that a revision behaves alike however it came to be made."""

    def __init__(self) -> None:
        self._by_image: dict[str, Behaviour] = {}
        self._releases = 0

    def next_number(self) -> int:
        """Numbers releases, so that every one has an image of its own."""
        self._releases += 1
        return self._releases

    def set(self, image: str, behaviour: Behaviour) -> None:
        self._by_image[image] = behaviour

    def of(self, image: str) -> Behaviour:
        return self._by_image.get(image, GOOD)
