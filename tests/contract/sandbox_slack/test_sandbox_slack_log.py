"""The message log under any order of posting, replying and removing: counts, order and timestamps stay true."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.directory import standard_directory
from sandbox.slack.messages import Message, MessageLog, Timestamps

CHANNEL = "C0IONALERT"


def fresh_log() -> MessageLog:
    return MessageLog(standard_directory("Lumen"), Timestamps(lambda: 1_700_000_000.0))


@given(st.lists(st.tuples(st.sampled_from(["post", "reply", "whisper", "remove"]), st.integers(0, 20)), max_size=60))
def test_threads_hold_what_was_posted_and_not_removed(deeds: list[tuple[str, int]]) -> None:
    log = fresh_log()
    expected: dict[str, Message] = {}
    for deed, number in deeds:
        parents = [m for m in expected.values() if m.thread_ts is None]
        if deed == "remove":
            if expected:
                gone = list(expected.values())[number % len(expected)]
                del expected[gone.ts]
                log.remove(gone)
            continue
        thread_ts = parents[number % len(parents)].ts if parents and deed != "post" else None
        ephemeral_to = "U0MINA0001" if deed == "whisper" else None
        message = Message(
            log.timestamps.next(), CHANNEL, "U0MINA0001", deed, (), (), thread_ts, ephemeral_to=ephemeral_to
        )
        expected[message.ts] = log.post(message)
    assert list(log.in_channel(CHANNEL)) == list(expected.values())
    for message in expected.values():
        if message.thread_ts is None:
            replies = [m for m in expected.values() if m.thread_ts == message.ts and m.ephemeral_to is None]
            assert log.replies(CHANNEL, message.ts) == replies
            assert log.wire(message).get("reply_count", 0) == len(replies)


@given(st.lists(st.floats(0, 2_000_000_000), min_size=1, max_size=50))
def test_timestamps_are_never_the_same_and_never_go_back(walls: list[float]) -> None:
    readings = iter(walls)
    timestamps = Timestamps(lambda: next(readings))
    given_out = [timestamps.next() for _ in walls]
    assert given_out == sorted(set(given_out), key=float)
    assert all(len(ts.split(".")[1]) == 6 for ts in given_out)
