"""A file with several services has one budget, as the running watch has."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

from hypothesis import given
from hypothesis import strategies as st

from lumen.backtest.history import SliceHistory
from lumen.backtest.packed import PackedSlices
from lumen.backtest.pipeline import BacktestSettings
from lumen.backtest.run import run_backtest
from lumen.model.alert import AlertKind, Observation
from lumen.model.snapshot import SLICE

START = datetime(2026, 11, 1, tzinfo=UTC)
A_DAY = 288


def day_of(slice_usd: float | None) -> tuple[Observation, ...]:
    return tuple(Observation(START + index * SLICE, cost_usd=slice_usd) for index in range(A_DAY))


def budget_alerts(**services: tuple[Observation, ...]) -> list[tuple[str, str]]:
    found = run_backtest(SliceHistory(services, ()), BacktestSettings())
    return [(one.id, one.reason.code) for one in found.alerts if one.kind is AlertKind.BUDGET]


def test_services_of_one_file_have_one_budget() -> None:
    dear, half = day_of(170 / A_DAY), day_of(85 / A_DAY)
    assert budget_alerts(api=dear) == [("api:budget:2026-11:80", "alert.budget")]
    assert budget_alerts(api=half) == []
    assert budget_alerts(api=half, canary=half) == [("api:budget:2026-11:80", "alert.budget_of_all")]
    assert budget_alerts(api=dear, canary=day_of(None)) == [("api:budget:2026-11:80", "alert.budget_at_least")]


def test_services_in_processes_find_what_one_process_finds() -> None:
    failing = [Observation(START + i * SLICE, 1000, 200 if 100 <= i < 130 else 0, cost_usd=0.4) for i in range(A_DAY)]
    services = {"api": PackedSlices(failing), "canary": PackedSlices(day_of(0.3)), "other": PackedSlices(failing)}
    history = SliceHistory(services, ())
    alone = run_backtest(history, BacktestSettings())
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        together = run_backtest(history, BacktestSettings(), each=pool.map)
    assert together == alone
    assert {(one.service, one.kind) for one in alone.alerts} >= {
        ("api", AlertKind.AVAILABILITY),
        ("other", AlertKind.AVAILABILITY),
        ("api", AlertKind.BUDGET),
    }


AMOUNT = st.none() | st.floats(0, 1e15)
COUNT = st.none() | st.integers(0, 10**15)


@given(
    st.lists(
        st.builds(
            Observation,
            st.integers(0, 10**6).map(lambda nth: START + nth * SLICE),
            *[COUNT] * 3,
            *[AMOUNT] * 3,
            *[COUNT] * 3,
            *[AMOUNT] * 2,
            st.none() | st.text(max_size=3),
        ),
        max_size=5,
    )
)
def test_what_is_packed_is_the_same_when_it_is_asked_for(seen: list[Observation]) -> None:
    packed = PackedSlices(seen)
    assert list(packed) == seen
    assert [packed[nth] for nth in range(-len(seen), len(seen))] == [*seen, *seen]
    assert list(packed[1:3]) == seen[1:3]
    assert list(pickle.loads(pickle.dumps(packed))) == seen  # as another process gets it
