"""Changes of the hourly policy that are made without asking, where AUTO_APPLY names the knob and its record allows it.

Such a proposal is a countdown like that of a rollback: anybody with the right may hasten, stop or put it off, and when
its time is up everything is judged afresh, on data collected for it.
"""

from lumen.model.proposal import Knob, Origin, Proposal
from lumen.model.service import ServiceId
from lumen.policies.unasked import unasked_end
from lumen.ports.faults import FaultPoint
from lumen.ports.state import Lease, Leases, Proposals
from lumen.use_cases.collect import Collector
from lumen.use_cases.countdowns import Countdowns, conclude
from lumen.use_cases.outlook import Outlooks
from lumen.use_cases.trust import Trust


class UnaskedChanges:
    """Begun by a turn; here is their end."""

    def __init__(
        self,
        collector: Collector,
        outlooks: Outlooks,
        trust: Trust,
        proposals: Proposals,
        leases: Leases,
        fault: FaultPoint,
    ) -> None:
        self._collector = collector
        self._outlooks = outlooks
        self._trust = trust
        self._proposals = proposals
        self._fault = fault
        self._countdowns = Countdowns(proposals, leases, "unasked", _is_ours, self._end)

    async def settle(self, service: ServiceId) -> bool:
        """Whether a countdown that was over has led to anything. Safe to call as often as one likes."""
        return await self._countdowns.settle(service)

    async def _end(self, proposal: Proposal, lease: Lease) -> None:
        change, service = proposal.draft.change, proposal.draft.service
        outlook = await self._outlooks.of((await self._collector.snapshots((service,)))[service])
        held = await self._outlooks.held_back(outlook, change, apart_from=proposal.id)
        weighed = await self._trust.weighed(service, change)
        self._fault("unasked.judged")
        ending = unasked_end(change, outlook.advised.first, held, weighed)
        await conclude(self._proposals, proposal, ending, lease)
        self._fault("unasked.ended")


def _is_ours(proposal: Proposal) -> bool:
    return proposal.draft.origin is Origin.POLICY and proposal.draft.change.knob is not Knob.TRAFFIC
