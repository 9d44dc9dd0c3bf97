"""A card says of a change what belongs to its knob: a size what it costs, the others nothing of hit rates."""

from functools import partial

import pytest

from lumen.model.messages import NoData
from lumen.model.proposal import Knob, Value, not_predictable
from lumen.model.service import ServiceId
from lumen.policies.size import SizeLimits, cost_reasons
from lumen.ports.actuators import Reading
from lumen.use_cases.approvals import Approvals
from lumen.use_cases.knobs import Turnable
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.alike import Alike
from tests.contract.store.builders import KIM, SERVICE, Store


class Standing:
    """A place that only tells its value."""

    def __init__(self, value: Value) -> None:
        self.value = value

    async def read(self, service: ServiceId) -> Reading:
        return Reading(self.value, "")


@pytest.mark.parametrize("whole_gb", [False, True])
async def test_a_size_that_a_person_wants_says_what_it_costs(store: Store, whole_gb: bool) -> None:
    cost = partial(cost_reasons, limits=SizeLimits(whole_gb=whole_gb))
    place = Standing(256)
    knob = Turnable((place,), "MB", 10, 1024, cost=cost)  # type: ignore[arg-type]
    approvals = Approvals(store.proposals, Alike({Knob.CACHE_SIZE: knob}), store.restraints)
    made = await approvals.propose(SERVICE, Knob.CACHE_SIZE, 384, KIM, "r1")
    told = {reason.code: reason.params for reason in made.draft.reasons}
    assert told["policy.size_cost"]["added_usd"] == pytest.approx(0.0 if whole_gb else 4.68)
    assert ("policy.size_whole_gb" in told) == whole_gb


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("knob", Knob)
def test_only_knobs_of_the_cache_speak_of_its_hit_rate(knob: Knob, locale: str) -> None:
    expected = not_predictable(knob)
    assert isinstance(expected, NoData)
    told = Catalogue(locale).plain(expected.remedy)
    assert (("hit rate" if locale == "en" else "적중률") in told) == (knob in (Knob.TTL, Knob.CACHE_SIZE))
