"""What figures are judged by: the preset, what is set by itself, and what does not fit together."""

import pytest

from bot.config import ConfigurationError, load_thresholds
from lumen.exporters.slo import PRESETS


@pytest.fixture(autouse=True)
def _nothing_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_nothing_need_be_set() -> None:
    assert load_thresholds().slo == PRESETS["default"]


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("SLO_AVAILABILITY", "99.9%", "availability", 0.999),
        ("ALERT_AVAILABILITY", "0.98", "availability_alert", 0.98),
        ("SLO_ERROR_RATE", "0.5%", "error_rate", 0.005),
        ("SLO_ERROR_RATE", "0.005", "error_rate", 0.005),
        ("ALERT_ERROR_RATE", "2%", "error_rate_alert", 0.02),
        ("SLO_P95_MS", "350", "p95_ms", 350),
        ("SLO_P99_MS", "900", "p99_ms", 900),
        ("ALERT_P99_MS", "3000", "p99_alert_ms", 3000),
        ("SLO_HIT_RATE", "90%", "hit_rate", 0.9),
        ("ALERT_HIT_RATE", "55", "hit_rate_alert", 0.55),
    ],
)
def test_each_goes_before_the_preset(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: float
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load_thresholds().slo, field) == pytest.approx(value)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"SLO_ERROR_RATE": "0.1"}, "less than or equal to 0.05"),
        ({"SLO_ERROR_RATE": "1"}, "1% or 100%"),
        ({"SLO_AVAILABILITY": "5%"}, "greater than or equal to 0.5"),
        ({"SLO_AVAILABILITY": "100%"}, "less than 1"),
        ({"SLO_HIT_RATE": "many"}, "give a share"),
        ({"SLO_P95_MS": "0"}, "greater than 0"),
        *[({name: "inf"}, "finite number") for name in ("SLO_P95_MS", "API_COST_PER_CALL", "CACHE_SIZE_MB")],
        ({"SLO_ERROR_RATE": "2%"}, "ALERT_ERROR_RATE = 0.01 is milder than SLO_ERROR_RATE = 0.02"),
        ({"SLO_AVAILABILITY": "98%"}, "ALERT_AVAILABILITY = 0.99 is milder"),
        ({"SLO_P99_MS": "1500"}, "ALERT_P99_MS = 1000 is milder"),
        ({"SLO_HIT_RATE": "60%"}, "ALERT_HIT_RATE = 0.7 is milder"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], why: str
) -> None:
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError, match=why) as refused:
        load_thresholds()
    assert next(iter(given)) in str(refused.value)
