"""Error lines of the revision that is blamed, for an incident's message: read when its page stands, then once a look.

Nothing waits for them: a log that cannot be read is one sentence on the message, and what mends it is doctor's to say.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.alerts.error_lines import commonest
from lumen.model.alert import AlertKind, Severity
from lumen.model.error_lines import ErrorLines, LogRead
from lumen.model.messages import Message, NoData, SourceUnavailable, message
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Window
from lumen.ports.incidents import Alerts
from lumen.ports.sources import DeploymentSource
from lumen.use_cases.collect import window_before
from lumen.use_cases.leases import Claims

LEASE_NAME = "error-lines"
#: Of entries that are counted.
BACK = timedelta(minutes=15)
#: The entries of a revision in a period. Raises SourceUnavailable.
ReadLog = Callable[[ServiceId, str, Window], Awaitable[LogRead]]
#: Where people find the same entries.
LinkLog = Callable[[ServiceId, str, datetime, datetime], str]
#: By the reason why the log cannot be read; anything else is that it gave no answer.
_TROUBLES = {
    "source.no_logging": "evidence.not_installed",
    "source.permission_denied": "evidence.denied",
    "source.api_disabled": "evidence.denied",
    "source.credentials": "evidence.denied",
    "source.no_credentials": "evidence.denied",
}


@dataclass(frozen=True, slots=True)
class ReadingErrors:
    """Reads for the incidents whose availability is a page or a ticket."""

    alerts: Alerts
    deployments: DeploymentSource
    claims: Claims
    read: ReadLog
    link: LinkLog

    async def due(self, service: ServiceId) -> bool:
        """Whether any message has something to say now. Safe to call as often as one likes, by every replica."""
        if not await self._wanted(service):
            return False
        return await self.claims.alone(service, LEASE_NAME, lambda _: self._read_alone(service)) or False

    async def _wanted(self, service: ServiceId) -> dict[str, ErrorLines | None]:
        """Incidents for which nothing was read since the last look, with what was read before."""
        concerned = [one for one in await self.alerts.open(service) if one.alert.kind is AlertKind.AVAILABILITY]
        incidents = dict.fromkeys(one.incident for one in concerned if one.alert.severity is not Severity.NOTICE)
        known = {incident: await self.alerts.error_lines(service, incident) for incident in incidents}
        look = _look(self.claims.clock.now())
        return {incident: lines for incident, lines in known.items() if lines is None or _look(lines.asked_at) < look}

    async def _read_alone(self, service: ServiceId) -> bool:
        wanted = await self._wanted(service)
        for incident, before in wanted.items():
            await self.alerts.logged(service, incident, await self._lines(service, incident, before))
        return bool(wanted)

    async def _lines(self, service: ServiceId, incident: str, before: ErrorLines | None) -> ErrorLines:
        """The blamed revision stays the same: by the time it has lost the traffic, it logs no more."""
        now = self.claims.clock.now()
        revision = before.revision if before is not None else ""
        revision = revision or await self._blamed(service, incident)
        if not revision:
            return ErrorLines("", now - BACK, now, now, trouble=message("evidence.no_answer"))
        empty = ErrorLines(revision, now - BACK, now, now, self.link(service, revision, now - BACK, now))
        try:
            found = await self.read(service, revision, Window(now - BACK, now))
        except SourceUnavailable as error:
            return _kept(before, replace(empty, trouble=_trouble(error.reason)))
        lines = await asyncio.to_thread(commonest, found.texts)  # a thousand lines take their time
        if not lines:
            return _kept(before, empty)
        return replace(empty, lines=lines, entries=len(found.texts), is_whole=found.is_whole)

    async def _blamed(self, service: ServiceId, incident: str) -> str:
        """As the message has it; before it knows, the newest revision that gets traffic; "" where nobody tells."""
        seen = await self.alerts.revisions(service, incident)
        if seen is not None and seen.blamed is not None:
            return seen.blamed.revision
        deployment = (await self.deployments.deployments((service,)))[service]
        revisions = () if isinstance(deployment, NoData) else deployment.revisions
        return next((one.name for one in revisions if one.traffic_percent > 0), "")


def _look(at: datetime) -> datetime:
    return window_before(at, SLICE).end


def _kept(before: ErrorLines | None, now: ErrorLines) -> ErrorLines:
    """Lines that were there stay, with their own time."""
    return now if before is None or not before.lines else replace(before, asked_at=now.asked_at)


def _trouble(reason: Message) -> Message:
    return message(_TROUBLES.get(reason.code, "evidence.no_answer"))
