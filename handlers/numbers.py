"""The numbers of proposals that Slack still shows: people find a proposal by its number, so each is given once."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.poster import EVENT_TYPE
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
    highest, cursor = 0, ""
    for _ in range(PAGES):
        wanted = {"channel": channel, "limit": PAGE_SIZE, "include_all_metadata": True}
        answer = await api.read("conversations.history", wanted | ({"cursor": cursor} if cursor else {}))
        own = (posted for posted in answer.objects("messages") if posted.get("user") == me)
        highest = max([highest, *(number for posted in own for number in _numbers(posted, service))])
        cursor = str(answer.maybe("response_metadata", "next_cursor") or "")
        if not cursor:
            break
    return highest


def _numbers(posted: Mapping[str, Any], service: ServiceId) -> Iterator[int]:
    """By the message's metadata, and by its buttons where Slack drops metadata."""
    told = Answer(posted)
    if told.maybe("metadata", "event_type") == EVENT_TYPE:
        surface = str(told.maybe("metadata", "event_payload", "surface") or "")
        yield from _number(surface.removeprefix(f"{service.key}/proposal/").partition("@")[0])
    for block in _dicts(posted.get("blocks")):
        for element in (*_dicts(block.get("elements")), *_dicts([block.get("accessory")])):
            words = str(element.get("value", "")).split(" ")
            if len(words) > 2 and words[0] in ("1", "2") and words[1] == service.key:
                yield from _number(words[2])


def _number(text: str) -> Iterator[int]:
    if found := _NUMBER.fullmatch(text):
        yield int(found[1])


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
