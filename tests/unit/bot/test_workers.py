"""Work in the background goes on over trouble that passes, and ends by what never will."""

import asyncio

import pytest

from bot.workers import Worker
from lumen.model.messages import LumenError, OtherSchema, StoreUnavailable, message

WHY = message("state.unreachable", where="here", detail="gone"), message("state.unreachable_remedy", where="here")


@pytest.mark.parametrize("trouble", [StoreUnavailable(*WHY), LumenError(*WHY), ValueError("odd"), OSError()])
async def test_trouble_that_passes_ends_no_work(trouble: Exception) -> None:
    worker, runs = Worker("test", 60.0), 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            worker.kick()
            raise trouble
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await worker.run(job)
    assert runs == 3


async def test_another_layout_of_the_store_ends_the_bot() -> None:
    """A newer version has brought it there: Slack must not go on sending clicks to whoever can decide none."""

    async def job() -> None:
        raise OtherSchema(*WHY)

    with pytest.raises(OtherSchema):
        await Worker("test", 60.0).run(job)
