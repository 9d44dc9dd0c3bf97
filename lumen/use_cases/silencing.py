"""`silence`: for a while nobody is told of a kind of alert. It is recorded all the same, and nothing waits for it.

A silence is about noise alone: alerts open and close as ever, a countdown runs as ever, and what it asks of people is
asked as ever. Only mentions, pagers and messages about silenced tickets are held back.
"""

from collections.abc import Sequence
from datetime import timedelta

from lumen.model.alert import SIGNALS, AlertKind
from lumen.model.calling import Silence, in_force
from lumen.model.errors import NotPossible
from lumen.model.message import message
from lumen.model.service import Person, ServiceId
from lumen.ports.calling import Silences
from lumen.ports.clock import Clock
from lumen.ports.state import Outbox, Surface
from lumen.ports.watching import Alerts

#: Where nobody says how long.
DEFAULT = timedelta(hours=1)
#: Nothing is silenced for ever: what nobody ever wants to hear is a limit that is set wrongly.
LONGEST = timedelta(days=30)
#: What people may write for a kind: the mission's names of the two alert policies.
ALSO = {"roi_degradation": "roi", "cache_hitrate_low": "cache", "nodata": "no_data"}
ALL = "all"


class Silencing:
    """Rights are settled before any of these is called."""

    def __init__(self, silences: Silences, alerts: Alerts, outbox: Outbox, clock: Clock) -> None:
        self._silences = silences
        self._alerts = alerts
        self._outbox = outbox
        self._clock = clock

    async def now(self, service: ServiceId) -> Sequence[Silence]:
        """Those in force, the first to end first."""
        return sorted(in_force(await self._silences.all(service), self._clock.now()), key=lambda one: one.until)

    async def silence(
        self, service: ServiceId, what: str, person: Person, lasts: timedelta | None, why: str = ""
    ) -> Sequence[Silence]:
        """`what` is a kind, a kind with a signal, the id of an alert, or `all`. Raises NotPossible."""
        lasts = lasts or DEFAULT
        check_length(lasts)
        now = self._clock.now()
        made = [Silence(kind, now + lasts, person, now, signal, why) for kind, signal in meant_by(service, what)]
        for silence in made:
            await self._silences.put(service, silence)
        await self._show(service, made)
        return made

    async def end(self, service: ServiceId, what: str, person: Person) -> Sequence[Silence]:
        """Those that were ended. Raises NotPossible when nothing of the kind was silenced."""
        wanted = set(meant_by(service, what))
        found = [one for one in await self.now(service) if (one.kind, one.signal) in wanted]
        if not found:
            raise NotPossible(message("silence.none_such", what=what), message("silence.none_such_remedy"))
        for silence in found:
            await self._silences.end(service, silence.kind, silence.signal, person)
        await self._show(service, found)
        return found

    async def _show(self, service: ServiceId, changed: Sequence[Silence]) -> None:
        """Messages of open incidents say it too."""
        kinds = {silence.kind for silence in changed}
        incidents = {one.incident for one in await self._alerts.open(service) if one.alert.kind in kinds}
        for incident in sorted(incidents):
            await self._outbox.mark(Surface(service, "alert", incident))


def check_length(lasts: timedelta) -> None:
    """Raises NotPossible for a silence that is too long."""
    if lasts > LONGEST:
        raise NotPossible(message("silence.too_long"), message("silence.too_long_remedy", days=LONGEST.days))


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
