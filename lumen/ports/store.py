"""The state store: everything that must survive a crash, or that several replicas must agree on.

Every method may raise StoreUnavailable (nothing happened). A transition may also raise OutcomeUnknown: it was sent and
may have happened; `settle` tells later. Nothing here retries.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from lumen.model.audit import AuditEntry
from lumen.model.history import Day, DayOfCost
from lumen.model.messages import Message
from lumen.model.observed import Piece, Progress
from lumen.model.past_turn import PastTurns
from lumen.model.proposal import Decided, Decision, Draft, Measured, Proposal, State
from lumen.model.service import Chosen, Person, ServiceId
from lumen.model.turn import Turn


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one thing alone for a while. `token` only grows: scripts refuse an older one."""

    name: str
    token: int


class Leases(Protocol):
    """Leases with fencing tokens, timed by the store's own clock.

    Their durations are on the wall, whatever the Clock's scale: a lease guards against a process that died.
    """

    async def acquire(self, service: ServiceId, name: str, duration: timedelta) -> Lease | None:
        """Take the lease, or None while another holder's has not run out."""

    async def renew(self, service: ServiceId, lease: Lease, duration: timedelta) -> None:
        """Hold it longer. Raises LeaseLost."""

    async def release(self, service: ServiceId, lease: Lease) -> None:
        """Give it back; quiet when it is already lost."""


class Slots(Protocol):
    """Each slot of a schedule (an hour's turn, a day's digest) is taken once, across replicas and restarts."""

    async def claim(
        self, service: ServiceId, schedule: str, slot: datetime, duration: timedelta, newest: datetime | None = None
    ) -> Lease | None:
        """Claim a slot that is neither done nor being worked on, newer than the last one done.

        `newest`: the newest slot that can have come; a later one that is done was taken by a clock that was ahead, and
        holds up nothing.
        """

    async def done(self, service: ServiceId, schedule: str, slot: datetime, lease: Lease) -> None:
        """Mark it done for ever. Raises LeaseLost."""

    async def last_done(self, service: ServiceId, schedule: str) -> datetime | None:
        """The newest slot that is done."""


class Taken(StrEnum):
    """The answer to whoever would act on a message: OK acts, DONE need not, HELD is too early to tell."""

    OK = "OK"
    DONE = "DONE"
    HELD = "HELD"


class Inbox(Protocol):
    """Messages from outside that come at least once, in any order, at any replica; each is acted on once.

    Kept beside the first service that is watched; durations are on the wall.
    """

    async def take(self, home: ServiceId, message_id: str, duration: timedelta) -> Taken:
        """Take a message for so long, unless it is done or somebody else has it."""

    async def done(self, home: ServiceId, message_id: str, remember: timedelta) -> None:
        """It was acted on."""

    async def give_back(self, home: ServiceId, message_id: str) -> None:
        """It was not, and may come again."""


class Proposals(Protocol):
    """Proposals and their transitions. Each transition is atomic with its audit entry and its outbox mark."""

    async def propose(self, draft: Draft, expires_in: timedelta, acts_in: timedelta | None = None) -> Proposal:
        """Store a new PENDING proposal; an older PENDING one for the same knob becomes SUPERSEDED in the same step.

        With `acts_in` it is a countdown: from then on (and before it expires) Choice.TIMER may decide.

        The same `draft.request_id` again returns the proposal that it made. Raises NotPossible while a proposal of
        the same knob is approved or being applied, or is the countdown of an incident that `draft` is not about.
        """

    async def arm(self, proposal_id: str, draft: Draft, expires_in: timedelta, acts_in: timedelta) -> Proposal:
        """Make a PENDING proposal a countdown, with `draft` instead of its own; one that is one already stays.

        Raises NotPossible where it is decided on or overdue.
        """

    async def get(self, service: ServiceId, proposal_id: str) -> Proposal | None:
        """One proposal, or None."""

    async def recent(self, service: ServiceId, limit: int) -> Sequence[Proposal]:
        """The newest first, open and closed."""

    async def unfinished(self, service: ServiceId) -> Sequence[Proposal]:
        """All that are PENDING, APPROVED, APPROVED_BY_TIMER or APPLYING, oldest first."""

    async def countdowns_due(self, service: ServiceId) -> Sequence[Proposal]:
        """All PENDING countdowns whose time has come by the store's clock: Choice.TIMER or WITHDRAW is due."""

    async def decide(
        self,
        service: ServiceId,
        proposal_id: str,
        decision: Decision,
        lease: Lease | None = None,
        reply_to: str = "",
        mark: str = "",
    ) -> Decided:
        """The one atomic transition on which people, timers and replicas race.

        `reply_to`: whom its answer is owed to, as the edge writes it; stored in the same step (lumen/ports/store.py).
        `mark`: the one on the card that was clicked; "" where the proposal itself was read.

        The same click id again gets the same answer. Past its deadline a proposal can only become EXPIRED, whatever
        was clicked. Raises NotPossible (unknown id, another mark, a timer or expiry before its time, a click settled as
        never arrived), LeaseLost when a `lease` is given (by timers) and is not the newest.
        """

    async def snooze(
        self,
        service: ServiceId,
        proposal_id: str,
        person: Person,
        click_id: str,
        by: timedelta,
        reply_to: str = "",
        mark: str = "",
        seen: str = "",
    ) -> Decided:
        """Put a countdown off by `by`. Not a decision. Raises NotPossible (no countdown).

        `seen`: the moment (ISO 8601) that the person wants put off, "" for the present one; where it was put off since,
        nothing is done, so two at once and a double tap count once.
        """

    async def settle(self, service: ServiceId, click_id: str) -> Decided | None:
        """The outcome of a decision, vote or snooze whose answer was lost; None: it never arrived, and never will."""

    async def expire_due(self, service: ServiceId) -> Sequence[Proposal]:
        """Expire every PENDING proposal whose time is over by the store's clock."""

    async def advance(
        self,
        service: ServiceId,
        proposal_id: str,
        lease: Lease,
        state: State,
        note: Message | None,
        measured: Measured | None = None,
    ) -> Proposal:
        """Move an approved proposal on (execution, then the verdict on it) or only renew its note.

        `measured` is stored in the same step; without it what was measured before stays.

        Raises LeaseLost when `lease` is not the newest, NotPossible when the state does not allow the step.
        """

    async def replace(
        self, proposal_id: str, lease: Lease, note: Message, fresh: Draft, expires_in: timedelta
    ) -> Proposal:
        """Abandon an approved proposal and store `fresh` for the same knob, in one step: a crash forgets neither.

        Returns the fresh one; again the same one when repeated. Raises LeaseLost, NotPossible as `advance` does.
        """


@dataclass(frozen=True, slots=True)
class Surface:
    """A message in Slack that must converge to what is stored; handlers/render.py lists the kinds.

    `mark`: of a proposal, which tells its message from that of another one with the same id; "" where it has none.
    """

    service: ServiceId
    kind: str
    key: str
    mark: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Dirty:
    """A surface whose message is older than what is stored. `channel` and `ts` are empty before the first post."""

    surface: Surface
    version: int
    channel: str
    ts: str


class Outbox(Protocol):
    """The surfaces that are behind. At least once; a surface is one message however often it is marked."""

    async def mark(self, surface: Surface, *, once: bool = False) -> bool:
        """Something that it shows has changed. `once`: only where it was never marked; whether it is now."""

    async def dirty(self, service: ServiceId) -> Sequence[Dirty]:
        """All that are behind, the longest waiting first."""

    async def shown(self, dirty: Dirty, channel: str, ts: str) -> None:
        """The message now shows `dirty.version`; it stays dirty if it was marked again meanwhile."""

    async def where(self, surface: Surface) -> tuple[str, str] | None:
        """Channel and ts of its message; None before it was posted, or where `surface.mark` is another proposal's."""


class Turns(Protocol):
    """The history of turns, capped."""

    async def save(self, turn: Turn, lease: Lease | None, report_surface: str) -> None:
        """Remember it and mark the report surface; under the claim of its slot, that is done too. Raises LeaseLost."""

    async def latest(self, service: ServiceId, limit: int) -> Sequence[Turn]:
        """The newest first."""

    async def past(self, service: ServiceId, limit: int) -> PastTurns:
        """What a turn needs of the newest ones."""

    async def report_surface(self, service: ServiceId) -> str | None:
        """The key of the surface that the last turn was shown on."""


class Audit(Protocol):
    """The record of events. Transitions write their own entries; this adds those that change no proposal."""

    async def add(
        self, service: ServiceId, event: str, actor: str, detail: str, proposal_id: str = "", data: str = ""
    ) -> None:
        """For refusals, premises and the like; `data` is JSON or empty."""

    async def entries(self, service: ServiceId, limit: int, before: str = "") -> Sequence[AuditEntry]:
        """The newest first; `before`: only those older than the entry of this id."""

    async def entry(self, service: ServiceId, entry_id: str) -> AuditEntry | None:
        """One of them; None where it was trimmed."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A run of the audit that cannot be changed unnoticed: `sha256` is over `previous` and all of its lines.

    `number` counts from 1; ids are those of the first and last entry; `sealed_at` is service time. `marks` finds the
    line that was changed: the first 8 hexadecimal digits of each line's SHA-256, one after the other.
    """

    number: int
    first_id: str
    last_id: str
    entries: int
    previous: str
    sha256: str
    sealed_at: datetime
    marks: str = ""


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The result of `verify`. `broken` says what does not agree and where; None when everything does.

    `head` is the digest of the newest seal ("" before the first): whoever keeps it can prove later what stood here.
    `line`: where in a file that is, from 1; None in the store.
    """

    head: str
    seals: int
    sealed_entries: int
    unsealed_entries: int
    broken: Message | None
    line: int | None = None


class AuditSeals(Protocol):
    """Seals the audit, proves it, hands it out, and trims what is sealed, exported and old."""

    async def seal(self, service: ServiceId, lease: Lease) -> Seal | None:
        """Seal what is new, in batches; the newest seal, or None before the first. Raises LeaseLost."""

    async def head(self, service: ServiceId) -> Seal | None:
        """The newest seal."""

    async def knows(self, service: ServiceId, sha256: str) -> bool:
        """Whether a seal with this digest stands in the chain, or is the last one that was trimmed."""

    async def verify(self, service: ServiceId) -> AuditCheck:
        """Compute every digest again."""

    def export(self, service: ServiceId, after: int) -> AsyncIterator[str]:
        """JSON lines of all that is sealed after seal number `after`: entries, each run closed by its seal."""

    async def exported(self, service: ServiceId, number: int) -> None:
        """Remember that everything up to this seal is safe elsewhere."""

    async def last_exported(self, service: ServiceId) -> int:
        """The number given to `exported`; 0 before the first export."""

    async def trim(self, service: ServiceId, keep: timedelta) -> int:
        """Drop entries that are sealed, exported and older than `keep` (by the store's clock); how many."""


class Choices(Protocol):
    """Kept beside the first service that is watched. Both may raise StoreUnavailable, `put` OutcomeUnknown too."""

    async def of(self, home: ServiceId, channel: str) -> Chosen | None:
        """The service chosen for `channel`."""

    async def put(self, home: ServiceId, channel: str, chosen: Chosen) -> None:
        """Remember it instead of what was chosen before; audited, and told in a line."""

    async def end(self, home: ServiceId, channel: str, person: Person, line: str) -> bool:
        """Whether what `line` tells of was chosen still, and is not any more; audited."""


class Days(Protocol):
    """Sums by UTC day, kept for a hundred days. `Alerts.look` adds each slice to them in the step that stores it."""

    async def days(self, service: ServiceId, since: date) -> Sequence[Day]:
        """Those from `since` on, ascending. A day without a look is absent; the newest one is not over yet.

        Raises StoreUnavailable.
        """

    async def days_of(self, services: Sequence[ServiceId], since: date) -> Mapping[ServiceId, Sequence[Day]]:
        """Of each; some at once. Raises StoreUnavailable."""

    async def costs_of(self, services: Sequence[ServiceId]) -> Mapping[ServiceId, Sequence[DayOfCost]]:
        """What the kept days of each cost. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class PendingReply:
    """`to` is what the edge wrote to find the person again; `age` is on the wall.

    `says`: the answer itself; empty where what became of the click tells it.
    """

    click_id: str
    to: str
    age: timedelta
    says: tuple[Message, ...] = ()


class PendingReplies(Protocol):
    """Stored by the same step as the decision (`Proposals.decide`, `reply_to`), or before Slack hears that the click
    has arrived, so a crash forgets none."""

    async def owe(self, service: ServiceId, click_id: str, to: str, says: Sequence[Message]) -> None:
        """Keep an answer that no decision has stored. `says`: see `PendingReply`."""

    async def older_than(self, service: ServiceId, age: timedelta) -> Sequence[PendingReply]:
        """Those whose process has had so long to give them, and may be gone."""

    async def given(self, service: ServiceId, click_id: str) -> None:
        """The person was told, or it helps nobody any more."""


class AccessDays(Protocol):
    """Accesses by UTC day, at most ten days of each service."""

    async def progress(self, service: ServiceId) -> Progress:
        """The progress of reading the stream."""

    async def put(
        self, service: ServiceId, lease: Lease, hour: int, pieces: Sequence[Piece], progress: Progress
    ) -> None:
        """Add pieces to their days, with the progress in one step, so that none is added twice; the days before the
        first that it names are forgotten. `hour`: in which they came. Raises LeaseLost.
        """

    async def day(self, service: ServiceId, day: date) -> Piece:
        """All that is kept of a day; empty where nothing is."""
