"""Logs open no door: at DEBUG, through refused tickets, torn connections, clicks and answers."""

import asyncio
import io
import logging

import pytest
import structlog

from bot.logs import configure_logs, without_secrets
from bot.wiring.slack import open_slack
from handlers.blocks.proposal import APPROVE, DETAILS
from tests.contract.slack.conftest import RunningSlack, settings_of
from tests.contract.slack.side import Rooms
from tests.contract.slack.test_commands_and_clicks import answer, proposed


@pytest.fixture
def raw() -> io.StringIO:
    """What loggers are given at DEBUG, before anything is redacted."""
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.addFilter(lambda record: record.name != "aiohttp.access")  # the sandbox, in this very process
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    return written


async def test_debug_never_logs_a_ticket_nor_a_token(slack: RunningSlack, rooms: Rooms, raw: io.StringIO) -> None:
    issued: list[str] = []
    hub, urls = slack.server.hub, slack.server.response_urls
    issue = hub.issue_ticket

    def noted() -> str:
        issued.append(issue())
        return issued[-1]

    hub.issue_ticket = noted  # type: ignore[method-assign]
    await slack.control.sockets("reject_tickets", count=1)
    async with open_slack(settings_of(slack, rooms), rooms.as_lumen(), rooms.kicks.kick) as joined:
        running = asyncio.create_task(joined.run())
        await slack.control.wait_for_connections(1)
        posted = await proposed(slack)
        await slack.control.fault("response_url", "answer", status=500)
        await slack.control.click(posted, DETAILS)
        await slack.control.click(posted, APPROVE)
        await answer(slack, "you approved it")
        await slack.control.sockets("reset")
        await slack.control.wait_for_connections(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    state, said = joined.state(), raw.getvalue()
    assert "slack_unreachable" in said
    secrets = [*issued, *urls._addresses, slack.facts.bot_token, slack.facts.app_token]
    assert len(secrets) >= 6
    assert [secret for secret in secrets if secret in said or secret in str(state)] == []


def test_what_a_library_logs_is_redacted() -> None:
    line = "url='wss://wss-1.slack.com/link/?ticket=ab-c_1&app_id=A1' xoxb-12-ab https://hooks.slack.com/actions/T0/1/k"
    assert without_secrets(None, "", line) == (
        "url='wss://wss-1.slack.com/link/?ticket=(redacted)&app_id=A1' xoxb-(redacted) https://hooks.slack.com/(redacted)"
    )


def test_the_bot_s_logs_are_redacted(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("DEBUG")
    try:
        raise ValueError("url=wss://x/?ticket=secret1")
    except ValueError:
        logging.getLogger("library").exception("token xapp-secret2")
    structlog.get_logger().warning("broke", url="http://127.0.0.1/response/secret3")
    said = capfd.readouterr().err
    assert "(redacted)" in said
    assert "secret" not in said


@pytest.mark.parametrize(("level", "told"), [("DEBUG", True), ("INFO", False)])
def test_a_log_tells_of_every_wake_only_when_it_tells_everything(
    level: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = logging.getLogger("apscheduler")
    monkeypatch.setattr(jobs, "level", logging.NOTSET)
    configure_logs(level)
    assert (jobs.level == logging.NOTSET) == told
    assert jobs.level <= logging.WARNING
