"""One POST a call, once: whoever calls tries again, from what is stored. Bounded, and never redirected elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp

from lumen.model.errors import PagerRefused, PagerUnavailable
from lumen.model.message import message
from lumen.ports.calling import PagerCall

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"
Form = Callable[[PagerCall], Json]

REQUEST_SECONDS = 10.0
#: Of an answer that says no: enough to see why.
SAID_MAX = 200
#: "Not now" rather than "no".
_LATER = frozenset({408, 425, 429})


class WebhookPager:
    """`lumen.ports.calling.Pager`. `form` makes the body; `must_hear_again`: a pager that forgets what is not told."""

    def __init__(self, url: str, form: Form, *, must_hear_again: bool) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""  # the rest of the URL may be a secret
        self._form = form
        self.must_hear_again = must_hear_again

    async def call(self, call: PagerCall) -> None:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.post(self._url, json=self._form(call), allow_redirects=False) as answer,
            ):
                status, headers = answer.status, answer.headers
                said = "" if status < 300 else (await answer.text(errors="replace"))[:SAID_MAX]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise PagerUnavailable(
                message("pager.no_answer", host=self._host, error=type(error).__name__), message("pager.remedy")
            ) from error
        if status < 300:
            return
        reason = message("pager.refused", host=self._host, status=status, said=" ".join(said.split()))
        if status >= 500 or status in _LATER:
            raise PagerUnavailable(reason, message("pager.remedy"), _retry_after_seconds(headers))
        raise PagerRefused(reason, message("pager.remedy"))


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0  # a date: our own pace will do
