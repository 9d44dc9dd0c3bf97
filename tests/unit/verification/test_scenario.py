"""Scenario files: what they may say, and the sentence for each thing they may not."""

import json
from dataclasses import fields

import pytest

from lumen.model.messages import NotPossible
from lumen.verification.incidents import DRAWN, SimulatedIncident, Trouble
from lumen.verification.scenario import SERVICE, SIZES, read_scenario
from lumen.verification.traffic import Profile, draw_profile

YAML = """
service:
  requests_per_second: 2.5
  ttl_seconds: 120
steps:
  - at: 1d
    incident: model_slow
    for: 90m
  - at: 30m
    incident: bad_release_errors
    for: 2h
    size: 0.06
"""


def test_yaml() -> None:
    found = read_scenario(YAML)
    assert found.incidents == (
        SimulatedIncident(Trouble.BAD_RELEASE_ERRORS, 1800.0, 9000.0, 0.06),
        SimulatedIncident(Trouble.MODEL_SLOW, 86_400.0, 91_800.0, SIZES[Trouble.MODEL_SLOW][1]),
    )
    profile = found.profile(draw_profile(1))
    assert (profile.requests_per_second, profile.ttl_seconds) == (2.5, 120)
    assert isinstance(profile.ttl_seconds, int)
    assert profile.zipf == draw_profile(1).zipf


def test_json_is_read_too() -> None:
    found = read_scenario(json.dumps({"steps": [{"at": "1h", "incident": "flash"}]}))
    assert found.incidents == (SimulatedIncident(Trouble.FLASH, 3600.0, 7200.0, 2.0),)


def test_a_bad_release_may_be_quiet_at_first() -> None:
    found = read_scenario("steps: [{at: 1h, incident: bad_release_slow, quiet: 3h, for: 30m}]")
    assert found.incidents == (SimulatedIncident(Trouble.BAD_RELEASE_SLOW, 14_400.0, 16_200.0, 2.5, 10_800.0),)
    assert found.incidents[0].released == 3600.0


def test_everything_has_a_range_that_holds_what_seeds_draw() -> None:
    assert {one.name for one in fields(Profile)} - {"seed"} == set(SERVICE)
    assert set(SIZES) == set(Trouble)
    for seed in range(200):
        drawn = draw_profile(seed)
        assert all(allowed.holds(getattr(drawn, name)) for name, allowed in SERVICE.items())
    for kind in DRAWN:
        assert all(SIZES[kind.trouble][0].holds(size) for size in kind.sizes)
    assert all(allowed.holds(usual) for allowed, usual in SIZES.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "list of steps"),
        ("steps: 3", "list of steps"),
        ("a: [", "expected"),
        ("[" * 100_000, "recursion"),
        ("steps: [{at: 2026-13-45}]", "month must be"),
        ("steps: [{incident: flash, size: 1" + "0" * 400 + "}]", "from 0.1 to 20"),
        ("steps: [{incident: flash, size: .inf}]", "from 0.1 to 20"),
        ("steps: [x]", "step 1 is no map"),
        ("steps: [{incident: fire}]", "'fire'"),
        ("steps: [{incident: flash, at: soon}]", "'soon'"),
        ("steps: [{incident: flash, for: -1h}]", "'-1h'"),
        ("steps: [{incident: flash, size: 0}]", "flash takes a number from 0.1 to 20"),
        ("steps: [{incident: flash, quiet: 1h}]", "quiet is for bad_release_errors and bad_release_slow"),
        ("steps: [{incident: bad_release_slow, quiet: long}]", "'long'"),
        ("steps: [{incident: blip, size: 1.5}]", "from 0.0001 to 1"),
        ("steps: [{incident: blip, size: .nan}]", "from 0.0001 to 1"),
        ("steps: [{incident: cache_flushed, size: 0.001}]", "from 1 to 86400"),
        ("steps: [{incident: flash, for: 0s}]", "it must last"),
        ("steps: [{incident: flash, for: 91d}]", "at most 90d"),
        ("steps: [{incident: flash, at: 9999999d}]", "at most 90d"),
        ("steps: [{incident: blip, factor: 2}]", "factor"),
        ("{steps: [], service: {colour: 1}}", "colour"),
        ("{steps: [], service: {zipf: high}}", "'high'"),
        ("{steps: [], service: {seed: 4}}", "seed"),
        ("{steps: [], service: {requests_per_second: 0}}", "it takes a number from 0.0002 to 300"),
        ("{steps: [], service: {entry_mb: 0}}", "from 0.0001 to 1024"),
        ("{steps: [], service: {daily_swing: 5}}", "from 0 to 0.8"),
        ("{steps: [], service: {ttl_seconds: 30}}", "from 60 to 3600"),
        ("{steps: [], service: {cached_share: true}}", "True"),
        ("{steps: [], service: 4}", "no map"),
        ("{steps: [], name: x}", "name; there are service and steps"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(NotPossible) as caught:
        read_scenario(text)
    assert says in str(caught.value.reason.params["problem"])
