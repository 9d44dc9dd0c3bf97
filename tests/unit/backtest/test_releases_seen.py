"""Releases of a history: which one was healthy when, as if each slice were judged as it comes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.backtest.snapshot import LOOK_BACK, SLICES_PER_HOUR, ReleasesSeen
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.incident import RevisionCount
from lumen.model.messages import message
from lumen.model.snapshot import SLICE
from lumen.policies.rollback_evidence import healthy

START = datetime(2026, 3, 2, tzinfo=UTC)
ALLOWED = 0.01
PAGE = Alert("id", "api", AlertKind.AVAILABILITY, "", Severity.PAGE, START, message("alert.data_back"))
#: How long a release serves, in slices, how many of 200 requests fail, and whether it is measured.
RELEASES = st.lists(
    st.tuples(st.integers(1, 300), st.sampled_from([0, 1, 2, 3, 50]), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=8, deadline=timedelta(seconds=20))
@given(RELEASES, st.integers(20, 400))
def test_a_release_was_healthy_when_it_was_had_each_slice_been_judged(
    releases: list[tuple[int, int, bool]], asked_every: int
) -> None:
    seen = ReleasesSeen(ALLOWED)
    slices: list[tuple[RevisionCount, ...]] = []
    naive: dict[str, datetime] = {}
    for nth, (length, failed, is_measured) in enumerate(releases):
        for _ in range(length):
            at = START + len(slices) * SLICE
            slices.append((RevisionCount(at, f"r{nth}", 200, failed),) if is_measured else ())
            seen.add(slices[-1])
            naive |= healthy((one for each in slices[-SLICES_PER_HOUR:] for one in each), ALLOWED)
            newest = next((one for each in reversed(slices[-round(LOOK_BACK / SLICE) :]) for one in each), None)
            if len(slices) % asked_every == 0 or newest is None:
                facts = seen.facts(PAGE, at + SLICE)
                older = {
                    name: when for name, when in naive.items() if newest and int(name[1:]) < int(newest.revision[1:])
                }
                expected = max(older, key=lambda name: older[name]) if older else None
                assert (facts.good_revision if facts else None) == expected
