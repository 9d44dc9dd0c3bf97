"""What figures are judged by: the preset, what is set by itself, and what does not fit together."""

import pytest

from bot.environment import ConfigurationError
from bot.thresholds import load_thresholds
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
        ({"SLO_ERROR_RATE": "0.1"}, "at most 5%"),
        ({"SLO_ERROR_RATE": "1"}, "two things"),
        ({"SLO_AVAILABILITY": "5%"}, "from 50%"),
        ({"SLO_AVAILABILITY": "100%"}, "below 100%"),
        ({"SLO_HIT_RATE": "many"}, "the share that must be good"),
        ({"SLO_P95_MS": "0"}, "above 0"),
        *[({name: "inf"}, f"{name} = 'inf' cannot be used") for name in ("SLO_P95_MS", "API_COST_PER_CALL")],
        ({"SLO_ERROR_RATE": "2%"}, "no milder than SLO_ERROR_RATE, which is 0.02; it is 0.01 now"),
        ({"SLO_AVAILABILITY": "98%"}, "ALERT_AVAILABILITY is not set.*it is 0.99 now"),
        ({"SLO_P99_MS": "1500"}, "ALERT_P99_MS .*it is 1000 now"),
        ({"SLO_HIT_RATE": "60%"}, "ALERT_HIT_RATE .*it is 0.7 now"),
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
