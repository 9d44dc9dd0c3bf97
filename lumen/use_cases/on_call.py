"""Call the people on call, let them acknowledge or silence, and tell what happened in an incident.

People are mentioned when a page opens, and again until somebody is on it, a bounded number of times; then it is said
that nobody answers, once, to whoever is named for that (lumen/policies/calling.py). A silence is about
noise alone: alerts open and close, and countdowns run and ask, as ever; only mentions, pagers and messages about
silenced tickets are held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lumen.model.alert import SIGNALS, AlertKind, short_id, typed_id
from lumen.model.audit import AuditEntry, Timeline
from lumen.model.control import ControlLine
from lumen.model.incident import AckResult, Incident, Silence, StoredAlert, in_force
from lumen.model.messages import NotPossible, message, with_remedy
from lumen.model.override import length_problem
from lumen.model.proposal import Draft, Knob
from lumen.model.service import Permit, Person, ServiceId
from lumen.policies.calling import next_call
from lumen.ports.clock import Clock
from lumen.ports.incidents import Alerts, Pages, Silences
from lumen.ports.store import Audit, Outbox, Surface


@dataclass(frozen=True, slots=True)
class Calling:
    """`every`: how long after the last mention the next one comes; zero: only the first. `uncalled`: the
    services of which nobody is on call, whom a mention could reach."""

    pages: Pages
    silences: Silences
    clock: Clock
    every: timedelta
    uncalled: frozenset[ServiceId] = frozenset()

    async def acknowledge(self, service: ServiceId, incident_id: str, permit: Permit) -> AckResult:
        """Somebody is on it: nobody is mentioned any more."""
        return await self.pages.acknowledge(service, incident_id, permit.person)

    async def hand_over(self, service: ServiceId, incident_id: str, permit: Permit, to: Person | None) -> None:
        """Another person is on it from now on; None: nobody, and the people on call are mentioned again.

        Raises NotPossible where nobody is on it, or it is over.
        """
        if not await self.pages.hand(service, incident_id, permit.person, to):
            raise NotPossible(*with_remedy("incident.nobody_on_it"))

    async def due(self, service: ServiceId) -> bool:
        """Whether anybody was mentioned now. Safe to call as often as one likes, by every replica."""
        pages = await self.pages.unsettled(service) if service not in self.uncalled else ()
        if not any(page.is_open_page and page.acknowledged is None for page in pages):
            return False
        silences = in_force(await self.silences.all(service), self.clock.now())
        said = [await self._mention(replace(page, silences=silences)) for page in pages]
        return any(said)

    async def _mention(self, incident: Incident) -> bool:
        call = next_call(incident, self.clock.now(), self.every)
        if call is None:
            return False
        await self.pages.mention(incident.service, incident.id, call.number, say=call.say)
        return call.say


#: Where nobody says how long.
DEFAULT = timedelta(hours=1)
#: What people may write for a kind: the names of two alert policies.
ALSO = {"roi_degradation": "roi", "cache_hitrate_low": "cache", "nodata": "no_data"}
ALL = "all"


@dataclass(frozen=True, slots=True)
class Silencing:
    """Stored silences, in force or run out, and the messages of the incidents that they concern."""

    silences: Silences
    alerts: Alerts
    outbox: Outbox
    clock: Clock

    async def now(self, service: ServiceId) -> Sequence[Silence]:
        """Those in force, the first to end first."""
        return sorted(in_force(await self.silences.all(service), self.clock.now()), key=lambda one: one.until)

    async def silence(
        self, service: ServiceId, what: str, permit: Permit, lasts: timedelta | None, why: str = ""
    ) -> Sequence[Silence]:
        """`what` is a kind, a kind with a signal, the id of an alert, or `all`. Raises NotPossible."""
        lasts = lasts or DEFAULT
        problem = length_problem(lasts)
        if problem:
            raise NotPossible(*problem)
        what = await full_id(self.alerts, service, what)
        now, by, wanted = self.clock.now(), permit.person, meant_by(service, what)
        incident = await self._incident_of({kind for kind, _ in wanted}, service)
        made = [Silence(kind, now + lasts, by, now, signal, why, incident) for kind, signal in wanted]
        for silence in made:
            await self.silences.put(service, silence)
        await self._show(service, made)
        return made

    async def end(self, service: ServiceId, what: str, permit: Permit) -> Sequence[Silence]:
        """Those that were ended. Raises NotPossible when nothing of the kind was silenced."""
        wanted = set(meant_by(service, await full_id(self.alerts, service, what)))
        found = [one for one in await self.now(service) if (one.kind, one.signal) in wanted]
        if not found:
            raise NotPossible(*with_remedy("silence.none_such", what=what))
        for silence in found:
            await self.silences.end(service, silence.kind, silence.signal, permit.person)
        await self._show(service, found)
        return found

    async def end_line(self, service: ServiceId, line: ControlLine, permit: Permit) -> Sequence[Silence]:
        """Those of this line that were ended, and no newer ones of the same name. Raises NotPossible for none."""
        found = [one for one in await self.now(service) if one.name in line.names]
        for silence in found:
            await self.silences.end(service, silence.kind, silence.signal, permit.person, line.id)
        if not found:
            raise NotPossible(*with_remedy("silence.none_such", what=", ".join(line.names)))
        await self._show(service, found)
        return found

    async def _incident_of(self, kinds: set[AlertKind], service: ServiceId) -> str:
        """The one open incident that alerts of these kinds belong to and that has a message; "" for none or several."""
        found = {one.incident for one in await self.alerts.open(service) if one.alert.kind in kinds}
        if len(found) != 1:
            return ""
        incident = await self.alerts.incident(service, found.pop())
        return "" if incident is None or incident.is_kept_back else incident.id

    async def _show(self, service: ServiceId, changed: Sequence[Silence]) -> None:
        """Messages of open incidents say it too."""
        kinds = {silence.kind for silence in changed}
        incidents = {one.incident for one in await self.alerts.open(service) if one.alert.kind in kinds}
        for incident in sorted(incidents):
            await self.outbox.mark(Surface(service, "alert", incident))


def meant_by(service: ServiceId, what: str) -> Sequence[tuple[AlertKind, str]]:
    """Kinds and signals. Raises NotPossible for anything else."""
    name = what.lower().replace(" ", ":")
    if name == ALL:
        return [(kind, "") for kind in AlertKind]
    name = name.removeprefix(f"{service.name}:".lower())  # the id of an alert: service:kind[:signal]:instant
    first, _, rest = name.replace("/", ":").partition(":")
    first = ALSO.get(first, first)
    of_data = first == AlertKind.NO_DATA
    signal = rest.partition(":")[0] if of_data else ""
    # What follows other kinds is the rest of an id: when it was noticed, or of which month it is.
    is_known = signal in ("", *SIGNALS) if of_data else not rest or rest.removeprefix("forecast:")[:1].isdigit()
    if first not in {str(kind) for kind in AlertKind} or not is_known:
        kinds = ", ".join(AlertKind)
        raise NotPossible(message("silence.unknown", what=what), message("silence.unknown_remedy", kinds=kinds))
    return [(AlertKind(first), signal)]


async def full_id(alerts: Alerts, service: ServiceId, typed: str) -> str:
    """The id of the newest incident that is shown as `typed`; else `typed` itself, with colons for spaces."""
    short, known = typed_id(typed), await alerts.incidents(service, KEPT)
    return next((one for one in known if short_id(one) == short), typed.strip().replace(" ", ":"))


async def newest_incidents(alerts: Alerts, service: ServiceId, limit: int) -> list[Incident]:
    """Those that are open or over, the newest first."""
    found = [await alerts.incident(service, one) for one in await alerts.incidents(service, limit)]
    return [one for one in found if one is not None]


#: So many incidents are looked through for a short id; the store keeps no more alerts.
KEPT = 300
#: So many lines of the audit are looked through at a time, and at most in all.
PIECE = 500
MOST = 50_000
#: Alerts of one incident open this close together; nothing of it is older.
BEFORE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Timelines:
    """Changes nothing."""

    alerts: Alerts
    audit: Audit

    async def of(self, service: ServiceId, incident_id: str) -> Timeline:
        """By the id as it stands at the foot of its message, or the long one of the store. Raises NotPossible."""
        wanted = await full_id(self.alerts, service, incident_id)
        incident = await self.alerts.incident(service, wanted)
        if incident is None:
            raise NotPossible(*with_remedy("incident.unknown", incident=incident_id))
        since = min(stored.alert.opened_at for stored in incident.alerts) - BEFORE
        entries = _of(incident, await self._back_to(service, since))
        return Timeline(incident, entries, await self.alerts.error_lines(service, wanted))

    async def newest(self, service: ServiceId, limit: int) -> tuple[Incident, ...]:
        """The newest first."""
        return tuple(await newest_incidents(self.alerts, service, limit))

    async def _back_to(self, service: ServiceId, since: datetime) -> list[AuditEntry]:
        """Oldest first."""
        found: list[AuditEntry] = []
        while len(found) < MOST:
            piece = await self.audit.entries(service, PIECE, found[-1].id if found else "")
            found += piece
            if len(piece) < PIECE or piece[-1].at < since:
                break
        return [entry for entry in reversed(found) if entry.at >= since]


def _of(incident: Incident, entries: list[AuditEntry]) -> tuple[AuditEntry, ...]:
    """Those that speak of it: of its alerts, of itself, and of the proposals that were made to end it, or to move the
    traffic while its page was open."""
    alert_ids = {stored.alert.id for stored in incident.alerts}
    proposals = {
        entry.proposal_id
        for entry in entries
        if isinstance(entry.about, Draft)
        and (entry.about.incident in alert_ids or (_moves(entry.about) and incident.is_paged_at(entry.at)))
    }
    return tuple(
        entry
        for entry in entries
        if (entry.proposal_id and entry.proposal_id in proposals)
        or (isinstance(entry.about, StoredAlert) and entry.about.incident == incident.id)
        or (not entry.proposal_id and entry.detail == incident.id)
    )


def _moves(draft: Draft) -> bool:
    return draft.change.knob is Knob.TRAFFIC
