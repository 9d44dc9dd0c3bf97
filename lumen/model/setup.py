"""Resources of Google Cloud that `lumen setup` keeps: as they are wanted, as they stand, and what is done about it.

A body is the API's own JSON (camelCase), as `gcloud` and the API's documentation write it. A text "${kind.key}" in
it stands for the full name of another resource, which Google may have yet to choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lumen.model.messages import LumenError, Message

Body = Mapping[str, Any]


class Kind(StrEnum):
    """In the order in which they are made; they are deleted in the opposite one."""

    METRIC = "metric"
    ROLE = "role"
    #: A role that Lumen's own account has in a project.
    ACCESS = "access"
    TOPIC = "topic"
    SUBSCRIPTION = "subscription"
    GRANT = "grant"
    CHANNEL = "channel"
    JOB = "job"
    DASHBOARD = "dashboard"
    UPTIME_CHECK = "uptime_check"
    POLICY = "policy"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name`: the full one, "" where Google chooses it. `needs`: addresses of what must be there before it."""

    kind: Kind
    key: str
    title: str
    body: Body
    name: str = ""
    needs: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return f"{self.kind}.{self.key}"


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as it stands, without Lumen's mark in its body.

    `key`: whose it is, as the mark says it; "" where somebody else made it. `applied`: the fingerprint of what Lumen
    gave it last, "" where none is kept. `ownerless`: Google made it by itself, so it may be taken over.
    """

    kind: Kind
    name: str
    title: str
    body: Body
    key: str = ""
    applied: str = ""
    etag: str = ""
    ownerless: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in a body; None where there is nothing."""

    path: str
    old: Any
    new: Any


class Action(StrEnum):
    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    #: It differs, or is in the way, and stays as somebody else has made it.
    KEEP = "keep"
    #: What stands there could not be read.
    UNKNOWN = "unknown"


#: There is something to do, or something that people should know.
DIFFERS = frozenset(Action) - {Action.NOTHING}


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one resource. `notes` say why it stays, or cannot be read."""

    action: Action
    kind: Kind
    title: str
    wanted: Wanted | None = None
    found: Found | None = None
    changes: tuple[Difference, ...] = ()
    notes: tuple[Message, ...] = ()

    @property
    def address(self) -> str:
        key = self.wanted.key if self.wanted else self.found.key if self.found else ""
        return f"{self.kind}.{key}" if key else self.kind.value


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A resource that the settings do not ask for, and the setting that would."""

    kind: Kind
    title: str
    why: Message


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...] = ()

    def count(self, action: Action) -> int:
        return sum(step.action is action for step in self.steps)

    @property
    def differs(self) -> bool:
        return any(step.action in DIFFERS for step in self.steps)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: done, or the error. `waits_for`: what failed before it, so that it was not tried."""

    step: Step
    error: LumenError | None = None
    waits_for: Sequence[str] = ()

    @property
    def done(self) -> bool:
        return self.error is None and not self.waits_for
