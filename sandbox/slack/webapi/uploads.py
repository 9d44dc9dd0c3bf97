"""files.getUploadURLExternal, files.completeUploadExternal, files.info."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.directory import Directory
from sandbox.slack.errors import SlackError, invalid_arguments
from sandbox.slack.files import Files, StoredFile
from sandbox.slack.posting import Draft, Posting
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.wire import Json

LARGEST_BYTES = 1 << 30


@dataclass(frozen=True)
class Uploads:
    directory: Directory
    files: Files
    posting: Posting
    base_url: Callable[[], str]

    def methods(self) -> tuple[Method, ...]:
        return (
            Method("files.getUploadURLExternal", self.get_upload_url, ("files:write",)),
            Method("files.completeUploadExternal", self.complete, ("files:write",)),
            Method("files.info", self.info, ("files:read",)),
        )

    async def get_upload_url(self, call: Call) -> Json:
        length = call.whole("length", 0, 0, LARGEST_BYTES)
        if length == 0:
            raise invalid_arguments("missing required field: length")
        stored = self.files.announce(
            call.text("filename"), length, self.directory.app.bot_user_id, call.maybe_text("alt_txt") or ""
        )
        return {"upload_url": f"{self.base_url()}/upload/v1/{stored.upload_key}", "file_id": stored.id}

    async def complete(self, call: Call) -> Json:
        wanted = call.structure("files")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(f, dict) for f in wanted):
            raise invalid_arguments("must be an array of objects [json-pointer:/files]")
        channels = [c for c in [call.maybe_text("channel_id")] if c] + (call.maybe_text("channels") or "").split(",")
        places = [self._place(c.strip()) for c in channels if c.strip()]
        done = [self.files.complete(str(f.get("id")), str(f.get("title") or "")) for f in wanted]
        for place in places:
            self._share(done, place, call)
        return {"files": [self._wire(f) for f in done]}

    async def info(self, call: Call) -> Json:
        stored = self.files.get(call.text("file"))
        if stored is None or stored.completed_at is None:
            raise SlackError("file_not_found")
        return {"file": self._wire(stored), "comments": []}

    def _share(self, done: list[StoredFile], channel_id: str, call: Call) -> None:
        for stored in done:
            stored.shared_in = (*stored.shared_in, channel_id)
        comment = call.maybe_text("initial_comment") or ""
        blocks = call.structure("blocks")
        if comment or blocks:
            draft = self.posting.draft({"text": comment, "blocks": blocks})
        else:
            draft = Draft("", (), (), None, has_blocks=False, has_text=False)
        file_ids = tuple(f.id for f in done)
        self.posting.post(draft, channel_id, thread_ts=call.maybe_text("thread_ts"), file_ids=file_ids)

    def _place(self, channel_id: str) -> str:
        channel = self.directory.channels.get(channel_id)
        if channel is None:
            raise SlackError("channel_not_found")
        if self.directory.app.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
        return channel.id

    def _wire(self, stored: StoredFile) -> Json:
        """As long as Slack looks a file through it says of no kind."""
        wire = self.files.wire(stored, self.base_url(), self.directory.team.id)
        return wire if self.files.usable(stored) else wire | {"mimetype": "", "filetype": ""}
