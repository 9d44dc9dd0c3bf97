"""One line of the audit in words: a stranger reads who did what, to which value, and what became of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lumen.model.messages import Message, Param
from lumen.model.override import quoted
from lumen.ports.store import AuditEntry
from lumen.wording.catalogue import Catalogue, iso

#: How an entry names Lumen itself, and its countdowns.
LUMEN, TIMER = "lumen", "timer"


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
    code, more = _told(words, entry, _data(entry.data))
    return Message(code, {**params, **more})


def _told(  # noqa: PLR0911, PLR0912 - one return a kind of event
    words: Catalogue, entry: AuditEntry, data: Mapping[str, Any]
) -> tuple[str, dict[str, Param]]:
    """The words' code, and what it needs besides the entry itself."""
    own = f"history.{entry.event.replace('-', '_')}"
    match entry.event:
        case "proposed" if isinstance(data.get("change"), dict):
            return own, {"what": _change(words, data["change"])}
        case "decided" | "advanced" if words.has(f"word.state_{entry.detail}"):
            state = words.plain(Message(f"word.state_{entry.detail}", {}))
            note = _note(words, data if entry.event == "advanced" else data.get("note"))
            by_itself = entry.event == "decided" and entry.actor in (LUMEN, TIMER)
            return f"{own}_by_itself" if by_itself else own, {"state": state, "note": note}
        case "noted" | "drift" if note := _note(words, data):
            return "history.noted", {"note": note}
        case "snoozed" | "paused" if _is_instant(entry.detail):
            return own, {"until_at": entry.detail}
        case "alert-open" | "page-open" | "alert-closed" | "page-closed" if isinstance(data.get("alert"), dict):
            return own, _alert(words, data["alert"], "close_reason" if entry.event.endswith("closed") else "reason")
        case "mentioned" if isinstance(data.get("number"), int):
            return own, {"number": data["number"] + 1}
        case "pager-trouble":
            return own, {"note": _note(words, data.get("trouble"))}
        case "rollback-note" if note := " ".join(_note(words, each) for each in _list(entry.data)):
            return own, {"note": note}
        case "silenced" if _is_instant(entry.detail.rpartition(" ")[2]):
            name, _, until = entry.detail.rpartition(" ")
            return own, {"name": name, "until_at": until}
        case "silence-ended":
            return ("history.silence_over" if entry.actor == LUMEN else own), {}
        case "refused":
            return own, {"detail": entry.detail.split(":", 1)[0]}
        case "paused":
            return "history.paused_for_good", {}
        case "override-set" | "size-locked":
            return own, _standing(words, data)
        case (
            "voted"
            | "exported"
            | "resumed"
            | "flush-began"
            | "flushed"
            | "agreed"
            | "override-lifted"
            | "size-unlocked"
            | "service-chosen"
            | "taken"
            | "pager-trigger"
            | "pager-acknowledge"
            | "pager-resolve"
        ):
            return own, {}
        case _:
            return ("history.by_lumen" if entry.actor == LUMEN else "history.other"), {}


def _standing(words: Catalogue, data: Mapping[str, Any]) -> dict[str, Param]:
    """What an override or a lock holds, and how long; `until` is a moment as outside of Slack, for it stands inside."""
    until, why = str(data.get("until") or ""), quoted(str(data.get("why") or ""))
    told = words.plain(Message("history.until", {"until_at": until})) if _is_instant(until) else ""
    return {"ttl_seconds": data.get("ttl_seconds") or 0, "until": told, "why": why}


def _data(text: str) -> Mapping[str, Any]:
    """What belongs to the entry; empty where it is nothing that can be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(text: str) -> Sequence[Any]:
    """What belongs to the entry where it is several things."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return found if isinstance(found, list) else ()


def _alert(words: Catalogue, alert: Mapping[str, Any], why: str) -> dict[str, Param]:
    def named(code: str, name: object) -> str:
        return words.plain(Message(f"{code}_{name}", {})) if words.has(f"{code}_{name}") else str(name)

    return {
        "alert": named("incident.kind", alert.get("kind")),
        "severity": named("incident.severity", alert.get("severity")),
        "reason": _note(words, alert.get(why)),
    }


def _change(words: Catalogue, change: Mapping[str, Any]) -> str:
    knob = f"word.knob_{change.get('knob')}"
    name = words.plain(Message(knob, {})) if words.has(knob) else str(change.get("knob"))
    return f"{name} {change.get('old')} → {change.get('new')} {change.get('unit', '')}".rstrip()


def _note(words: Catalogue, note: object) -> str:
    """A stored message in words; "" for none, or for one that an older or newer Lumen wrote otherwise."""
    if not isinstance(note, dict):
        return ""
    code, params = note.get("code"), note.get("params")
    if not isinstance(code, str) or not isinstance(params, dict) or not words.has(code):
        return ""
    try:
        return words.plain(Message(code, params))
    except (KeyError, ValueError):
        return ""


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
