"""ID tokens (OpenID Connect) in which Google's services say who calls: Cloud Scheduler, Pub/Sub, a person with gcloud.

google-auth verifies signature, time and audience; issuer, account and whether its address is verified are checked here.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from google.auth import exceptions as auth_exceptions
from google.auth import jwt
from google.auth.transport.requests import Request

from lumen.model.messages import Message, NotPermitted, NotVerified, SourceUnavailable, message, with_remedy

#: The keys that Google signs with, as a table of PEM certificates by key id.
CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
#: Clocks may differ by so much.
SKEW_SECONDS = 10
#: Google's tokens are a kilobyte long.
MOST_LETTERS = 8192
FETCH_SECONDS = 5.0
#: Keys are kept for as long as the answer says, within these bounds.
LEAST_KEPT_SECONDS, MOST_KEPT_SECONDS = 60.0, 86_400.0
#: So many key ids that nobody knows are looked for between two fetches that are due; forgers make no more of them.
MOST_UNKNOWN = 20
_MAX_AGE = re.compile(r"max-age=([0-9]{1,9})")
#: All that a forged token may raise.
_FORGED = (auth_exceptions.GoogleAuthError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(slots=True)
class GoogleKeys:
    """Google's certificates, fetched in a thread. `url` is CERTS_URL, but in a sandbox."""

    url: str = CERTS_URL
    _known: Mapping[str, str] = field(default_factory=dict, init=False)
    _until: float = field(default=0.0, init=False)
    _unknown: set[str] = field(default_factory=set, init=False)
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def of(self, key_id: str) -> Mapping[str, str]:
        """All that are known, fetched again when they are old, and once for an id that is not among them.

        Raises SourceUnavailable.
        """
        async with self._fetching:
            is_old = time.monotonic() >= self._until
            is_new = key_id not in self._known and key_id not in self._unknown and len(self._unknown) < MOST_UNKNOWN
            if is_old or is_new:
                self._unknown = set() if is_old else self._unknown
                await self._fetch()
            if key_id not in self._known:
                self._unknown.add(key_id)
        return self._known

    async def _fetch(self) -> None:
        try:
            answer = await asyncio.to_thread(Request(), self.url, method="GET", timeout=FETCH_SECONDS)
            keys = json.loads(answer.data)
            if answer.status != HTTPStatus.OK or not isinstance(keys, dict) or not keys:
                raise ValueError(f"HTTP {answer.status}")
        except (auth_exceptions.GoogleAuthError, ValueError, RecursionError) as error:
            detail = " ".join(str(error).split())[:120]
            raise SourceUnavailable(*with_remedy("trigger.no_keys", detail=detail)) from error
        told = _MAX_AGE.search(str(answer.headers.get("Cache-Control", "")))
        lasts = min(max(float(told[1]) if told else 0.0, LEAST_KEPT_SECONDS), MOST_KEPT_SECONDS)
        self._known = {str(name): str(pem) for name, pem in keys.items()}
        self._until = time.monotonic() + lasts


@dataclass(frozen=True, slots=True)
class CallerTokens:
    """`audience`: whom a token must be for; `account`: the service account whose it must be."""

    keys: GoogleKeys
    audience: str
    account: str

    async def check(self, token: str) -> None:
        """Raises NotVerified, NotPermitted (Google's, and may not call), SourceUnavailable (no keys to check with)."""
        if not token or len(token) > MOST_LETTERS:
            raise _refused("trigger.no_token")
        claims = await self._verified(token)
        if claims.get("iss") not in ISSUERS:
            raise _refused("trigger.other_issuer")
        if claims.get("email_verified") is not True:
            raise NotPermitted(*with_remedy("trigger.email_not_verified"))
        if claims.get("email") != self.account:
            raise NotPermitted(message("trigger.other_account"), message("trigger.other_account_remedy"))

    async def _verified(self, token: str) -> Mapping[str, object]:
        try:
            key_id = jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
            if not isinstance(key_id, str) or not key_id:
                raise ValueError("kid")
        except _FORGED as error:
            raise _refused("trigger.no_token") from error
        keys = await self.keys.of(key_id)
        try:
            claims = jwt.decode(token, certs=keys, clock_skew_in_seconds=SKEW_SECONDS)  # type: ignore[no-untyped-call]
            if not isinstance(claims, dict):
                raise TypeError("claims")
        except _FORGED as error:
            raise _refused("trigger.expired" if "expired" in str(error) else "trigger.forged") from error
        if claims.get("aud") != self.audience:
            raise _refused("trigger.other_audience")
        return claims


def _refused(code: str) -> NotVerified:
    return NotVerified(Message(code, {}), message("trigger.token_remedy"))
