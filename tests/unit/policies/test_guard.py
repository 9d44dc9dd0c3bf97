"""What holds Lumen's own proposals back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.exporters.assess import AssessmentSettings, assess
from lumen.model.snapshot import Snapshot, TtlSetting, Window
from lumen.policies.guard import Automation, Situation, held_back
from tests.snapshots import GONE, NOW, snapshot, traffic, ttl

HOUR = timedelta(hours=1)


def codes(seen: Snapshot, automation: Automation | None = None, situation: Situation | None = None) -> list[str]:
    assessment = assess(seen, AssessmentSettings())
    found = held_back(seen, assessment, automation or Automation(), situation or Situation(), NOW)
    return [reason.code for reason in found]


def test_nothing_holds_a_whole_picture_back() -> None:
    assert codes(snapshot()) == []


@pytest.mark.parametrize(
    ("automation", "code"),
    [
        (Automation(disabled=True), "policy.held_disabled"),
        (Automation(observe_until=NOW + HOUR), "policy.held_observing"),
        (Automation(observe_until=NOW - HOUR), None),
        (Automation(freezes=(Window(NOW - HOUR, NOW + HOUR),)), "policy.held_frozen"),
        (Automation(freezes=(Window(NOW - HOUR, NOW),)), None),
    ],
)
def test_settings(automation: Automation, code: str | None) -> None:
    assert codes(snapshot(), automation) == ([code] if code else [])


@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (Situation(paused=True), "policy.held_paused"),
        (Situation(paused=True, paused_until=NOW + HOUR), "policy.held_paused_until"),
        (Situation(paused=True, paused_until=NOW - HOUR), None),
        (Situation(last_change_at=NOW - 23 * HOUR), "policy.held_cooldown"),
        (Situation(last_change_at=NOW - 24 * HOUR), None),
        (Situation(taken_back_at=NOW - 13 * 24 * HOUR), "policy.held_taken_back"),
        (Situation(taken_back_at=NOW - 14 * 24 * HOUR), None),
        (Situation(harmed_at=NOW - 13 * 24 * HOUR), "policy.held_harmed"),
        (Situation(harmed_at=NOW - 14 * 24 * HOUR), None),
        (Situation(taken_back_at=NOW - HOUR, harmed_at=NOW - HOUR), "policy.held_taken_back"),
        (Situation(rejected_at=NOW - 6 * 24 * HOUR), "policy.held_rejected"),
        (Situation(rejected_at=NOW - 7 * 24 * HOUR), None),
        (Situation(no_effect_at=NOW - 13 * 24 * HOUR), "policy.held_no_effect"),
        (Situation(no_effect_at=NOW - 14 * 24 * HOUR), None),
        (Situation(measuring=True), "policy.held_measuring"),
        (Situation(open_proposal="p1"), "policy.held_open_proposal"),
        (Situation(page_open="availability"), "policy.held_page"),
    ],
)
def test_situations(situation: Situation, code: str | None) -> None:
    assert codes(snapshot(), situation=situation) == ([code] if code else [])


def test_a_recent_deployment() -> None:
    automation = Automation(after_deployment=24 * HOUR)
    assert codes(snapshot(), automation, Situation(last_deployment_at=NOW - HOUR)) == ["policy.held_deployed"]
    assert codes(snapshot(), automation, Situation(last_deployment_at=NOW - 24 * HOUR)) == []


def test_a_deployment_that_nobody_knows_of_may_be_a_recent_one() -> None:
    unknown = snapshot(deployment=GONE)
    assert codes(unknown, Automation(after_deployment=24 * HOUR)) == ["test.gone"]
    assert codes(unknown) == []


def test_stale_gaps_and_not_followed() -> None:
    whole = snapshot()
    old = replace(whole, window=Window(whole.window.start - 2 * HOUR, whole.window.end - 2 * HOUR))
    assert "policy.held_stale" in codes(old)
    holed = replace(traffic(), slices=traffic().slices[:6])
    assert "policy.held_gaps" in codes(snapshot(traffic=holed))
    assert codes(snapshot(ttl=TtlSetting(420, 2, 300, 1))) == ["policy.held_not_followed"]
    assert codes(snapshot(ttl=TtlSetting(300, 0, None, None))) == []
    assert codes(snapshot(ttl=ttl(420))) == []


@given(st.sets(st.sampled_from(["traffic", "cache", "ttl"]), min_size=1))
def test_missing_data_always_holds_back(gone: set[str]) -> None:
    assert codes(snapshot(**dict.fromkeys(gone, GONE)))
