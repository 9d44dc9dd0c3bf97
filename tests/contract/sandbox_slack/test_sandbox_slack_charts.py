"""Slack's own charts: what is just allowed passes, whatever Slack would not draw is refused with its pointer."""

from copy import deepcopy
from typing import Any

import pytest

from sandbox.slack.blockkit.surfaces import message_blocks
from sandbox.slack.errors import SlackError
from tests.contract.sandbox_slack.blocks import Json, modal
from tests.slack_workspace import World

T = "x"


def chart(categories: int = 2, series: int = 1, kind: str = "line") -> Json:
    labels = [f"{at:02}".rjust(20, "l") for at in range(categories)]
    data = [{"label": label, "value": 0.5 * at} for at, label in enumerate(labels)]
    named = [{"name": f"{one}".rjust(20, "n"), "data": deepcopy(data)} for one in range(series)]
    axes = {"categories": labels, "x_label": T * 50, "y_label": T * 50}
    drawing = {"type": kind, "series": named, "axis_config": axes}
    return {"type": "data_visualization", "title": T * 50, "chart": drawing}


def changed(path: str, value: Any, **made: Any) -> Json:
    """A chart with something else in one place."""
    block = chart(**made)
    way: list[Any] = [int(step) if step.isdigit() else step for step in path.split("/")]
    last = way.pop()
    place: Any = block
    for step in way:
        place = place[step]
    if value is None and isinstance(place, list):
        del place[last]
    else:
        place[last] = value
    return block


PIE = {"type": "pie", "segments": [{"label": str(at), "value": at} for at in range(6)]}
ONE, POINT, AXES = "chart/series/0", "chart/series/0/data/0", "chart/axis_config"
ZERO, LAST = "0".rjust(20, "n"), "01".rjust(20, "l")
NUMBER, NO_VALUE, UNMATCHED = "must be a number", "missing required field: value", "labels must match the categories"
SHORT, EMPTY, FEW = "must be less than 21 characters", "must be more than 0 characters", "no fewer than 1 items allowed"

#: A chart, what Slack says about it, and where.
REFUSED: list[tuple[Json, str, str]] = [
    (changed(f"{POINT}/value", {}), NUMBER, f"{POINT}/value"),
    (changed(f"{POINT}/value", "1"), NUMBER, f"{POINT}/value"),
    (changed(f"{POINT}/value", True), NUMBER, f"{POINT}/value"),
    (changed(f"{POINT}/value", float("nan")), NUMBER, f"{POINT}/value"),
    (changed(POINT, {"label": T}), NO_VALUE, POINT),
    (changed(POINT, {"label": T, "value": None}), NO_VALUE, POINT),
    (changed(POINT, None), UNMATCHED, f"{ONE}/data"),
    (changed(f"{AXES}/categories/1", None), UNMATCHED, f"{ONE}/data"),
    (changed(f"{POINT}/label", LAST), f"duplicate label: {LAST}", f"{ONE}/data"),
    (changed(f"{POINT}/label", T * 21), SHORT, f"{POINT}/label"),
    (chart(categories=21), "no more than 20 items allowed", f"{AXES}/categories"),
    (chart(categories=0), FEW, f"{AXES}/categories"),
    (chart(series=7), "no more than 6 items allowed", "chart/series"),
    (chart(series=0), FEW, "chart/series"),
    (changed(f"{ONE}/name", T * 21), SHORT, f"{ONE}/name"),
    (changed(f"{ONE}/name", ""), EMPTY, f"{ONE}/name"),
    (changed("chart/series/1/name", ZERO, series=2), f"duplicate label: {ZERO}", "chart/series"),
    (changed("title", T * 51), "must be less than 51 characters", "title"),
    (changed("title", {"type": "plain_text", "text": T}), "must be a string", "title"),
    (changed(f"{AXES}/x_label", T * 51), "must be less than 51 characters", f"{AXES}/x_label"),
    (changed("chart/type", "scatter"), "unsupported type: scatter", "chart/type"),
    (changed("alt_text", T), "invalid additional property: alt_text", ""),
    (changed("chart/bands", []), "invalid additional property: bands", "chart"),
    (changed(f"{ONE}/color", "red"), "invalid additional property: color", ONE),
    (changed("chart", {"type": "line"}), "missing required field: series", "chart"),
    (changed("chart", {"type": "pie", "segments": []}), FEW, "chart/segments"),
]


@pytest.mark.parametrize("kind", ["line", "area", "bar"])
def test_what_a_chart_may_just_be(kind: str) -> None:
    most = chart(categories=20, series=6, kind=kind)
    assert len(message_blocks([most, {"type": "data_visualization", "title": T, "chart": PIE}])) == 2


@pytest.mark.parametrize(("block", "problem", "path"), REFUSED)
def test_what_a_chart_may_not_be(block: Json, problem: str, path: str) -> None:
    with pytest.raises(SlackError) as refused:
        message_blocks([block])
    assert refused.value.code == "invalid_blocks"
    assert f"{problem} [json-pointer:{'/'.join(['/blocks/0', path]).rstrip('/')}]" in refused.value.details["errors"]


def test_two_charts_a_message_and_no_more() -> None:
    assert len(message_blocks([chart()] * 2)) == 2
    with pytest.raises(SlackError) as refused:
        message_blocks([chart()] * 3)
    assert refused.value.details["errors"] == [
        "no more than 2 data_visualization blocks allowed [json-pointer:/blocks/2]"
    ]


async def test_a_workspace_without_charts(world: World) -> None:
    world.server.faults.refuses_charts = True
    refused = await world.call("chat.postMessage", channel=world.channel, text="x", blocks=[chart()])
    assert (refused["error"], refused["errors"]) == (
        "invalid_blocks",
        ["unsupported type: data_visualization [json-pointer:/blocks/0/type]"],
    )
    world.server.faults.clear()
    posted = await world.call("chat.postMessage", channel=world.channel, text="x", blocks=[chart()])
    assert posted["ok"], posted
    opened = await world.call("views.open", trigger_id=world.server.triggers.issue(world.approver), view=modal(chart()))
    assert "unsupported type: data_visualization [json-pointer:/view/blocks/0/type]" in opened["errors"]
