"""What `/readyz` says: the store answers and is ours (and whether it fills up); Slack can reach us."""

from collections.abc import Sequence

from bot.connection import ConnectionState
from bot.http import Readiness
from bot.memory import Memory, room_warnings
from handlers.catalogue import Catalogue
from lumen.model.errors import LumenError
from lumen.model.service import ServiceId
from lumen.state import epoch


async def store_readiness(memory: Memory, services: Sequence[ServiceId], words: Catalogue) -> Readiness:
    """A store that is nearly full is ready, and says so: people must act before it refuses decisions."""
    try:
        await epoch.check(memory.redis, services)
        short = await room_warnings(memory)
    except LumenError as error:
        return Readiness("state", False, error.reason.code)
    return Readiness("state", True, " ".join(words.plain(each) for each in short) or "ok")


def slack_readiness(state: ConnectionState | None) -> Readiness:
    """`state` None: Slack has not said yet who we are."""
    if state is None:
        return Readiness("slack", False, "Slack has not been reached yet")
    lanes = ", ".join(f"{lane.name}: {lane.phase} {lane.error}".strip() for lane in state.lanes)
    return Readiness("slack", state.ready, lanes)
