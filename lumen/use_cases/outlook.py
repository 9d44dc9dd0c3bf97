"""What a picture of the service comes to: how it is judged, what would be changed, and what keeps Lumen from it now.

Asked by each turn, and once more when a countdown that would act by itself is over. Changes nothing.
"""

from dataclasses import dataclass, replace

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.assessment import Assessment
from lumen.model.message import Message
from lumen.model.nodata import NoData
from lumen.model.proposal import Change
from lumen.model.snapshot import Snapshot
from lumen.policies.guard import held_back
from lumen.policies.rollback_evidence import with_left
from lumen.ports.numerics import Numerics
from lumen.ports.state import Proposals
from lumen.ports.watching import Alerts
from lumen.use_cases.advice import Advice, Advised
from lumen.use_cases.hindsight import Hindsight, Past
from lumen.use_cases.restraints import Restraints
from lumen.use_cases.situation import Stored, situation_of

#: Enough proposals to find what was taken back in the last fortnight among.
_RECENT = 100


@dataclass(frozen=True, slots=True)
class Outlook:
    """`snapshot` as it was taken, with what is remembered of the day before it and of the revisions."""

    snapshot: Snapshot
    past: Past
    assessment: Assessment
    advised: Advised


class Outlooks:
    """Raises StoreUnavailable."""

    def __init__(
        self,
        hindsight: Hindsight,
        numerics: Numerics,
        assessment: AssessmentSettings,
        advice: Advice,
        restraints: Restraints,
        proposals: Proposals,
        alerts: Alerts,
    ) -> None:
        self._hindsight = hindsight
        self._numerics = numerics
        self._assessment = assessment
        self._advice = advice
        self._restraints = restraints
        self._proposals = proposals
        self._alerts = alerts

    async def of(self, snapshot: Snapshot) -> Outlook:
        """As it stands at this moment."""
        past, restraint = await self._hindsight.of(snapshot), await self._restraints.now(snapshot.service)
        deployment = snapshot.deployment
        if not isinstance(deployment, NoData):
            deployment = with_left(deployment, restraint.standing.revisions or {})
        snapshot = replace(snapshot, cache_day=past.cache_day, deployment=deployment)
        assessment = await self._numerics.run(assess, snapshot, self._assessment, past.days)
        return Outlook(snapshot, past, assessment, await self._advice.of(snapshot, assessment, restraint))

    async def held_back(self, outlook: Outlook, change: Change, apart_from: str = "") -> tuple[Message, ...]:
        """All that keeps Lumen from proposing `change` of its own now; `apart_from`: the proposal that does already."""
        snapshot, service = outlook.snapshot, outlook.snapshot.service
        restraint = await self._restraints.now(service)
        stored = Stored(
            recent=await self._proposals.recent(service, _RECENT),
            unfinished=[p for p in await self._proposals.unfinished(service) if p.id != apart_from],
            alerts=await self._alerts.open(service),
            pause=restraint.standing.pause,
        )
        situation = situation_of(change, stored, snapshot.deployment, restraint.now)
        return held_back(snapshot, outlook.assessment, restraint.automation, situation, restraint.now)
