"""The digest's picture: drawn without a word, explained above it, told whole in its alt text, and never in the way."""

import io
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from handlers.blocks.card import ALT_MAX, Json, Shown, illustrated, with_note
from handlers.blocks.digest import digest, turns_of_the_day
from handlers.blocks.week_picture import week_png
from lumen.model.answers import StatusReadout
from lumen.model.proposal import Change, Knob, State
from lumen.model.turn import Occasion, Turn
from lumen.model.week import HOURS_A_WEEK, Curve, Mark, Week
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import SERVICE
from tests.unit.handlers.blocks import validated
from tests.unit.handlers.test_why import MONTH, turn

EN, KO = Catalogue("en"), Catalogue("ko")
START = datetime(2026, 11, 15, 9, 0, tzinfo=ZoneInfo("Asia/Seoul"))
HOUR = timedelta(hours=1)
FLAT = (0.7,) * HOURS_A_WEEK
UP = Change(Knob.TTL, 300, 420, "s")


def week(*curves: Curve, changes: tuple[Mark, ...] = ()) -> Week:
    return Week(START, curves or (Curve("gate", (None,) * HOURS_A_WEEK), Curve("hit_rate", FLAT)), changes)


def shown(found: Week | None, words: Catalogue = EN) -> Shown:
    made = turn(MONTH)
    return digest(words, "2026-11-22", StatusReadout(SERVICE, made, (), (), None), [made], week=found)


def image(of: Shown) -> Json:
    (found,) = [block for block in of.blocks if block["type"] == "image"]
    return found


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (week(), "Seven days up to 2026-11-22 09:00 KST, from top to bottom: hit rate (%)."),
        (week(Curve("hit_rate", (None, *FLAT[1:]))), "Gaps: no data."),
        (week(Curve("gate", (60.0,) * HOURS_A_WEEK, ((3, 80.0),))), "Pale bands: what the gate could be"),
        (week(changes=(Mark(START + HOUR, UP, State.KEPT),)), "Lines are changes: green helped."),
    ],
    ids=["plain", "gap", "band", "changes"],
)
def test_what_is_seen_is_explained_and_nothing_else(found: Week, title: str) -> None:
    told = image(shown(found))["title"]["text"]
    assert title in told
    assert ("Gaps" in told) == title.startswith("Gaps")
    assert ("bands" in told) == title.startswith("Pale")
    assert ("Lines" in told) == title.startswith("Lines")


def test_the_alt_text_tells_all_of_it() -> None:
    found = week(
        Curve("gate", (None,) * HOURS_A_WEEK),
        Curve("hit_rate", (None, 0.6, *FLAT[2:])),
        Curve("p95_ms", tuple(150.0 + hour for hour in range(HOURS_A_WEEK))),
        Curve("cost_usd_per_day", (5.5,) * HOURS_A_WEEK),
        changes=(Mark(START + 5 * HOUR, UP, State.HARMFUL),),
    )
    assert image(shown(found))["alt_text"] == (
        "By the hour, up to 2026-11-22 09:00 KST. Gate: no data. "
        "Hit rate: 60% to 70%, 70% at the end (167 of 168 hours known). "
        "Latency P95: 150 to 317 ms, 317 ms at the end (168 of 168 hours known). "
        "Cost: $5.50 to $5.50 a day, $5.50 at the end (168 of 168 hours known). "
        "11-15 14:00: TTL 300 → 420 s (harmful)."
    )
    assert "마지막 70%" in image(shown(found, KO))["alt_text"]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_hundred_changes_stay_within_the_limits(locale: str) -> None:
    many = tuple(Mark(START + nth * HOUR, UP, State.APPLIED) for nth in range(100))
    made = illustrated(shown(week(changes=many), Catalogue(locale)), "F0123456789")
    assert len(image(made)["alt_text"]) <= ALT_MAX
    validated(made)


@pytest.mark.parametrize("found", [None, week(Curve("hit_rate", (None,) * HOURS_A_WEEK))])
def test_where_nothing_is_known_there_is_no_picture_and_nothing_is_said(found: Week | None) -> None:
    assert shown(found) == shown(None)
    assert shown(found).picture is None


def test_the_file_is_named_or_the_picture_goes() -> None:
    made = shown(week())
    assert image(illustrated(made, "F01"))["slack_file"] == {"id": "F01"}
    assert image(with_note(illustrated(made, "F01"), "note"))["slack_file"] == {"id": "F01"}
    assert with_note(made, "note").picture == made.picture
    assert illustrated(made, None) == shown(None)
    assert illustrated(shown(None), None) == shown(None)


def test_it_is_a_picture_with_gaps_a_band_marks_and_a_curve_that_stays_at_zero() -> None:
    drawing = pytest.importorskip("PIL.Image", reason="needs the extra charts")
    pytest.importorskip("matplotlib", reason="needs the extra charts")
    found = week(
        Curve("gate", (70.0,) * HOURS_A_WEEK, ((5, 90.0),)),
        Curve("hit_rate", (None, 0.5, None, 0.7, *FLAT[4:])),
        Curve("p95_ms", (None,) * HOURS_A_WEEK),
        Curve("cost_usd_per_day", (0.0,) * HOURS_A_WEEK),
        changes=tuple(Mark(START + 30 * HOUR, UP, state) for state in (State.KEPT, State.HARMFUL, State.APPLIED)),
    )
    drawn = drawing.open(io.BytesIO(week_png(found)))
    assert drawn.format == "PNG"
    assert drawn.width > 1000


def test_without_the_library_only_drawing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ImportError):
        week_png(shown(week()).picture.week)  # type: ignore[union-attr]


NOW = datetime(2026, 11, 22, 9, 20, tzinfo=UTC)
NINE = NOW.replace(minute=0)


def turns(*back: int, asked: tuple[int, ...] = ()) -> list[Turn]:
    """Turns of so many hours before nine, the newest first; those in `asked` were asked for by somebody."""
    made = turn(MONTH)
    return [
        replace(made, slot=NINE - hours * HOUR, occasion=Occasion.ASKED if hours in asked else Occasion.SLOT)
        for hours in sorted(back)
    ]


@pytest.mark.parametrize(
    ("found", "made", "missed"),
    [
        ([], 0, []),
        (turns(0), 1, []),
        (turns(0, asked=(0,)), 0, []),
        (turns(*range(24)), 24, []),
        (turns(*range(40)), 24, []),
        (turns(*range(1, 40)), 24, []),
        (turns(*range(2, 40)), 23, [1]),
        (turns(0, 3, 4), 3, [2, 1]),
        (turns(0, 1, 2, 3, asked=(1,)), 3, [1]),
        (turns(30), 0, list(range(24, 0, -1))),
    ],
)
def test_missed_turns_are_those_since_the_first_one(found: list[Turn], made: int, missed: list[int]) -> None:
    told, hours = turns_of_the_day(found, NOW)
    assert (len(told), list(hours)) == (made, [NINE - back * HOUR for back in missed])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (turns(*range(24)), "Turns of the day: 24 of 24 hours (0 caught up)\n"),
        (turns(0, 2), "⚠️ No turn was made at <!date^1795334400^{date_short_pretty} {time}|2026-11-22 08:00 UTC>."),
        (turns(0, 3), "⚠️ 2 hours without a turn, the first at <!date^"),
    ],
)
def test_the_digest_tells_of_missed_turns(found: list[Turn], told: str) -> None:
    status = StatusReadout(SERVICE, found[0], (), (), None, now=NOW)
    assert told in digest(EN, "2026-11-22", status, found).text
