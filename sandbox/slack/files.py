"""Uploaded files: an address to send bytes to, the completion, and the moment from which a picture may be used."""

import mimetypes
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError
from sandbox.slack.wire import Json

# Slack works on an upload for a while; until then a picture block that names it is refused.
USABLE_AFTER_SECONDS = 0.4


@dataclass
class StoredFile:
    """`length` as announced; `completed_at` on the monotonic clock, None until completeUploadExternal."""

    id: str
    name: str
    length: int
    user: str
    created: int
    upload_key: str
    alt_text: str = ""
    title: str = ""
    content: bytes | None = None
    completed_at: float | None = None
    shared_in: tuple[str, ...] = ()

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def path(self) -> str:
        return f"/files/{self.id}/{self.name}"


@dataclass
class Files:
    monotonic: Callable[[], float]
    wall: Callable[[], float]
    usable_after_seconds: float = USABLE_AFTER_SECONDS
    _by_id: dict[str, StoredFile] = field(default_factory=dict)

    def announce(self, name: str, length: int, user: str, alt_text: str) -> StoredFile:
        stored = StoredFile(
            id="F0" + secrets.token_hex(4).upper(),
            name=name,
            length=length,
            user=user,
            created=int(self.wall()),
            upload_key=secrets.token_urlsafe(24),
            alt_text=alt_text,
        )
        self._by_id[stored.id] = stored
        return stored

    def by_upload_key(self, key: str) -> StoredFile | None:
        return next((f for f in self._by_id.values() if f.upload_key == key), None)

    def get(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def complete(self, file_id: str, title: str) -> StoredFile:
        """Raises file_not_found, or not_uploaded when no bytes (or another number of them) came."""
        stored = self._by_id.get(file_id)
        if stored is None or stored.completed_at is not None:
            raise SlackError("file_not_found")
        if stored.content is None:
            raise SlackError("file_not_found", {"response_metadata": {"messages": ["[ERROR] no bytes were uploaded"]}})
        stored.title = title or stored.name
        stored.completed_at = self.monotonic()
        return stored

    def usable(self, stored: StoredFile) -> bool:
        return stored.completed_at is not None and self.monotonic() - stored.completed_at >= self.usable_after_seconds

    def require_usable(self, blocks: tuple[Json, ...]) -> None:
        """Raises invalid_blocks for a picture block whose upload is unknown or not ready yet."""
        for index, block in enumerate(blocks):
            for pointer, picture in _pictures(block, f"/blocks/{index}"):
                reference = picture.get("slack_file")
                if isinstance(reference, dict) and not self._reference_usable(reference):
                    problem = f"invalid slack file [json-pointer:{pointer}/slack_file]"
                    messages = {"messages": [f"[ERROR] {problem}"]}
                    raise SlackError("invalid_blocks", {"errors": [problem], "response_metadata": messages})

    def _reference_usable(self, reference: Json) -> bool:
        if "id" in reference:
            stored = self._by_id.get(str(reference["id"]))
        else:
            stored = next((f for f in self._by_id.values() if f"/{f.id}/" in str(reference.get("url"))), None)
        return stored is not None and self.usable(stored)

    def wire(self, stored: StoredFile, base_url: str, team_id: str) -> Json:
        """The file object of the Web API; the app must hold its token to fetch `url_private` on the real Slack."""
        address = base_url + stored.path
        return {
            "id": stored.id, "created": stored.created, "timestamp": stored.created, "name": stored.name,
            "title": stored.title or stored.name, "mimetype": stored.mimetype,
            "filetype": stored.name.rsplit(".", 1)[-1].lower() if "." in stored.name else "binary",
            "user": stored.user, "user_team": team_id, "editable": False, "size": len(stored.content or b""),
            "mode": "hosted", "is_external": False, "is_public": True, "alt_txt": stored.alt_text,
            "url_private": address, "url_private_download": address, "permalink": address,
            "channels": list(stored.shared_in), "file_access": "visible",
        }  # fmt: skip

    def clear(self) -> None:
        self._by_id.clear()


def _pictures(block: Json, pointer: str) -> list[tuple[str, Json]]:
    found = [(pointer, block)] if block.get("type") == "image" else []
    accessory = block.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "image":
        found.append((f"{pointer}/accessory", accessory))
    if block.get("type") == "context":
        elements = enumerate(block.get("elements", ()))
        found += [(f"{pointer}/elements/{i}", e) for i, e in elements if e.get("type") == "image"]
    return found
