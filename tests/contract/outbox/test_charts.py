"""A workspace without Slack's own charts gets each message all the same, and only then is it taken to be one."""

import pytest

from handlers.charts import Charts
from lumen.ports.store import Surface
from sandbox.client import SeenMessage
from tests.contract.outbox.conftest import Desk
from tests.contract.sandbox_slack.blocks import Json
from tests.contract.slack.side import SERVICE

CHART: Json = {
    "type": "data_visualization",
    "title": "Hit rate",
    "chart": {
        "type": "line",
        "series": [{"name": "hit rate", "data": [{"label": "00:00", "value": 70}, {"label": "02:00", "value": 71}]}],
        "axis_config": {"categories": ["00:00", "02:00"]},
    },
}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.outbox.BACKOFF_FIRST_SECONDS", 0.05)
    monkeypatch.setattr("handlers.outbox.BACKOFF_LONGEST_SECONDS", 0.2)


async def charted(desk: Desk, text: str, chart: Json = CHART, key: str = "digest") -> Surface:
    surface = Surface(SERVICE, "proposal", key)
    desk.pages.charts[surface] = chart
    return await desk.show(key, text)


def kinds(seen: SeenMessage) -> list[str]:
    return [block["type"] for block in seen.raw["blocks"]]


async def sent(desk: Desk, method: str) -> int:
    return len(await desk.slack.control.calls(method=method))


async def test_where_slack_takes_charts_they_are_there(desk: Desk) -> None:
    desk.start()
    await charted(desk, "digest")
    (seen,) = await desk.seen("digest")
    assert kinds(seen) == ["section", "data_visualization"]


async def test_a_workspace_without_charts_gets_it_once_more_without_and_is_remembered(desk: Desk) -> None:
    await desk.slack.control.refuse_charts()
    desk.start()
    await charted(desk, "digest")
    (seen,) = await desk.seen("digest")
    assert kinds(seen) == ["section", "section"]
    assert "what the chart says" in seen.words()
    assert await sent(desk, "chat.postMessage") == 2
    await charted(desk, "edited")
    await desk.seen("edited")
    assert await sent(desk, "chat.update") == 1
    desk.charts._without_until = 0.0  # a day later
    await desk.slack.control.refuse_charts(False)
    await charted(desk, "with charts")
    (seen,) = await desk.seen("with charts")
    assert kinds(seen) == ["section", "data_visualization"]


async def test_an_edit_in_a_workspace_without_charts_goes_without(desk: Desk) -> None:
    desk.start()
    await charted(desk, "digest")
    await desk.seen("digest")
    await desk.slack.control.refuse_charts()
    await charted(desk, "edited")
    (seen,) = await desk.seen("edited")
    assert kinds(seen) == ["section", "section"]


async def test_blocks_that_are_wrong_without_charts_too_say_nothing_against_charts(desk: Desk) -> None:
    await desk.slack.control.fault("chat.postMessage", "error", times=2, error="invalid_blocks")
    desk.start()
    await charted(desk, "digest")
    (seen,) = await desk.seen("digest")
    assert kinds(seen) == ["section", "data_visualization"], "the third try: nothing was concluded from two refusals"


@pytest.mark.parametrize("error", ["channel_not_found", "msg_too_long", "invalid_blocks_format"])
async def test_another_refusal_is_not_tried_without_charts(desk: Desk, error: str) -> None:
    await desk.slack.control.fault("chat.postMessage", "error", times=1, error=error)
    desk.start()
    await charted(desk, "digest")
    (seen,) = await desk.seen("digest")
    assert kinds(seen) == ["section", "data_visualization"]
    assert await sent(desk, "chat.postMessage") == 2


async def test_each_replica_finds_out_for_itself(desk: Desk) -> None:
    await desk.slack.control.refuse_charts()
    desk.start()
    await charted(desk, "digest")
    await desk.seen("digest")
    await desk.stop()
    desk.charts = Charts()
    desk.start()
    await charted(desk, "edited")
    await desk.seen("edited")
    assert await sent(desk, "chat.update") == 2
