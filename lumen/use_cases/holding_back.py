"""Hold-backs: told with the proposal, set with the change, ended with its verdict."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from lumen.model.forecast import Forecast
from lumen.model.hold_back import HELD_FOR
from lumen.model.messages import ActuatorFailed, NoData, SourceUnavailable, message
from lumen.model.proposal import Draft, Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.policies.holding_back import held_permille
from lumen.ports.clock import Clock
from lumen.ports.store import Audit, Proposals
from lumen.use_cases.acting import Acting, Held
from lumen.use_cases.knobs import Knobs, looked_up

#: A verdict comes within days, so it is among so many proposals.
RECENT = 100
#: It stands, and its verdict is final.
_SETTLED = frozenset({State.KEPT, State.INCONCLUSIVE, State.HARMFUL})


async def _can_hold_back(knobs: Mapping[ServiceId, Knobs], service: ServiceId) -> bool:
    """Whether the service keeps the old TTL for a share of keys, so that effects have a control."""
    turnable = looked_up(knobs, service, Knob.TTL)
    if turnable is None or turnable.holding_back is None:
        return False
    with suppress(SourceUnavailable):
        return await turnable.holding_back.holds_back(service)
    return False


async def with_hold_back(
    knobs: Mapping[ServiceId, Knobs], draft: Draft, forecast: Forecast | NoData | None = None
) -> Draft:
    """The draft with what it holds back, where the service can. Who decides on it reads that on its card."""
    permille = held_permille(draft, forecast.keys if isinstance(forecast, Forecast) else 0)
    if not permille or not await _can_hold_back(knobs, draft.service):
        return draft
    return replace(draft, change=replace(draft.change, held_permille=permille))


@dataclass(frozen=True, slots=True)
class HoldBacks:
    """Ends those that have told what they can. What a pause or a freeze holds back is not begun; this was."""

    proposals: Proposals
    knobs: Mapping[ServiceId, Knobs]
    acting: Acting
    audit: Audit
    clock: Clock

    async def end_settled(self, service: ServiceId) -> None:
        """Safe to call as often as one likes; what is refused or unanswered the next call tries again, and at last the
        service ends it by itself."""
        for made in await self.proposals.recent(service, RECENT):
            if self._may_hold(made):
                with suppress(ActuatorFailed, SourceUnavailable):
                    await self._end(made)

    def _may_hold(self, made: Proposal) -> bool:
        applied_at = made.finished_at
        if not made.draft.change.held_permille or made.state not in _SETTLED or applied_at is None:
            return False
        return self.clock.now() < applied_at + HELD_FOR

    async def _end(self, made: Proposal) -> None:
        draft, leave = made.draft, self.acting.to_end_hold_back(made)
        turnable = looked_up(self.knobs, draft.service, draft.change.knob)
        if turnable is None or turnable.holding_back is None or isinstance(leave, Held):
            return
        if await self.acting.end_hold_back(leave, turnable.holding_back):
            data = json.dumps(message("effect.hold_back_ended").as_data())
            await self.audit.add(made.draft.service, "noted", "lumen", "", made.id, data)
