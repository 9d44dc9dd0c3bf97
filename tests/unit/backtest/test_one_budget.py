"""A file with several services has one budget, as the running watch has."""

from datetime import UTC, datetime

from lumen.backtest.history import SliceHistory
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
