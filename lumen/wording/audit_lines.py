"""One line of the audit in words: who did what, to which value, and what became of it."""

import re
from datetime import datetime

from lumen.model.audit import AuditEntry, AuditEvent, Moved, Notes, Refused, Snoozed
from lumen.model.incident import (
    Acknowledged,
    IncidentLabel,
    Mentions,
    PagerState,
    Pause,
    Silence,
    SizeLock,
    StoredAlert,
    TtlOverride,
)
from lumen.model.messages import Message, Param
from lumen.model.override import quoted
from lumen.model.proposal import Draft
from lumen.wording.catalogue import Catalogue, change_params, iso

#: How an entry names Lumen itself, and its countdowns.
LUMEN, TIMER = "lumen", "timer"
#: Events that say all with who, when and the detail.
_SAY_ALL = frozenset(
    {
        *(AuditEvent.VOTED, AuditEvent.EXPORTED, AuditEvent.RESUMED, AuditEvent.FLUSH_BEGAN, AuditEvent.FLUSHED),
        *(AuditEvent.AGREED, AuditEvent.OVERRIDE_LIFTED, AuditEvent.SIZE_UNLOCKED, AuditEvent.SERVICE_CHOSEN),
        *(AuditEvent.TAKEN, AuditEvent.PAGER_TRIGGER, AuditEvent.PAGER_ACKNOWLEDGE, AuditEvent.PAGER_RESOLVE),
        *(AuditEvent.SILENCE_ENDED, AuditEvent.TURN_ASKED, AuditEvent.RESTORED),
        *(AuditEvent.MIGRATED, AuditEvent.GIVEN_BACK, AuditEvent.CHOICE_ENDED),
    }
)


def history_line(words: Catalogue, entry: AuditEntry) -> str:
    """Slack mrkdwn. What this Lumen has no words for is shown as it is stored."""
    return words.say(_line(words, entry))


def history_plain(words: Catalogue, entry: AuditEntry) -> str:
    """The same for terminals and files."""
    return words.plain(_line(words, entry))


def _line(words: Catalogue, entry: AuditEntry) -> Message:
    params: dict[str, Param] = {
        "event_at": iso(entry.at),
        "event": entry.event,
        "who_mention": entry.actor,
        "proposal_id": entry.proposal_id,
        "detail": entry.detail,
    }
    code, more = _told(words, entry)
    return Message(f"history.{code}", {**params, **more})


def _told(words: Catalogue, entry: AuditEntry) -> tuple[str, dict[str, Param]]:
    """The words of an entry, and what they need besides it."""
    by_lumen, own = entry.actor == LUMEN, entry.event.replace("-", "_")
    if entry.event == AuditEvent.SILENCE_ENDED and by_lumen:
        return "silence_over", {}
    more = _more(words, entry)
    if more is None:
        return "by_lumen" if by_lumen else "other", {}
    if entry.event == AuditEvent.DECIDED and entry.actor in (LUMEN, TIMER):
        own = "decided_by_itself"
    elif entry.event == AuditEvent.DRIFT:
        own = "noted"
    elif isinstance(entry.about, Pause) and entry.about.until is None:
        own = "paused_for_good"
    return own, more


def _more(words: Catalogue, entry: AuditEntry) -> dict[str, Param] | None:  # noqa: PLR0911, PLR0912 - one a kind
    """What the words need of `entry.about`; None where it is not known."""
    match entry.about:
        case Draft(change=change):
            knob = words.plain(Message(f"word.knob_{change.knob}", {}))
            return {"what": words.plain(Message("views.change", {**change_params(change), "knob": knob}))}
        case Moved(state, note):
            return {"state": words.plain(Message(f"word.state_{state}", {})), "note": _said(words, note)}
        case Notes(notes):
            return {"note": said} if (said := " ".join(_said(words, note) for note in notes)) else None
        case Snoozed(until):
            return {"until_at": iso(until)}
        case Refused(what):
            return {"detail": re.sub(r"\bP(?=[0-9]+\b)", "#", what)}
        case Pause(until=until):
            return {} if until is None else {"until_at": iso(until)}
        case TtlOverride(ttl_seconds, until=until, why=why):
            return {"ttl_seconds": ttl_seconds, **_lasts(words, until, why)}
        case SizeLock(until=until, why=why):
            return _lasts(words, until, why)
        case StoredAlert(alert=alert):
            reason = alert.reason if alert.closed_at is None else alert.close_reason
            return {
                "alert": words.plain(Message(f"incident.kind_{alert.kind}", {})),
                "severity": words.plain(Message(f"incident.severity_{alert.severity}", {})),
                "reason": _said(words, reason),
            }
        case Mentions() as mentions:
            return {"number": mentions.repeat + 1}
        case PagerState(trouble=trouble):
            return {"note": _said(words, trouble)}
        case IncidentLabel(is_real=is_real):
            return {"label": words.plain(Message("label.was_real" if is_real else "label.was_false", {}))}
        case Acknowledged(by=by):
            return {"to_mention": by.user_id}
        case Silence(until=until):
            return {"name": entry.about.name, "until_at": iso(until)}
        case None:
            return {} if entry.event in _SAY_ALL else None


def _lasts(words: Catalogue, until: datetime | None, why: str) -> dict[str, Param]:
    """The moment is in words here, for it stands inside another sentence."""
    told = "" if until is None else words.plain(Message("history.until", {"until_at": iso(until)}))
    return {"until": told, "why": quoted(why)}


def _said(words: Catalogue, note: Message | None) -> str:
    """A stored message in words; "" for none, and for one whose words another version of Lumen has."""
    return words.plain(note) if note is not None and words.has(note.code) else ""
