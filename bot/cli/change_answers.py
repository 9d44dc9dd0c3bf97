"""Steps of `lumen rollback`, `unpin`, `override`, `lock`, `unlock`, `pause`, `resume`, `silence` and `incident`.

Each step is a click by another hand: the operator's Google account must be in APPROVERS, and everything is audited.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from bot.config import Settings
from bot.faults import fault_point
from bot.store import open_checked_store
from bot.wiring.assembly import assemble, operator_of, who_may_apply
from bot.wiring.knobs import Called, called_of
from bot.wiring.parts import Lumen
from lumen.model.answers import StatusReadout
from lumen.model.audit import Timeline
from lumen.model.incident import Incident, Pause, Silence, SizeLock, TtlOverride
from lumen.model.messages import Message, NotPossible, message
from lumen.model.override import PinnedTtl, Terms
from lumen.model.proposal import BRINGS_BACK, LATEST, Change, Knob, Proposal, Value
from lumen.model.service import Permit, ServiceId
from lumen.use_cases.apply_now import Operators
from lumen.use_cases.knobs import find


@dataclass(frozen=True, slots=True)
class TrafficAnswer:
    """The present and the wanted target of the traffic: a revision or LATEST; `serving`: the revision that serves."""

    service: ServiceId
    present: Value
    serving: str
    target: Value
    #: What is known of the revision that it would go to.
    known: tuple[Message, ...] = ()


async def answer_traffic(
    settings: Settings, service: ServiceId, revision: str | None, *, apply: bool, anyway: bool
) -> tuple[TrafficAnswer, Proposal | None]:
    """`revision` "" for the newest good one, None for back to the latest. Raises as `Applying.apply` does.

    `anyway`: also to a revision that was taken out; without, that raises NotPossible.
    """
    async with assemble(settings) as lumen:
        present = await find(lumen.changes.knobs, service, Knob.TRAFFIC).places[0].read(service)
        target = LATEST if revision is None else await lumen.answers.going_back.target(service, revision)
        change = Change(Knob.TRAFFIC, present.value, target, "")
        known = await lumen.changes.approvals.known_of(service, change) if present.value != target else ()
        answer = TrafficAnswer(service, present.value, present.version, target, known)
        if not apply or present.value == target:
            return answer, None
        back = next((one for one in known if one.code in BRINGS_BACK), None)
        if back is not None and not anyway:
            raise NotPossible(back, message("apply.anyway_remedy"))
        person, request = await operator_of(settings), f"cli:{uuid4().hex}"
        emergency = revision is not None  # a rollback is open to people in a freeze too
        return answer, await lumen.changes.applying.apply(
            service, Knob.TRAFFIC, target, person, request, emergency=emergency
        )


async def held(settings: Settings, service: ServiceId) -> StatusReadout:
    """The status, which holds all that people have set against changes."""
    async with assemble(settings) as lumen:
        return await lumen.answers.readouts.status(service)


async def pin_ttl(settings: Settings, service: ServiceId, ttl_seconds: int, terms: Terms) -> PinnedTtl:
    """Pinned, and proposed in Slack where the TTL is another one. Raises NotPossible (no right, out of range)."""
    async with _allowed(settings, service, f"override ttl {ttl_seconds}") as (lumen, permit):
        return await lumen.changes.overrides.pin_ttl(service, permit, ttl_seconds, terms, f"cli:{uuid4().hex}")


async def lift_ttl(settings: Settings, service: ServiceId) -> TtlOverride | None:
    """Lift the pin; the answer is the setting that pins it still, or None. Raises NotPossible."""
    async with _allowed(settings, service, "override off") as (lumen, permit):
        return await lumen.changes.overrides.lift_ttl(service, permit)


async def lock_size(settings: Settings, service: ServiceId, terms: Terms) -> SizeLock:
    """Locked as it is. Raises NotPossible (no right)."""
    async with _allowed(settings, service, "lock size") as (lumen, permit):
        return await lumen.changes.overrides.lock_size(service, permit, terms, f"cli:{uuid4().hex}")


async def unlock_size(settings: Settings, service: ServiceId) -> SizeLock | None:
    """Lift the lock; the answer is the setting that locks it still, or None. Raises NotPossible."""
    async with _allowed(settings, service, "unlock") as (lumen, permit):
        return await lumen.changes.overrides.unlock_size(service, permit)


async def pause(settings: Settings, service: ServiceId, terms: Terms) -> Pause:
    """All automation stopped. Raises NotPossible (no right)."""
    async with _allowed(settings, service, "pause") as (lumen, permit):
        return await lumen.changes.emergency.pause(service, permit, terms.lasts, terms.why)


async def resume(settings: Settings, service: ServiceId) -> None:
    """Automation goes on. Raises NotPossible."""
    async with _allowed(settings, service, "resume") as (lumen, permit):
        await lumen.changes.emergency.resume(service, permit)


@asynccontextmanager
async def _allowed(settings: Settings, service: ServiceId, what: str) -> AsyncIterator[tuple[Lumen, Permit]]:
    """An assembled Lumen for somebody who may; a refusal is audited. Raises NotPossible."""
    async with assemble(settings) as lumen:
        person = await operator_of(settings)
        yield lumen, await lumen.changes.operators.permit(service, person, what)


#: How many incidents a list shows.
LISTED = 20


async def silences(settings: Settings, service: ServiceId) -> list[Silence]:
    """Silences in force."""
    async with _called(settings) as called:
        return list(await called.silencing.now(service))


async def make_silence(
    settings: Settings, service: ServiceId, what: str, lasts: timedelta | None, why: str
) -> list[Silence]:
    """Raises NotPossible (no right, no such alert, too long), SourceUnavailable."""
    permit = await _permit(settings, service, f"silence {what}")
    async with _called(settings) as called:
        return list(await called.silencing.silence(service, what, permit, lasts, why))


async def end_silence(settings: Settings, service: ServiceId, what: str) -> list[Silence]:
    """Raises NotPossible (no right, nothing silenced), SourceUnavailable."""
    permit = await _permit(settings, service, f"silence end {what}")
    async with _called(settings) as called:
        return list(await called.silencing.end(service, what, permit))


async def newest_incidents(settings: Settings, service: ServiceId) -> list[Incident]:
    """The newest first."""
    async with _called(settings) as called:
        return list(await called.timelines.newest(service, LISTED))


async def timeline(settings: Settings, service: ServiceId, incident_id: str) -> Timeline:
    """Raises NotPossible."""
    async with _called(settings) as called:
        return await called.timelines.of(service, incident_id)


@asynccontextmanager
async def _called(settings: Settings) -> AsyncIterator[Called]:
    async with open_checked_store(settings) as store:
        yield called_of(settings, store, fault_point(settings.lumen_fault_at))


async def _permit(settings: Settings, service: ServiceId, what: str) -> Permit:
    """Raises NotPossible for an account without the right; audited."""
    person = await operator_of(settings)
    async with open_checked_store(settings) as store:
        return await Operators(who_may_apply(settings), store.audit).permit(service, person, what)
