"""How far Lumen is trusted to make a change unasked: AUTO_APPLY, the record that is stored, and how it stands now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lumen.effects.learning import Direction, direction, record_of, spoken_against
from lumen.model.override import pinned_by
from lumen.model.proposal import Change, Knob, Proposal
from lumen.model.readout import Trusted
from lumen.model.service import ServiceId
from lumen.model.watching import TtlOverride
from lumen.policies.unasked import NAMES, Grounds, Unasked, Weighed, weigh
from lumen.ports.clock import Clock
from lumen.ports.state import Proposals
from lumen.ports.watching import Alerts
from lumen.use_cases.approvals import REMEMBERED
from lumen.use_cases.restraints import Restraints

#: The watch looks every five minutes, at what ended four minutes before. After this, no open alert says nothing.
WATCHED_WITHIN = timedelta(minutes=30)


class Trust:
    """Changes nothing. Raises StoreUnavailable."""

    def __init__(
        self, setting: Unasked, restraints: Restraints, proposals: Proposals, alerts: Alerts, clock: Clock
    ) -> None:
        self._setting = setting
        self._restraints = restraints
        self._proposals = proposals
        self._alerts = alerts
        self._clock = clock

    async def weighed(self, service: ServiceId, change: Change) -> Weighed:
        """Whether a change that the policy wants now is made unasked."""
        return weigh(change.knob, self._setting, (await self._stored(service)).grounds(direction(change)))

    async def shown(self, service: ServiceId) -> tuple[Trusted, ...]:
        """Of each knob that AUTO_APPLY names, and of those that have earned it, what became of either direction."""
        stored, found = await self._stored(service), []
        for setting, knob in NAMES.items():
            named = knob in self._setting.knobs
            both = [(up, stored.grounds((knob, up))) for up in (True, False)]
            for up, on in [(up, on) for up, on in both if on.trials] or both[:1]:
                if named or (on.earned and not on.spoken_against):
                    against = weigh(knob, self._setting, on).against
                    found.append(Trusted(knob, up, on.helped, on.trials, on.chance, setting, named, against))
        return tuple(found)

    async def _stored(self, service: ServiceId) -> "_Stored":
        newest, now = await self._alerts.newest(service), self._clock.now()
        return _Stored(
            await self._proposals.recent(service, REMEMBERED),
            [stored.alert.id for stored in await self._alerts.open(service)],
            newest is not None and now - newest <= WATCHED_WITHIN,
            (await self._restraints.now(service)).override,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """Of one service: its newest proposals first, and the ids of open alerts."""

    past: Sequence[Proposal]
    alerts: Sequence[str]
    is_watched: bool
    override: TtlOverride | None

    def grounds(self, of: Direction) -> Grounds:
        record, pin = record_of(self.past, of), self.override
        return Grounds(
            helped=record.helped,
            trials=record.trials,
            chance=record.mean,
            earned=record.may_offer_automation,
            spoken_against=spoken_against(self.past, of),
            alert=self.alerts[0] if self.alerts else "",
            is_watched=self.is_watched,
            pinned=pinned_by(pin) if pin is not None and of[0] is Knob.TTL else None,
        )
