"""The numbers of proposals that Slack still shows: people find a proposal by its number, so each is given once."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.clicks import read_value
from handlers.poster import EVENT_TYPE, Poster
from handlers.web_api import Answer, SlackApi
from lumen.model.service import ServiceId

PAGE_SIZE = 200
#: 20,000 messages back; the channel of a year.
PAGES = 100
#: Longer ones are nobody's.
_NUMBER = re.compile(r"P([0-9]{1,9})")


async def highest_number(api: SlackApi, channel: str, service: ServiceId) -> int:
    """Of a service's proposals on the bot's own messages in the channel; 0 where there is none. Raises SlackTrouble."""
    me = (await api.write("auth.test", {})).text("user_id")
    highest = 0
    async for posted in Poster(api).posted(channel, most=PAGES * PAGE_SIZE, pages=PAGES, page_size=PAGE_SIZE):
        if posted.get("user") == me:
            highest = max([highest, *_numbers(posted, service)])
    return highest


def _numbers(posted: Mapping[str, Any], service: ServiceId) -> Iterator[int]:
    """By the message's metadata, by its buttons where Slack drops metadata, and by the paragraphs of an incident's."""
    told = Answer(posted)
    if told.maybe("metadata", "event_type") == EVENT_TYPE:
        surface = str(told.maybe("metadata", "event_payload", "surface") or "")
        yield from _number(surface.removeprefix(f"{service.key}/proposal/").partition("@")[0])
    for block in _dicts(posted.get("blocks")):
        key, _, proposal_id = str(block.get("block_id", "")).removeprefix("proposal:").partition(" ")
        yield from _number(proposal_id if key == service.key else "")
        for element in (*_dicts(block.get("elements")), *_dicts([block.get("accessory")])):
            meant = read_value(str(element.get("value", "")))
            if meant is not None and meant[0] == service:
                yield from _number(meant[1])


def _number(text: str) -> Iterator[int]:
    if found := _NUMBER.fullmatch(text):
        yield int(found[1])


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
