"""The Web API calls that bring a file to Slack: an address to send it to, the bytes, the completion."""

from dataclasses import dataclass

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from handlers.slack_calls import NoAnswer, SlackCalls, SlackRefused, Unreachable

#: Slack's words for a file that is not there (any more), or was announced and never completed.
_GONE = frozenset({"file_not_found", "file_deleted"})


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload that Slack waits for. Until it is completed there is no file, and nothing to clean up."""

    file_id: str
    url: str


class Uploads:
    """Each call once, and none that Slack wants to wait. A file is shared nowhere: it is seen where a block names it.

    Raises the four kinds.
    """

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._calls = SlackCalls(client, patient=False)
        self._client = client
        self._session = session

    async def begin(self, name: str, content: bytes) -> Begun:
        """Announce it and send its bytes."""
        answer = await self._calls.read("files.getUploadURLExternal", {"filename": name, "length": len(content)})
        begun = Begun(str(answer["file_id"]), str(answer["upload_url"]))
        try:
            async with self._session.post(begun.url, data=content, proxy=self._client.proxy) as response:
                if response.status != 200:
                    raise NoAnswer(f"http {response.status}")
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error
        return begun

    async def complete(self, begun: Begun, title: str) -> None:
        """From now on it is a file."""
        await self._calls.write("files.completeUploadExternal", {"files": [{"id": begun.file_id, "title": title}]})

    async def is_usable(self, file_id: str) -> bool | None:
        """Whether a block may name it: Slack looks it through first. None: there is no such file."""
        try:
            answer = await self._calls.read("files.info", {"file": file_id})
        except SlackRefused as error:
            if error.error in _GONE:
                return None
            raise
        return bool(answer["file"].get("mimetype"))
