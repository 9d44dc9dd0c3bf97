"""Messages and the page live in the world's time, as the words of a bot in that world do."""

from datetime import UTC, datetime, timedelta

from sandbox.clock import Clock
from sandbox.slack.server import SlackServer


def test_messages_are_stamped_by_the_worlds_clock_and_the_page_is_told_of_it() -> None:
    origin = datetime.now(UTC) - timedelta(hours=1)
    clock = Clock(60.0, origin)
    server = SlackServer(clock=clock, guide=({"command": "/lumen status"},))
    ts = server.log.timestamps.next()
    assert 0 <= clock.seconds() - float(ts) < 600
    snapshot = server.shown.snapshot(server.facts().approver)
    assert snapshot["clock"] == {"scale": 60.0, "origin": clock.origin.isoformat()}
    assert snapshot["guide"] == [{"command": "/lumen status"}]
