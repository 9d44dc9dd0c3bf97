"""Slack's own charts: whatever the figures and names are, Slack takes the message, and no figure is made up."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from handlers.blocks.card import Card, Json, Shown, without_charts
from handlers.blocks.chart import Axis, Chart, Series, binned, drawn, interval, target, times
from lumen.model.messages import message
from lumen.wording.catalogue import Catalogue
from tests.unit.handlers.blocks import said, validated

EN, KO = (Catalogue(locale, ZoneInfo("Asia/Seoul")) for locale in ("en", "ko"))
HOUR = timedelta(hours=1)
NIGHT = datetime(2026, 11, 15, 15, tzinfo=UTC)  # midnight in Seoul, a Monday
KINDS: tuple[Literal["line", "area", "bar"], ...] = ("line", "area", "bar")
TITLE = message("word.metric_hit_rate")


def day_axis(words: Catalogue = EN) -> Axis:
    return times(words, NIGHT, 2 * HOUR, 12)


def hit_rates(*holes: int, kind: Literal["line", "area", "bar"] = "line") -> Chart:
    values = [None if at in holes else 0.7 + at / 100 for at in range(12)]
    return Chart(kind, TITLE, day_axis(), [Series("hit rate", values), target(EN, 0.8, day_axis())], "%")


def block_of(chart: Chart, words: Catalogue = EN) -> Json:
    block = drawn(words, chart).block
    assert block is not None
    return block


def categories(block: Json) -> list[str]:
    found: list[str] = block["chart"]["axis_config"]["categories"]
    return found


def shown(*charts: Chart) -> Shown:
    card = Card(EN)
    card.header(message("digest.as_of", end_at="2026-11-16T00:00:00+00:00"))
    for one in charts:
        card.chart(one)
    return card.shown()


def test_a_chart_is_in_the_readers_zone_and_says_what_it_shows() -> None:
    block = block_of(hit_rates())
    assert (block["title"], categories(block)[:2]) == ("hit rate", ["00:00", "02:00"])
    axes = block["chart"]["axis_config"]
    assert (axes["x_label"], axes["y_label"]) == ("time (KST)", "%")
    rates, level = block["chart"]["series"]
    assert rates["data"][0] == {"label": "00:00", "value": 70.0}
    assert (level["name"], {point["value"] for point in level["data"]}) == ("target", {80.0})
    made = shown(hit_rates())
    assert "hit rate: hit rate 70% (00:00) to 81% (22:00), last 81%; target 80%" in made.text
    validated(made)


def test_a_week_has_its_days_in_the_readers_language() -> None:
    assert times(EN, NIGHT, 12 * HOUR, 14).categories[:3] == ["Mon 00:00", "Mon 12:00", "Tue 00:00"]
    assert times(KO, NIGHT, 24 * HOUR, 7).categories[:2] == ["16일(월)", "17일(화)"]
    assert times(KO, NIGHT, 2 * HOUR, 12).label == "시각 (KST)"


@pytest.mark.parametrize(
    ("holes", "told"),
    [
        ((1,), "without 02:00 to 04:00"),
        ((1, 2), "without 02:00 to 06:00"),
        ((0, 11), "without 00:00 to 02:00, 22:00 to 00:00"),
        ((1, 2, 5), "without 02:00 to 06:00, 10:00 to 12:00"),
    ],
)
def test_what_has_a_hole_is_left_out_and_named(holes: tuple[int, ...], told: str) -> None:
    found = drawn(EN, hit_rates(*holes))
    assert found.block is not None
    assert (found.left_out, len(categories(found.block))) == (told, 12 - len(holes))
    assert all(len(series["data"]) == 12 - len(holes) for series in found.block["chart"]["series"])
    assert told in said(shown(hit_rates(*holes)))
    assert told in shown(hit_rates(*holes)).text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", range(13))
def test_with_more_than_a_quarter_missing_the_figures_stand_as_text(
    missing: int, kind: Literal["line", "area", "bar"]
) -> None:
    found = drawn(EN, hit_rates(*range(missing), kind=kind))
    if missing == 12:  # nothing but the target is known, which is not worth a chart by itself
        found = drawn(EN, Chart(kind, TITLE, day_axis(), [Series("hit rate", [None] * 12)], "%"))
        assert found.said[1] == "hit rate: no data"
    elif missing > 3:
        assert found.said[1].startswith(f"hit rate: {2 * missing:02}:00 {70 + missing}%")
        assert found.said[-1] == f"without 00:00 to {2 * missing:02}:00"
    assert (found.block is None) == (missing > 3)


def test_a_series_of_which_nothing_is_known_says_so_and_hides_no_other() -> None:
    both = [Series("00042", [1.0] * 12), Series("00041", [None] * 12)]
    found = drawn(EN, Chart("bar", TITLE, day_axis(), both))
    assert found.block is not None
    assert [one["name"] for one in found.block["chart"]["series"]] == ["00042"]
    assert "00041: no data" in found.said[0]


def test_one_point_is_no_curve_but_a_bar() -> None:
    axis = Axis("TTL", ["300 s"])
    assert drawn(EN, Chart("line", TITLE, axis, [Series("a", [1.0])])).block is None
    assert drawn(EN, Chart("bar", TITLE, axis, [Series("a", [1.0])])).block is not None


def test_long_names_keep_what_tells_them_apart() -> None:
    names = [f"a-very-long-service-name-{number:05}-dvt" for number in (41, 42)] + ["a" * 30, "a" * 30]
    block = block_of(Chart("bar", TITLE, day_axis(), [Series(name, [1.0] * 12) for name in names]))
    fitting = [one["name"] for one in block["chart"]["series"]]
    assert fitting[:2] == ["a-very…ame-00041-dvt", "a-very…ame-00042-dvt"]
    assert len(set(fitting)) == 4


def test_series_beyond_six_and_charts_beyond_two_are_told_in_words() -> None:
    many = Chart("line", TITLE, day_axis(), [Series(f"r{at}", [float(at)] * 12) for at in range(8)], "ms")
    found = drawn(EN, many)
    assert found.left_out == "r6 is not drawn; r7 is not drawn"
    assert "r7 7 ms" in found.said[0]
    made = shown(many, hit_rates(), hit_rates(1))
    assert [block["type"] for block in made.blocks].count("data_visualization") == 2
    assert made.text.count("hit rate 70%") == 2
    validated(made)


def test_an_interval_is_three_lines() -> None:
    low, middle, high = interval(EN, "hit rate", [0.1, 0.2], [0.2, 0.3], [0.3, 0.4])
    assert [one.name for one in (low, middle, high)] == ["hit rate, at least", "hit rate", "hit rate, at most"]
    assert (low.values, high.values) == ([0.1, 0.2], [0.3, 0.4])


def test_a_span_has_the_mean_of_what_is_known_and_else_none() -> None:
    points = [(NIGHT - HOUR, 9.0), (NIGHT, 1.0), (NIGHT + HOUR, 3.0), (NIGHT + 2 * HOUR, None), (NIGHT + 4 * HOUR, 5.0)]
    assert binned(points, NIGHT, 2 * HOUR, 3) == [2.0, None, 5.0]
    assert binned(points, NIGHT, 2 * HOUR, 2) == [2.0, None]


def test_the_hour_that_a_clock_shows_twice_is_there_twice() -> None:
    berlin = Catalogue("en", ZoneInfo("Europe/Berlin"))
    axis = times(berlin, datetime(2026, 10, 24, 23, tzinfo=UTC), HOUR, 4)
    assert axis.categories == ["01:00", "02:00", "02:00", "03:00"]
    assert categories(block_of(Chart("line", TITLE, axis, [Series("a", [1.0] * 4)]))) == [
        "01:00", "02:00", "02:00 2", "03:00",
    ]  # fmt: skip


def test_without_charts_their_words_stand_in_their_place() -> None:
    made = shown(hit_rates(1), hit_rates())
    bare = without_charts(made)
    assert [block["type"] for block in bare.blocks] == ["header", "section", "context", "section"]
    assert (bare.text, bare.charts) == (made.text, ())
    assert "hit rate 70% (00:00) to 81%" in bare.blocks[1]["text"]["text"]
    validated(bare)


def test_a_text_that_is_too_long_keeps_what_its_charts_say() -> None:
    card = Card(EN)
    card.lines(["word " * 400] * 3)
    card.chart(hit_rates())
    card.lines(["word " * 400] * 3)
    made = card.shown()
    assert made.text.endswith("hit rate: hit rate 70% (00:00) to 81% (22:00), last 81%; target 80%")
    validated(made)


def test_what_cannot_be_a_chart_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="21 categories"):
        Chart("line", TITLE, Axis("", [str(at) for at in range(21)]), [])
    with pytest.raises(ValueError, match="2 categories"):
        Chart("line", TITLE, Axis("", ["a", "b"]), [Series("a", [1.0])])


FIGURES = some.one_of(some.none(), some.floats(), some.integers(-(10**9), 10**9))


@some.composite
def any_chart(draw: some.DrawFn) -> Chart:
    labels = draw(some.lists(some.text(max_size=40), max_size=20))
    values = some.lists(FIGURES, min_size=len(labels), max_size=len(labels))
    series = draw(some.lists(some.builds(Series, some.text(max_size=60), values), max_size=8))
    title = message("chart.listed", name=draw(some.text(max_size=90)), figures="")
    ends = draw(some.sampled_from([(), tuple(labels)]))
    unit = draw(some.sampled_from(["%", "$", "", "ms", "x" * 60]))
    return Chart(draw(some.sampled_from(KINDS)), title, Axis(draw(some.text(max_size=70)), labels, ends), series, unit)


@given(some.lists(any_chart(), min_size=1, max_size=3), some.sampled_from([EN, KO]))
def test_no_figures_and_no_names_make_a_message_that_slack_does_not_take(charts: list[Chart], words: Catalogue) -> None:
    card = Card(words)
    card.header(message("digest.as_of", end_at="2026-11-16T00:00:00+00:00"))
    for one in charts:
        card.chart(one)
    validated(card.shown())
    validated(without_charts(card.shown()))
