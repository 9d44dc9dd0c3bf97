"""`lumen ttl` and `lumen size` on figures that are given: the plan's reference cases, with no configuration at all."""

from pathlib import Path

import pytest

from tests.contract.command_line.conftest import Call


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without `.env`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROJECT_ID", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("hit_rate", ["0.725", "72.5%", "72.5"])
def test_the_reference_ttl(lumen: Call, hit_rate: str) -> None:
    arguments = ("ttl", "--current-ttl", "300", "--hit-rate", hit_rate, "--memory", "72.3")
    found = lumen(*arguments, "--json").json()
    assert (found["recommended_ttl_seconds"], found["step_seconds"], found["strategy"]) == (420, 120, "MODERATE")
    assert found["confidence"] is None
    assert found["not_predictable"]["reason"]["text"]
    said = lumen(*arguments)
    assert said.code == 0
    for shown in ("300 s", "420 s", "+120 s", "MODERATE", "72.5%"):
        assert shown in said.out


def test_rising_cost_is_a_reason(lumen: Call) -> None:
    given = ("--current-ttl", "300", "--hit-rate", "65", "--memory", "75%", "--cost-change", "3.5")
    found = lumen("ttl", *given, "--json").json()
    assert found["recommended_ttl_seconds"] == 420
    assert "policy.cost_rises_too" in [reason["code"] for reason in found["reasons"]]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [(("--strategy", "conservative"), 360), (("--strategy", "aggressive"), 600), (("--override-ttl", "600"), 600)],
)
def test_what_a_person_prefers(lumen: Call, more: tuple[str, ...], wanted: int) -> None:
    found = lumen("ttl", "--current-ttl", "300", "--hit-rate", "65", "--memory", "75", *more, "--json").json()
    assert found["recommended_ttl_seconds"] == wanted


def test_the_reference_size(lumen: Call) -> None:
    given = ("--current-size", "256", "--usage", "240", "--hit-rate", "0.70", "--evictions", "150")
    found = lumen("size", *given, "--json").json()
    assert (found["recommended_size_mb"], found["strategy"]) == (384, "SCALE_UP")
    assert found["added_cost_usd_month"] == pytest.approx(4.68)
    assert found["memory"] == {"used_mb": 240.0, "ratio": 0.9375, "grade": "bad"}
    assert found["roi_of_ten"] <= 10
    said = lumen("size", *given)
    for shown in ("384 MB", "93.8% (bad)", "150 an hour (watch)", "70.0% (watch)", "+$4.68 a month", "/10"):
        assert shown in said.out
    assert lumen("size", *given, "--lock", "--json").json()["recommended_size_mb"] == 256


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("ttl --current-ttl 300 --hit-rate 1 --memory 75", "1% or 100%"),
        ("ttl --current-ttl 300 --hit-rate 65", "--memory missing"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --apply", "by what was measured"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --simulate --new-ttl 420", "--simulate, --new-ttl"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --service ion-api", "--service"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --evictions inf", "--evictions inf: give a number"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --cost-change nan", "--cost-change nan: give a number"),
        ("ttl --evictions 5 --cost-change 3", "--evictions, --cost-change: that goes with given figures"),
        ("ttl --simulate", "--new-ttl"),
        ("ttl --simulate --new-ttl 420 --apply", "changes nothing"),
        ("ttl --new-ttl 420 --override-ttl 600", "one of them"),
        ("ttl --strategy bold", "auto, aggressive, moderate, conservative"),
        ("ttl --current-ttl 300 --hit-rate 65 --memory 75 --override-ttl 5", "60 to 3600"),
        ("size --current-size 256 --usage 300 --hit-rate 65 --evictions 1", "more than the 256 MB"),
        ("size --current-size 256 --usage 200 --hit-rate 65 --evictions inf", "--evictions inf: give a number"),
    ],
)
def test_wrong_usage(lumen: Call, arguments: str, why: str) -> None:
    said = lumen(*arguments.split())
    assert said.code == 64
    assert why in said.err
