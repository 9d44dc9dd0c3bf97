"""Maturity: parts, weights, coverage, levels."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lumen.exporters.deployments import Outage, deployments, incidents
from lumen.exporters.maturity import ANCHORS, assess_maturity, level_of
from lumen.exporters.slo import assess_slo
from lumen.model.assessment import GateVerdict, MaturityAssessment, Part
from lumen.model.messages import NoData
from lumen.model.snapshot import Deployment, Revision
from tests.snapshots import GONE, NOW, START, cache, deployment, history, snapshot


def judged(**changes: object) -> MaturityAssessment:
    seen = snapshot(**changes)
    return assess_maturity(seen, assess_slo(seen))


def part(found: MaturityAssessment, name: str) -> Part:
    return next(p for p in found.score.parts if p.name == name)


def test_weights_add_up_to_one() -> None:
    assert sum(weight for weight, _ in ANCHORS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("score", "level"), [(0, 1), (19.9, 1), (20, 2), (59, 3), (60, 4), (80 - 1e-12, 5), (82, 5), (100, 5)]
)
def test_one_level_per_twenty_points(score: float, level: int) -> None:
    assert level_of(score) == level


def test_a_healthy_service_is_on_the_top_level() -> None:
    found = judged(cache=cache(0.85))
    assert isinstance(found.score.value, float)
    assert found.score.value > 80
    assert (found.level, found.verdict, found.score.coverage) == (5, GateVerdict.PASS, 1.0)


def test_without_history_too_little_is_known() -> None:
    found = judged(history=GONE)
    assert isinstance(found.score.value, NoData)
    assert (found.level, found.verdict) == (None, GateVerdict.NO_DATA)
    assert found.score.coverage == pytest.approx(0.60)


def test_unread_errors_are_no_good_hours() -> None:
    found = judged(history=history(errors_5xx=()))
    assert isinstance(part(found, "recovery_hours").score, NoData)


def test_a_deployment_with_an_incident_after_it_failed() -> None:
    errors = [0] * 168
    errors[150:153] = [100] * 3
    at = START - timedelta(hours=168 - 149)
    found = judged(history=history(errors_5xx=tuple(errors)), deployment=deployment((NOW - at) / timedelta(days=1), 20))
    assert part(found, "change_failure_rate").value == 1.0
    assert part(found, "recovery_hours").value == 3.0


@pytest.mark.parametrize(("left", "rate", "weekly"), [(None, 0.0, 0.25), (NOW, 0.5, 0.5)])
def test_a_release_that_was_rolled_back_failed_though_no_hour_was_bad(
    left: datetime | None, rate: float, weekly: float
) -> None:
    """Without what Lumen remembers, traffic that was never there and traffic that was taken away look alike."""
    newest, good = deployment(1, 3).revisions
    pinned = (replace(newest, traffic_percent=0, left_at=left), replace(good, traffic_percent=100))
    found = judged(deployment=replace(deployment(1, 3), revisions=pinned, pinned_revision=good.name))
    assert part(found, "change_failure_rate").value == rate
    assert part(found, "deployments_per_week").value == weekly


def test_without_a_deployment_there_is_no_failure_rate_and_nothing_is_missing() -> None:
    found = judged(deployment=deployment(40))
    rate = part(found, "change_failure_rate")
    assert isinstance(rate.value, NoData)
    assert (rate.weight, found.score.coverage, found.score.is_whole) == (0.0, 1.0, True)
    gone = judged(deployment=GONE)
    assert part(gone, "change_failure_rate").weight > 0
    assert not gone.score.is_whole


def test_incidents_are_runs_of_bad_hours_that_gaps_do_not_end() -> None:
    requests = (1000, 1000, None, 1000, 1000, 10, 1000)
    errors = (0, 50, None, 50, 0, 10, 50)
    hour = timedelta(hours=1)
    start = history().start
    assert incidents(history(requests, (1.0,) * 7, errors)) == (
        Outage(start + hour, start + 4 * hour),
        Outage(start + 6 * hour, start + 7 * hour),
    )


def test_only_a_new_image_that_serves_is_a_deployment() -> None:
    def revision(name: str, days: int, image: str, percent: int) -> Revision:
        return Revision(name, NOW - timedelta(days=days), image, percent)

    service = Deployment(
        "e", 300, 512, 0, None,
        (
            revision("d", 1, "three", 0),
            revision("c", 2, "two", 100),
            revision("b", 3, "two", 0),
            revision("a", 4, "one", 0),
        ),
        True,
    )  # fmt: skip
    assert deployments(service) == (NOW - timedelta(days=4), NOW - timedelta(days=3))
