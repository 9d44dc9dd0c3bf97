"""Steps of `lumen silence` and `lumen incident`; they need the store alone, and for a change a Google account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.config import Settings
from bot.numerics import fault_point
from bot.store import open_state_store
from bot.wiring.assembly import operator_of, who_may_apply
from bot.wiring.knobs import Called, called_of
from lumen.adapters.store import epoch
from lumen.model.audit import Timeline
from lumen.model.incident import Incident, Silence
from lumen.model.service import Permit, ServiceId
from lumen.use_cases.apply_now import Operators

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
    async with open_state_store(settings) as store:
        await epoch.check(store.redis, settings.services)
        yield called_of(settings, store, fault_point(settings.lumen_fault_at))


async def _permit(settings: Settings, service: ServiceId, what: str) -> Permit:
    """Raises NotPossible for an account without the right; audited."""
    person = await operator_of(settings)
    async with open_state_store(settings) as store:
        await epoch.check(store.redis, settings.services)
        return await Operators(who_may_apply(settings), store.audit).permit(service, person, what)
