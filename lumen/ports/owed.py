"""Answers to clicks that have decided and whose people have not been told yet.

Every method may raise StoreUnavailable, those that change something OutcomeUnknown too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from lumen.model.service import ServiceId


@dataclass(frozen=True, slots=True)
class Owed:
    """`to` is what the edge wrote to find the person again; `age` is on the wall."""

    click_id: str
    to: str
    age: timedelta


class OwedAnswers(Protocol):
    """Stored by the same step as the decision (`Proposals.decide`, `owed_to`), so a crash forgets none."""

    async def older_than(self, service: ServiceId, age: timedelta) -> Sequence[Owed]:
        """Those whose process has had so long to give them, and may be gone."""

    async def given(self, service: ServiceId, click_id: str) -> None:
        """The person was told, or it helps nobody any more."""
