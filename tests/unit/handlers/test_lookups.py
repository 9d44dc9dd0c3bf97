"""What Slack is asked about people: results for minutes, failures for seconds, tasks never."""

import asyncio
from dataclasses import dataclass, field

import pytest

from handlers.people import FAILED_SECONDS, LookUps
from handlers.web_api import NoAnswer, SlackTrouble

FRESH_SECONDS = 60.0


@dataclass
class Slack:
    """Answers, or fails with whatever it is told to."""

    now: float = 0.0
    fails: list[BaseException] = field(default_factory=list)
    asked: int = 0
    slow: asyncio.Event | None = None

    async def ask(self, key: str) -> str:
        self.asked += 1
        if self.slow is not None:
            await self.slow.wait()
        if self.fails:
            raise self.fails.pop()
        return key.upper()

    def look_ups(self) -> LookUps[str]:
        return LookUps(self.ask, FRESH_SECONDS, lambda: self.now)


@pytest.mark.parametrize(
    "failure",
    [NoAnswer("http 503"), AttributeError("get"), KeyError("users"), TimeoutError(), asyncio.CancelledError()],
)
async def test_a_failure_of_any_kind_is_remembered_for_seconds(failure: BaseException) -> None:
    slack = Slack(fails=[failure])
    known = slack.look_ups()
    try:
        assert isinstance(await known.of("a"), SlackTrouble)
        assert isinstance(await known.of("a"), SlackTrouble)
        assert slack.asked == 1
    except asyncio.CancelledError:
        assert isinstance(failure, asyncio.CancelledError)  # only the loop's own end does that
    slack.now += FAILED_SECONDS + 0.1
    assert await known.of("a") == "A"


async def test_a_result_is_remembered_for_as_long_as_it_is_fresh() -> None:
    slack = Slack()
    known = slack.look_ups()
    assert [await known.of("a"), await known.of("a")] == ["A", "A"]
    slack.now += FRESH_SECONDS + 0.1
    assert await known.of("a") == "A"
    assert slack.asked == 2


async def test_one_look_up_serves_everybody_and_outlives_who_gave_up() -> None:
    slack = Slack(slow=asyncio.Event())
    known = slack.look_ups()
    waiting = [asyncio.create_task(known.of("a")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert slack.slow is not None
    slack.slow.set()
    assert await asyncio.gather(*waiting[1:]) == ["A"] * 4
    assert slack.asked == 1


async def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.people.REMEMBERED", 3)
    known = Slack().look_ups()
    for n in range(10):
        await known.of(str(n))
    assert len(known._kept) == 3
    assert known._asking == {}
