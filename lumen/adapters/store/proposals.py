"""Proposals, their transitions, and the states that each may be reached from (docs/states.md, docs/adr/0003).

The order of a stored proposal's fields is that of FIELDS in common.lua.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from lumen.adapters.store.codec import decode, encode
from lumen.adapters.store.connection import StoreClient
from lumen.adapters.store.leases import lease_lost, milliseconds
from lumen.adapters.store.scripts import Calls, Reply, click_key, pages, request_key
from lumen.model.messages import Message, NotPossible, with_remedy
from lumen.model.proposal import (
    APPROVED,
    CHANGED_SOMETHING,
    OPEN,
    UNMARKED,
    Choice,
    Decided,
    Decision,
    Draft,
    Measured,
    Proposal,
    State,
)
from lumen.model.service import Person, ServiceId
from lumen.ports.clock import Clock, FaultPoint, no_fault
from lumen.ports.store import Lease

Row = Sequence[str | None]


def proposal_from(proposal_id: str, row: Row) -> Proposal:
    """Raises ValueError for a row that is no proposal."""
    draft, state, created_at, expires_at, acts_at, decision, decided_at, note, finished_at, version, *later = row
    votes, measured, mark, snoozes, shown_in = later
    if draft is None or state is None or created_at is None or expires_at is None:
        raise ValueError(f"{proposal_id} is not stored whole")
    return Proposal(
        id=proposal_id,
        draft=decode(Draft, draft),
        state=State(state),
        created_at=datetime.fromisoformat(created_at),
        expires_at=datetime.fromisoformat(expires_at),
        decision=decode(Decision, decision) if decision else None,
        decided_at=datetime.fromisoformat(decided_at) if decided_at else None,
        note=decode(Message, note) if note else None,
        finished_at=datetime.fromisoformat(finished_at) if finished_at else None,
        version=int(version or 0),
        acts_at=datetime.fromisoformat(acts_at) if acts_at else None,
        votes=tuple(decode(Person, line) for line in (votes or "").split("\n") if line),
        measured=decode(Measured, measured) if measured else None,
        mark=mark or UNMARKED,
        snoozes=tuple(decode(Person, line) for line in (snoozes or "").split("\n") if line),
        shown_in=shown_in or "",
    )


def proposals_from(listed: Sequence[str | Row]) -> Iterator[Proposal]:
    """From id, row, id, row …"""
    for at in range(0, len(listed), 2):
        yield proposal_from(str(listed[at]), listed[at + 1])


#: By the state to reach: where it may be reached from. The state itself stands there where a note may be renewed.
COMES_FROM: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.APPROVED: frozenset({State.APPROVED}),
        State.APPROVED_BY_TIMER: frozenset({State.APPROVED_BY_TIMER}),
        State.APPLYING: APPROVED | {State.APPLYING},
        State.APPLIED: frozenset({State.APPLYING, State.APPLIED, State.UNDONE}),
        State.FAILED: APPROVED | {State.APPLYING, State.FAILED},
        State.ABANDONED: APPROVED | {State.APPLYING, State.ABANDONED},
        # From UNDONE: what took it back was itself taken back, so it stands again.
        State.KEPT: frozenset({State.APPLIED, State.KEPT, State.UNDONE}),
        State.INCONCLUSIVE: frozenset({State.APPLIED, State.INCONCLUSIVE, State.UNDONE}),
        State.HARMFUL: frozenset({State.APPLIED, State.HARMFUL, State.UNDONE}),
        State.UNDONE: CHANGED_SOMETHING,
    }
)

#: How long a click or a request is known again. A command cannot arrive later than a few seconds (calls.py), so this
#: only has to cover how late Slack or a person asks again.
REMEMBER = timedelta(days=7)
#: Proposals per service; older closed ones give way, and the audit still tells of them.
KEEP = 2000
EXPIRE_BATCH = 100
_EXPIRY = encode(Decision(Choice.EXPIRE, None, "expiry"))
_LUMEN = "lumen"
#: What the audit calls a countdown that nobody stopped.
_TIMER = "timer"


class RedisProposals:
    """`lumen.ports.store.Proposals`.

    Deadlines are enforced by the store's clock; the times that people read are of `clock`, whose durations they are.
    """

    def __init__(self, redis: StoreClient, clock: Clock, fault: FaultPoint = no_fault, keep: int = KEEP) -> None:
        self._calls = Calls(redis)
        self._clock = clock
        self._fault = fault
        self._keep = keep

    async def propose(self, draft: Draft, expires_in: timedelta, acts_in: timedelta | None = None) -> Proposal:
        self._fault("store.propose.before")
        reply = await self._calls.change(
            "propose",
            draft.service,
            *self._creation(draft, expires_in, acts_in),
            encode(Decision(Choice.SUPERSEDE, draft.asked_by, f"request:{draft.request_id}")),
            _EXPIRY,
            dedupe=request_key(draft.service, draft.request_id),
        )
        self._fault("store.propose.after")
        _check_unlocked(reply, draft)
        return proposal_from(reply.values[0], reply.values[1])

    async def arm(self, proposal_id: str, draft: Draft, expires_in: timedelta, acts_in: timedelta) -> Proposal:
        now = self._clock.now()
        reply = await self._calls.change(
            "arm",
            draft.service,
            proposal_id,
            encode(draft),
            now.isoformat(),
            (now + expires_in).isoformat(),
            self._wall_ms(expires_in),
            (now + acts_in).isoformat(),
            self._wall_ms(acts_in),
            draft.incident,
            _LUMEN,
        )
        _check_step(reply, proposal_id, State.PENDING)
        return proposal_from(proposal_id, reply.values[0])

    async def get(self, service: ServiceId, proposal_id: str) -> Proposal | None:
        found = await self._list(service, "one", proposal_id)
        return found[0] if found else None

    async def recent(self, service: ServiceId, limit: int) -> list[Proposal]:
        found: list[Proposal] = []
        for size in pages(limit):
            before = f"({found[-1].id[1:]}" if found else "+inf"
            page = await self._list(service, "recent", size, before)
            found += page
            if len(page) < size:
                break
        return found

    async def unfinished(self, service: ServiceId) -> list[Proposal]:
        return await self._list(service, "unfinished", "")

    async def countdowns_due(self, service: ServiceId) -> list[Proposal]:
        return await self._list(service, "countdowns", "")

    async def decide(
        self,
        service: ServiceId,
        proposal_id: str,
        decision: Decision,
        lease: Lease | None = None,
        reply_to: str = "",
        mark: str = "",
    ) -> Decided:
        self._fault("store.decide.before")
        reply = await self._calls.change(
            "decide",
            service,
            proposal_id,
            decision.choice.value,
            encode(decision),
            self._now(),
            _TIMER if decision.choice is Choice.TIMER else _actor(decision.person),
            _EXPIRY,
            milliseconds(REMEMBER),
            lease.name if lease else "",
            lease.token if lease else "",
            decision.person.user_id if decision.person else "",
            encode(decision.person) if decision.person else "",
            decision.click_id,
            reply_to,
            mark,
            dedupe=click_key(service, decision.click_id),
        )
        self._fault("store.decide.after")
        if reply.status == "NOT_YET":
            raise NotPossible(*with_remedy("state.not_yet", proposal_id=proposal_id))
        if reply.status == "LEASE_LOST":
            raise lease_lost(lease.name if lease else "")
        return _decided(reply, proposal_id)

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
        found = await self.get(service, proposal_id)
        now = self._clock.now()
        acts_at = found.acts_at if found else None
        later = max(now, acts_at or now) + by
        reply = await self._calls.change(
            "snooze",
            service,
            proposal_id,
            seen or (acts_at.isoformat() if acts_at else ""),
            later.isoformat(),
            self._wall_ms(by),
            now.isoformat(),
            _actor(person),
            encode(person),
            milliseconds(REMEMBER),
            _EXPIRY,
            click_id,
            reply_to,
            mark,
            dedupe=click_key(service, click_id),
        )
        if reply.status == "NO_COUNTDOWN":
            raise NotPossible(*with_remedy("state.no_countdown", proposal_id=proposal_id))
        return _decided(reply, proposal_id)

    async def settle(self, service: ServiceId, click_id: str) -> Decided | None:
        reply = await self._calls.change("settle", service, milliseconds(REMEMBER), dedupe=click_key(service, click_id))
        return None if reply.values[0] == "never" else _decided(reply, "")

    async def expire_due(self, service: ServiceId) -> list[Proposal]:
        expired: list[Proposal] = []
        # Looked for first: whoever is asked all the time, and sends a change each time, would never come to rest.
        while await self._list(service, "overdue", EXPIRE_BATCH):
            reply = await self._calls.change("expire", service, _EXPIRY, self._now(), EXPIRE_BATCH)
            expired += proposals_from(reply.values[0])
        return expired

    async def advance(
        self,
        service: ServiceId,
        proposal_id: str,
        lease: Lease,
        state: State,
        note: Message | None,
        measured: Measured | None = None,
    ) -> Proposal:
        self._fault("store.advance.before")
        reply = await self._calls.change(
            "advance",
            service,
            proposal_id,
            state.value,
            # A verdict is on what stands: one that comes too late brings back nothing that was taken back meanwhile.
            _comes_from(state, but=frozenset({State.UNDONE} if measured else ())),
            encode(note) if note else "",
            self._now(),
            _LUMEN,
            lease.name,
            lease.token,
            "" if state in OPEN else "1",
            encode(measured) if measured else "",
        )
        self._fault("store.advance.after")
        _check_step(reply, proposal_id, state, lease)
        return proposal_from(proposal_id, reply.values[0])

    async def replace(
        self, proposal_id: str, lease: Lease, note: Message, fresh: Draft, expires_in: timedelta
    ) -> Proposal:
        self._fault("store.replace.before")
        reply = await self._calls.change(
            "replace",
            fresh.service,
            *self._creation(fresh, expires_in, None),
            proposal_id,
            # Not one that is abandoned already: it has had its fresh one.
            _comes_from(State.ABANDONED, but=frozenset({State.ABANDONED})),
            encode(note),
            lease.name,
            lease.token,
            dedupe=request_key(fresh.service, fresh.request_id),
        )
        self._fault("store.replace.after")
        _check_step(reply, proposal_id, State.ABANDONED, lease)
        _check_unlocked(reply, fresh)
        return proposal_from(reply.values[0], reply.values[1])

    def _creation(self, draft: Draft, expires_in: timedelta, acts_in: timedelta | None) -> tuple[str | int, ...]:
        """The arguments of `create` in common.lua."""
        now = self._clock.now()
        return (
            encode(draft),
            draft.change.knob.value,
            now.isoformat(),
            (now + expires_in).isoformat(),
            self._wall_ms(expires_in),
            "" if acts_in is None else (now + acts_in).isoformat(),
            "" if acts_in is None else self._wall_ms(acts_in),
            draft.approvals_needed,
            _actor(draft.asked_by),
            milliseconds(REMEMBER),
            self._keep,
            draft.incident,
            secrets.token_hex(6),
        )

    async def _list(self, service: ServiceId, which: str, *arguments: str | int) -> list[Proposal]:
        reply = await self._calls.read("proposals", service, which, *arguments)
        return list(proposals_from(reply.values[0]))

    def _now(self) -> str:
        return self._clock.now().isoformat()

    def _wall_ms(self, duration: timedelta) -> int:
        """Service time as the store's clock counts it."""
        return milliseconds(duration / self._clock.scale)


def _actor(person: Person | None) -> str:
    return person.user_id if person else _LUMEN


def _unknown(proposal_id: str) -> NotPossible:
    return NotPossible(*with_remedy("state.unknown_proposal", proposal_id=proposal_id))


def _comes_from(state: State, *, but: frozenset[State] = frozenset()) -> str:
    """As advance.lua reads it: the names between commas. `but`: not from these."""
    return f",{','.join(sorted(COMES_FROM.get(state, frozenset()) - but))},"


def _check_unlocked(reply: Reply, draft: Draft) -> None:
    """Raises when another proposal of the same knob is in the way."""
    if reply.status == "LOCKED":
        locked_by, state = reply.values
        raise NotPossible(
            *with_remedy("state.knob_locked", knob=draft.change.knob.value, proposal_id=locked_by, state=state)
        )
    if reply.status == "COUNTDOWN":
        running, acts_at = reply.values
        raise NotPossible(*with_remedy("state.countdown_runs", proposal_id=running, acts_at=acts_at))


def _check_step(reply: Reply, proposal_id: str, wanted: State, lease: Lease | None = None) -> None:
    """Raises what a refused step means."""
    if reply.status == "LEASE_LOST" and lease is not None:
        raise lease_lost(lease.name)
    if reply.status == "UNKNOWN":
        raise _unknown(proposal_id)
    if reply.status == "NOT_FROM":
        raise NotPossible(
            *with_remedy("state.wrong_step", proposal_id=proposal_id, state=reply.values[0], wanted=wanted.value)
        )


def _decided(reply: Reply, proposal_id: str) -> Decided:
    """The outcome of a click. Raises NotPossible when the proposal is unknown or the click may not count any more."""
    if reply.status == "TOMBSTONE":
        raise NotPossible(*with_remedy("state.click_withdrawn"))
    if reply.status == "OTHER":
        raise NotPossible(*with_remedy("state.other_proposal", proposal_id=proposal_id))
    if reply.status == "UNKNOWN":
        raise _unknown(proposal_id)
    outcome, found, row = reply.values
    if row[0] is None:
        raise _unknown(found)
    return Decided(
        won=outcome == "won", proposal=proposal_from(found, row), voted=outcome == "voted", snoozed=outcome == "snoozed"
    )
