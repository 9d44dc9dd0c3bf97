"""`/lumen pause`, `resume`, `emergency` and their buttons: rights first, then one step, then an answer."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from handlers.answering import Answers
from handlers.background import Background
from handlers.catalogue import Catalogue
from handlers.clicks import addressee, read_click
from handlers.people import Languages
from handlers.rights import Refusal, Rights
from handlers.use_cases import Announcer, Emergency, Readouts
from handlers.views import answers as show
from handlers.views import emergency as view
from handlers.views.card import Shown
from handlers.views.words import iso
from lumen.model.errors import LumenError
from lumen.model.message import message
from lumen.model.service import Person, ServiceId
from lumen.ports.state import Audit

_log = structlog.get_logger(__name__)

Ack = Callable[[], Awaitable[Any]]
Body = Mapping[str, Any]


class Emergencies:
    """Only who may approve may do any of this; explaining it is for everybody."""

    def __init__(
        self,
        emergency: Emergency,
        readouts: Readouts,
        rights: Rights,
        audit: Audit,
        answers: Answers,
        languages: Languages,
        background: Background,
        announcer: Announcer,
        safe_ttl_seconds: int,
        support: str = "",
    ) -> None:
        """`support`: whom to ask about this installation, or empty."""
        self._support = support
        self._emergency = emergency
        self._readouts = readouts
        self._rights = rights
        self._audit = audit
        self._answers = answers
        self._languages = languages
        self._background = background
        self._announcer = announcer
        self._safe_ttl_seconds = safe_ttl_seconds

    async def explained(self, words: Catalogue, service: ServiceId) -> Shown:
        """`/lumen emergency`."""
        paused = (await self._readouts.status(service)).pause is not None
        return view.emergency_card(words, service, self._safe_ttl_seconds, paused=paused)

    async def paused(
        self, words: Catalogue, service: ServiceId, person: Person, app_id: str, lasts: timedelta | None
    ) -> Shown:
        """`/lumen pause [duration]`."""
        refusal = await self._refused(service, person, app_id, view.PAUSE)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        pause = await self._emergency.pause(service, person, lasts)
        self._announcer.kick()
        if pause.until is None:
            return show.said(words, message("emergency.paused"))
        return show.said(words, message("emergency.paused_until", until_at=iso(pause.until)))

    async def resumed(self, words: Catalogue, service: ServiceId, person: Person, app_id: str) -> Shown:
        """`/lumen resume`. Raises NotPossible."""
        refusal = await self._refused(service, person, app_id, view.RESUME)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        await self._emergency.resume(service, person)
        self._announcer.kick()
        return show.said(words, message("emergency.resumed"))

    async def rolled_back(
        self, words: Catalogue, service: ServiceId, person: Person, revision: str, request_id: str
    ) -> Shown:
        """`/lumen rollback [revision]` proposes, which is anybody's right. Raises NotPossible, SourceUnavailable."""
        made = await self._emergency.roll_back(service, person, revision, request_id)
        self._announcer.kick()
        return show.proposed(words, made)

    async def on_button(self, ack: Ack, body: Body) -> None:
        """Bolt's listener for all of `view.ACTIONS`: nothing is decided here, so the ack comes first."""
        await ack()
        self._background.start(self._answer(body))

    async def _answer(self, body: Body) -> None:
        """Never raises."""
        to = addressee(body)
        words = await self._languages.of(to.user_id)
        click = read_click(body)
        try:
            if click is None:
                shown = show.said(words, message("slack.unknown_action"))
            else:
                shown = await self._done(
                    words, click.service, click.person, click.app_id, click.action_id, click.click_id
                )
        except LumenError as error:
            shown = show.failed(words, error, self._support)
        except Exception as error:
            _log.exception("emergency_failed")
            shown = show.broken(words, error, self._support)
        await self._answers.tell(to, shown)

    async def _done(
        self, words: Catalogue, service: ServiceId, person: Person, app_id: str, action_id: str, click_id: str
    ) -> Shown:
        if action_id == view.PAUSE:
            return await self.paused(words, service, person, app_id, None)
        if action_id == view.RESUME:
            return await self.resumed(words, service, person, app_id)
        if action_id in (view.FLUSH, view.FLUSH_NOW):
            return await self._flush(words, service, person, app_id, now=action_id == view.FLUSH_NOW)
        # A proposal is anybody's right, as with `/lumen ttl 300`; approving it is not.
        propose = {
            view.SAFE_TTL: self._emergency.safe_ttl,
            view.MEMORY: self._emergency.safe_memory,
            view.SIZE: self._emergency.larger_cache,
        }[action_id]
        made = await propose(service, person, f"emergency:{click_id}")
        self._announcer.kick()
        return show.proposed(words, made)

    async def _flush(self, words: Catalogue, service: ServiceId, person: Person, app_id: str, *, now: bool) -> Shown:
        refusal = await self._refused(service, person, app_id, view.FLUSH)
        if refusal is not None:
            return show.said(words, refusal.reason, refusal.remedy)
        if not now:
            return view.flush_card(words, service, await self._emergency.count_keys())
        swept = await self._emergency.flush(service, person)
        return show.said(words, message("emergency.flushed", service=service.name, keys=swept.changed))

    async def _refused(self, service: ServiceId, person: Person, app_id: str, action_id: str) -> Refusal | None:
        """Audited where it is one."""
        refusal = await self._rights.check(person, app_id)
        if refusal is not None:
            await self._audit.add(service, "refused", person.user_id, f"{action_id}: {refusal.reason.code}")
        return refusal
