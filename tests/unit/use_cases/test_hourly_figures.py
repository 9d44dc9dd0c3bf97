"""What a changed cache costs a service more, where another uses the same one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from lumen.effects.experiment import Experiment
from lumen.model.alert import Observation
from lumen.model.proposal import Change, Knob
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE
from lumen.policies.size import HOURS_A_MONTH, SizeLimits
from lumen.ports.clock import Numerics
from lumen.ports.incidents import Alerts
from lumen.use_cases.effects import EffectEstimates
from lumen.use_cases.held_effects import HeldEffects
from tests.alike import Alike

API = ServiceId("naeda-genesis", "us-central1", "ion-api")
CANARY = ServiceId("naeda-genesis", "us-central1", "ion-api-canary")
START = datetime(2026, 11, 16, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Kept:
    """Slices of three hours: 900 requests and 10 misses each, the canary a ninth of the requests."""

    async def observations(self, service: ServiceId, _after: datetime | None) -> Sequence[Observation]:
        requests = 900 if service == API else 100
        return [
            Observation(START + index * SLICE, requests, 0, 0, hits=90, misses=10, cost_usd=0.0) for index in range(36)
        ]


@pytest.mark.parametrize(("sharing", "share"), [((), 1.0), ((API,), 1.0), ((API, CANARY), 0.9)])
async def test_each_service_pays_its_part(sharing: tuple[ServiceId, ...], share: float) -> None:
    size = SizeLimits(cost_per_mb_month_usd=HOURS_A_MONTH / 12)  # a twelfth of a dollar an hour and MB
    figures = EffectEstimates(
        cast(Alerts, Kept()),
        cast(Numerics, None),
        Alike(0.5),
        Alike(size),
        cast(HeldEffects, None),
        dict.fromkeys(sharing, "cache"),
    )
    change = Change(Knob.CACHE_SIZE, 256, 268, "MB")
    found = await figures.hours(API, Experiment(change, START + HOUR), START + 3 * HOUR)
    before, _, after = found.between(START, START + 3 * HOUR)
    assert before.cost_usd == pytest.approx(share * 12 * 10 * 0.5)
    assert after.cost_usd == pytest.approx(before.cost_usd + share * 1.0)
