"""A pager outside of Slack hears of every page: triggered, acknowledged, resolved, in this order, at least once each;
and triggered anew when whoever was on it gives it back.

What it has taken is stored with the incident, so a crash between the call and the note repeats the call, which names
the same incident and does no harm. A pager that does not answer is tried again, at growing intervals, a bounded number
of times; one that says no is not, and the incident's message says so once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lumen.model.alert import Severity
from lumen.model.incident import Incident, PagerState, PagerStep, Unheard, in_force
from lumen.model.messages import Message, PagerRefused, PagerUnavailable, message
from lumen.model.service import ServiceId
from lumen.ports.clock import FaultPoint
from lumen.ports.incidents import Pager, PagerCall, Pages, Silences
from lumen.use_cases.leases import Claims

PAGER_LEASE = "pager"
#: Of service time: the first pause after a failure; each further one is twice as long, up to the longest.
PAUSE_FIRST = timedelta(seconds=10)
PAUSE_LONGEST = timedelta(minutes=5)
#: About three hours of a pager that does not answer.
MOST_TRIES = 40
#: A pager that forgets is told again this often while a page is open.
AGAIN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Failing:
    """Tries so far of one step, and when the next one is due."""

    tries: int
    next_at: datetime


@dataclass(slots=True)
class Paging:
    """`plain` gives the words of the workspace's language. `only_unanswered`: it is told of a page only once nobody has
    answered the calls in Slack (ONCALL_ESCALATION), or Slack takes them not."""

    pages: Pages
    silences: Silences
    claims: Claims
    pager: Pager
    plain: Callable[[Message], str]
    fault: FaultPoint
    only_unanswered: bool = False
    _failing: dict[tuple[ServiceId, str, PagerStep], _Failing] = field(default_factory=dict, init=False)
    _heard: dict[tuple[ServiceId, str], datetime] = field(default_factory=dict, init=False)
    #: Calls that Slack does not take, by service, and those of them that the pager has heard of.
    _unheard: dict[ServiceId, Sequence[Unheard]] = field(default_factory=dict, init=False)
    _passed_on: set[str] = field(default_factory=set, init=False)
    #: Why the last call failed, until one succeeds; for /readyz.
    trouble: Message | None = field(default=None, init=False)

    async def settle(self, service: ServiceId, unheard: Sequence[Unheard] = ()) -> bool:
        """Whether the pager was told anything. Safe to call as often as one likes, by every replica.

        `unheard`: calls of the people on call that Slack does not take; the pager hears of each of them once.
        """
        self._unheard[service] = unheard
        if not await self._wanted(service):
            return False
        return await self.claims.alone(service, PAGER_LEASE, lambda _: self._settle_alone(service)) or False

    async def _wanted(self, service: ServiceId) -> list[tuple[Incident, PagerStep]]:
        pages = await self.pages.unsettled(service)
        if not pages:
            return []
        now = self.claims.clock.now()
        silences = in_force(await self.silences.all(service), now)
        incidents = [replace(page, silences=silences) for page in pages]
        steps = [(one, self._step(one) or self._instead_of_slack(one) or self._again(one, now)) for one in incidents]
        return [(incident, step) for incident, step in steps if step is not None and self._is_due(incident, step, now)]

    async def _settle_alone(self, service: ServiceId) -> bool:
        told = False
        for incident, step in await self._wanted(service):
            told = await self._tell(incident, step) or told
        return told

    async def _tell(self, incident: Incident, step: PagerStep) -> bool:
        """One failing incident holds up no other."""
        service, key = incident.service, (incident.service, incident.id, step)
        before = incident.pager
        try:
            if _is_given_back(incident, step) and not self.pager.must_hear_again:
                await self.pager.call(self._call(incident, PagerStep.RESOLVE))
            await self.pager.call(self._call(incident, step))
        except PagerRefused as error:
            self.trouble = error.reason
            await self._give_up(incident, step, error.reason)
            return False
        except PagerUnavailable as error:
            self.trouble = error.reason
            tries = self._failing[key].tries + 1 if key in self._failing else 1
            if tries >= MOST_TRIES:
                await self._give_up(incident, step, error.reason)
            else:
                asked = timedelta(seconds=error.retry_after_seconds * self.claims.clock.scale)
                self._failing[key] = _Failing(tries, self.claims.clock.now() + max(asked, _pause(tries)))
            return False
        self.fault("pager.called")
        self._failing.pop(key, None)
        self.trouble = None
        self._passed_on |= {call.call for call in self._calls_of(incident)}
        self._heard[service, incident.id] = self.claims.clock.now()
        if before is None or before.step is not step:
            await self.pages.pager(service, incident.id, PagerState(step, self.claims.clock.now()))
        return True

    async def _give_up(self, incident: Incident, step: PagerStep, reason: Message) -> None:
        """Said once: what it has taken so far stands, and an end that it will not hear of is an end."""
        self._failing.pop((incident.service, incident.id, step), None)
        reached = incident.pager.step if incident.pager else None
        reached = PagerStep.RESOLVE if step is PagerStep.RESOLVE else reached
        state = PagerState(reached, self.claims.clock.now(), reason, step)
        await self.pages.pager(incident.service, incident.id, state)

    def _calls_of(self, incident: Incident) -> list[Unheard]:
        return [call for call in self._unheard.get(incident.service, ()) if call.incident_id == incident.id]

    def _step(self, incident: Incident) -> PagerStep | None:
        step = next_step(incident)
        is_early = self.only_unanswered and step is PagerStep.TRIGGER and not incident.is_unanswered
        return None if is_early else step

    def _instead_of_slack(self, incident: Incident) -> PagerStep | None:
        """The first step once more, for a call that the people on call could not be given in Slack."""
        is_refused = incident.pager is not None and incident.pager.trouble is not None
        is_new = any(call.call not in self._passed_on for call in self._calls_of(incident))
        return PagerStep.TRIGGER if incident.wants_somebody and is_new and not is_refused else None

    def _again(self, incident: Incident, now: datetime) -> PagerStep | None:
        """For a pager that forgets: the step that it has taken, once more."""
        if not self.pager.must_hear_again or incident.pager is None or not incident.is_open_page:
            return None
        heard = self._heard.get((incident.service, incident.id))
        return incident.pager.step if heard is None or now - heard >= AGAIN_AFTER else None

    def _is_due(self, incident: Incident, step: PagerStep, now: datetime) -> bool:
        failing = self._failing.get((incident.service, incident.id, step))
        return failing is None or now >= failing.next_at

    def _call(self, incident: Incident, step: PagerStep) -> PagerCall:
        pages = [one.alert for one in incident.alerts if one.alert.severity is Severity.PAGE]
        closed = [page.closed_at for page in pages if page.closed_at is not None]
        kinds = tuple(dict.fromkeys(str(page.kind) for page in pages))
        words = ", ".join(self.plain(Message(f"incident.kind_{kind}", {})) for kind in kinds)
        unheard = [message("pager.unheard", error=call.error) for call in self._calls_of(incident)[-1:]]
        given_back = [message("pager.given_back")] if _is_given_back(incident, step) else []
        unanswered = [message("pager.unanswered")] if self.only_unanswered and incident.is_unanswered else []
        return PagerCall(
            step=step,
            service=incident.service,
            incident_id=incident.id,
            at=self.claims.clock.now(),
            opened_at=min(page.opened_at for page in pages),
            closed_at=max(closed) if len(closed) == len(pages) else None,
            title=self.plain(message("pager.title", service=incident.service.name, kinds=words)),
            said=" ".join(
                self.plain(each) for each in (*(page.reason for page in pages), *given_back, *unheard, *unanswered)
            ),
            kinds=kinds,
            by=incident.acknowledged.by.name if incident.acknowledged else "",
        )


def next_step(incident: Incident) -> PagerStep | None:
    """The next step for the pager; None when it knows everything, or when nobody wants it to."""
    state = incident.pager
    reached = state.step if state else None
    if incident.is_open_page:
        if state is not None and state.trouble is not None:
            return None  # it was said that it does not take this incident
        if incident.acknowledged is not None:
            return PagerStep.ACKNOWLEDGE if reached is PagerStep.TRIGGER else None
        return None if incident.is_hushed or reached is PagerStep.TRIGGER else PagerStep.TRIGGER
    return PagerStep.RESOLVE if reached in (PagerStep.TRIGGER, PagerStep.ACKNOWLEDGE) else None


def _is_given_back(incident: Incident, step: PagerStep) -> bool:
    """Whether it is triggered anew because whoever was on it is not any more.

    Where nobody is called for what was acknowledged, a new incident does it: the old one is resolved first.
    """
    return step is PagerStep.TRIGGER and incident.pager is not None and incident.pager.step is PagerStep.ACKNOWLEDGE


def _pause(tries: int) -> timedelta:
    return min(PAUSE_LONGEST, PAUSE_FIRST * 2.0 ** min(tries - 1, 10))
