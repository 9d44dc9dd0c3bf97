"""Checks of the contract: which version each service speaks, whether it still does, and what would tell more."""

from collections.abc import Sequence

from bot.doctor.check import Check, Findings
from bot.doctor.redis import setting_remedy
from bot.wiring.examined import ExaminedCache
from lumen.model.ion_contract import VERSION_2
from lumen.model.messages import NoData, message
from lumen.model.snapshot import Snapshot

#: A service of version 2 reports at least every 10 s of use; this is long enough for one that is seldom asked.
SILENT_SECONDS = 600.0
MINUTE_SECONDS = 60
#: What makes a server announce misses: events by their name, and those of misses.
ANNOUNCING = "Em"


async def contract_checks(cache: ExaminedCache, snapshot: Snapshot, name: str) -> Sequence[Check]:
    """Nothing has to be mended. `name`: of the service. Announced misses tell nothing of a cache that is shared."""
    found = Findings.of_service(name)
    if isinstance(snapshot.ttl, NoData):
        return []
    spoken = snapshot.ttl.contract
    if spoken == VERSION_2:
        await _reports(found, cache, snapshot.service.name)
    else:
        found.fine("contract", message("doctor.contract_unknown" if spoken is None else f"doctor.contract_{spoken}"))
    if cache.is_alone and spoken is not None and spoken < VERSION_2:
        await _announces(found, cache)
    return found.checks


async def _reports(found: Findings, cache: ExaminedCache, service_name: str) -> None:
    """What was acknowledged stays after a release that goes back to version 1; the stream falls silent."""
    seconds = await cache.server.silent_seconds(service_name)
    if seconds is None:
        found.fine("contract", message("doctor.contract_unreported"))
    elif seconds > SILENT_SECONDS:
        found.fine("contract", message("doctor.contract_silent", minutes=round(seconds / MINUTE_SECONDS)))
    else:
        found.fine("contract", message("doctor.contract_2"))


async def _announces(found: Findings, cache: ExaminedCache) -> None:
    """Whether the server announces misses; Lumen never sets that."""
    name, told = "announced misses", await cache.server.announced_events()
    lacking = ANNOUNCING if told is None else "".join(flag for flag in ANNOUNCING if flag not in told)
    how = setting_remedy(cache, "notify-keyspace-events", f"{told or ''}{lacking}")
    if told is None:
        found.fine(name, message("doctor.announced_untold", how=how))
    elif lacking:
        found.fine(name, message("doctor.announced_none", how=how))
    else:
        found.fine(name, message("doctor.announced_ok"))
