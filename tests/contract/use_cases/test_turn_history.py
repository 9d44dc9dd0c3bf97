"""What a turn knows of the time before it, from a real store."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

import pytest

from lumen.adapters.store.alerts import NANO, RedisDays
from lumen.adapters.store.codec import encode
from lumen.adapters.store.scripts import key
from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.alert import Correction, Observation
from lumen.model.messages import NoData
from lumen.model.service import ServiceId
from lumen.model.snapshot import SLICE, Snapshot, Spend, Window
from lumen.model.turn import Occasion, Turn
from lumen.ports.incidents import Look
from lumen.use_cases.turn_history import TurnHistory
from tests.contract.store.builders import OTHER, SERVICE
from tests.contract.use_cases.conftest import Tower
from tests.snapshots import GONE, cache, snapshot

P = ParamSpec("P")
T = TypeVar("T")


class Here:
    """Numerics in this process; `without`: in an installation that lacks them."""

    def __init__(self, *, without: bool = False) -> None:
        self.without = without

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.without:
            raise ImportError("No module named 'scipy'")
        return function(*args, **kwargs)


def seen_at(tower: Tower, **changes: object) -> Snapshot:
    now = tower.store.clock.time
    return replace(snapshot(**changes), service=SERVICE, taken_at=now, window=Window(now - timedelta(hours=1), now))


async def lived(tower: Tower, requests: int) -> None:
    """Eight days went by, with so many requests in every slice."""
    start = tower.store.clock.time - timedelta(days=8)
    past = [
        Observation(start + nth * SLICE, requests, 0, p95_ms=100.0, hits=requests, misses=0, cost_usd=0.01)
        for nth in range(8 * 288)
    ]
    lease = await tower.store.lease("slot/watch")
    assert await tower.alerts.look(SERVICE, lease, Look(None, past, ()))


def turn_history(tower: Tower, numerics: Here) -> TurnHistory:
    return TurnHistory(tower.alerts, RedisDays(tower.store.redis), tower.store.turns, numerics)


async def test_a_new_store_knows_nothing_and_says_so(tower: Tower) -> None:
    past = await turn_history(tower, Here()).of(seen_at(tower))
    assert (list(past.days), past.low_traffic, past.trends, past.before) == ([], None, (), None)
    assert past.found_before() is None
    assert past.moves_to(assess(snapshot(), AssessmentSettings())) == ()


@pytest.mark.parametrize(("requests", "is_low"), [(1000, False), (5, True)])
async def test_days_traffic_and_trends_come_of_the_slices(tower: Tower, requests: int, is_low: bool) -> None:
    pytest.importorskip("scipy", reason="needs the extra numerics")
    await lived(tower, requests)
    past = await turn_history(tower, Here()).of(seen_at(tower))
    assert sum(day.requests for day in past.days) == 8 * 288 * requests
    assert (past.low_traffic is not None) is is_low
    assert not isinstance(past.trends, NoData)
    assert {trend.name for trend in past.trends} >= {"hit_rate", "p95_ms", "cost_usd_per_day"}
    assert not any(trend.is_clear for trend in past.trends)


async def test_without_numerics_a_turn_goes_on(tower: Tower) -> None:
    past = await turn_history(tower, Here(without=True)).of(seen_at(tower))
    assert isinstance(past.trends, NoData)
    assert past.trends.remedy.code == "trend.no_numerics_remedy"


async def test_scores_are_compared_with_the_turn_before(tower: Tower) -> None:
    before = seen_at(tower, cache=cache(0.8))
    judged = assess(before, AssessmentSettings())
    turn = Turn("t", Occasion.SLOT, before.taken_at, before.taken_at, before, judged, GONE, (), (), ())
    await tower.store.turns.save(turn, None, "t")
    past = await turn_history(tower, Here()).of(seen_at(tower))
    gate = next(move for move in past.moves_to(assess(snapshot(), AssessmentSettings())) if move.score == "gate")
    assert gate.since == before.taken_at
    assert gate.before == judged.gate.score.value
    found = past.found_before()
    assert found is not None
    assert (found.since, found.roi, found.cache) == (before.taken_at, judged.roi.roi, judged.cache.health)


async def stored_days(tower: Tower, service: ServiceId, usd: Sequence[float]) -> None:
    """Whole days up to yesterday, as the store keeps them when their slices are gone."""
    today, sums = tower.store.clock.time.date(), dict[str, int]()
    for back, of_day in enumerate(reversed(usd), 1):
        of = (today - timedelta(days=back)).isoformat()
        sums |= {f"{of}/{name}": 288 for name in ("slices", "cost_slices")}
        sums[f"{of}/cost_nano_usd"] = round(of_day * NANO)
    sums |= {f"{today.isoformat()}/{name}": 0 for name in ("slices", "cost_slices")}
    await tower.store.redis.hset(key(service, "days"), mapping=sums)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("usd", "change"),
    [([4.0] * 30, 0.0), ([4.0] * 23 + [5.0] * 7, 0.25), ([4.0] * 20, None), ([], None)],
)
async def test_a_turn_knows_whether_cost_rises_by_the_stored_days(
    tower: Tower, usd: Sequence[float], change: float | None
) -> None:
    await stored_days(tower, SERVICE, usd)
    past = await turn_history(tower, Here()).of(seen_at(tower))
    assert past.cost_change == (change and pytest.approx(change))


async def test_a_turn_s_forecast_is_that_of_all_services_and_of_the_alert(tower: Tower) -> None:
    """A charge on the 1st is no trend: what is spent, and days like those before."""
    tower.store.clock.time = datetime(2026, 3, 11, 0, 10, tzinfo=UTC)
    await stored_days(tower, SERVICE, [4.0] * 40 + [100.0] + [4.0] * 9)
    await stored_days(tower, OTHER, [1.0] * 50)
    watched = replace(turn_history(tower, Here()), watched=(SERVICE, OTHER))
    spend = Spend(146.0, True, 200.0, tower.store.clock.time)
    found = (await watched.of(seen_at(tower, spend=spend))).spend
    assert isinstance(found, Spend)
    assert found.forecast_usd == pytest.approx(146 + 21 * 5)
    assert found.month_to_date_usd == 146.0
    unknown = replace(spend, month_to_date_usd=GONE)
    assert (await watched.of(seen_at(tower, spend=unknown))).spend == unknown
    billed = replace(spend, month_to_date_usd=292.0, is_estimate=False)  # twice what was estimated
    anew = replace(turn_history(tower, Here()), watched=(SERVICE, OTHER))
    found = (await anew.of(seen_at(tower, spend=billed))).spend
    assert isinstance(found, Spend)
    assert found.forecast_usd == pytest.approx(2 * (146 + 21 * 5))


async def test_what_a_process_keeps_of_the_week_is_what_it_would_read_anew(tower: Tower) -> None:
    pytest.importorskip("scipy", reason="needs the extra numerics")
    await lived(tower, 1000)
    kept, lease, corrections = turn_history(tower, Here()), await tower.store.lease("slot/look"), 0
    # How many hours later, and how many slices before the newest one was corrected meanwhile.
    for hours, back in ((0, None), (1, None), (1, 3), (2, 250), (30, None), (0, 12)):
        first = await tower.alerts.newest(SERVICE)
        assert first is not None
        came = [
            Observation(first + nth * SLICE, 900 + nth, nth % 3, p95_ms=100.0 + nth, hits=nth, misses=9, cost_usd=0.01)
            for nth in range(1, hours * 12 + 1)
        ]
        late = () if back is None else (await corrected(tower, first - back * SLICE),)
        assert await tower.alerts.look(SERVICE, lease, Look(first, came, (), (), late, corrections))
        corrections += len(late)
        tower.store.clock.time += timedelta(hours=hours)
        seen = seen_at(tower)
        assert await kept.of(seen) == await turn_history(tower, Here()).of(seen)
    assert len(kept._weeks[SERVICE].hours.values) == 7 * 24 * 5  # five figures of each hour


async def corrected(tower: Tower, start: datetime) -> Correction:
    (stored, *_) = await tower.alerts.observations(SERVICE, start - SLICE)
    return Correction(stored, replace(stored, requests=77_777, hits=500, misses=400))


async def test_a_store_that_was_restored_is_read_anew(tower: Tower) -> None:
    pytest.importorskip("scipy", reason="needs the extra numerics")
    await lived(tower, 1000)
    kept, seen = turn_history(tower, Here()), seen_at(tower)
    await kept.of(seen)
    for back in range(288):
        other = Observation(seen.window.end - (1 + back) * SLICE, 5, 0)
        await tower.store.redis.lset(key(SERVICE, "observations"), -1 - back, encode(other))
    await tower.store.redis.hset(key(SERVICE, "epoch"), "id", "another")
    assert await kept.of(seen) == await turn_history(tower, Here()).of(seen)


async def test_services_that_are_looked_at_side_by_side_add_up_the_month_once(
    tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored_days(tower, SERVICE, [4.0] * 30)
    asked, costs_of = [], RedisDays.costs_of

    async def counted(self: RedisDays, services: Sequence[ServiceId]) -> object:
        asked.append(services)
        return await costs_of(self, services)

    monkeypatch.setattr(RedisDays, "costs_of", counted)
    watched = replace(turn_history(tower, Here()), watched=(SERVICE, OTHER))
    seen = seen_at(tower)
    both = await asyncio.gather(*(watched.of(replace(seen, service=one)) for one in (SERVICE, OTHER)))
    assert [past.cost_change for past in both] == [0.0, None]
    assert asked == [[SERVICE, OTHER]]
