"""The lines that ION logs of its failed requests: traces of a bad release, time-outs of anything else.

They carry what real ones carry and nobody should see: tokens, addresses, ids.
"""

import base64
from collections.abc import Mapping
from random import Random
from uuid import UUID

from sandbox.google.logs import DEFAULT, ERROR, Logs
from sandbox.ion.behaviour import Behaviour

MINUTE = 60.0
_TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/app/ion/mentoring/answers.py", line 118, in answer\n'
    "    profile = student['mentor_profile']\n"
    "KeyError: 'mentor_profile'"
)


class ErrorLog:
    """Writes an entry for each failed request of a revision."""

    def __init__(self, logs: Logs, random: Random) -> None:
        self._logs = logs
        self._random = random

    def failed(self, count: int, minute: int, labels: Mapping[str, str], behaviour: Behaviour) -> None:
        """So many requests failed in the minute."""
        for number in range(count):
            at = (minute + (number + self._random.random()) / count) * MINUTE
            is_release = self._random.random() < _share_of_release(behaviour)
            severity, said = self._of_release() if is_release else self._of_platform()
            self._logs.write(at, severity, labels, said)

    def _of_release(self) -> tuple[int, str | Mapping[str, str]]:
        draw = self._random.random()
        if draw < 0.6:
            return DEFAULT, _TRACE  # plain text of stderr has no severity
        if draw < 0.85:
            return ERROR, {
                "message": f"Vertex AI refused the call: 401, Authorization: Bearer ya29.{self._token(30)}",
                "logger": "ion.vertex",
            }
        return ERROR, f"ValidationError: no plan for student-{self._random.randrange(10**4)}@example.com ({self._id()})"

    def _of_platform(self) -> tuple[int, str]:
        return ERROR, f"DeadlineExceeded: 504 no answer of Vertex AI within 30 s for request {self._id()}"

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    def _token(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(size)).decode()


def _share_of_release(behaviour: Behaviour) -> float:
    """Of the failures of a revision that fails by itself: nearly all."""
    return 0.95 if behaviour.error_share else 0.0
