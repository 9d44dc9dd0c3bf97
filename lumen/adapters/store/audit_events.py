"""Stored lines of the audit as typed events: detail and data are read here, and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from lumen.adapters.store.codec import decode
from lumen.model.audit import About, AuditEntry, AuditEvent, Moved, Notes, Refused, Snoozed
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
from lumen.model.messages import Message
from lumen.model.proposal import Decision, Draft, State

_DATA: Mapping[str, type[About]] = {
    AuditEvent.PROPOSED: Draft,
    AuditEvent.PAUSED: Pause,
    AuditEvent.OVERRIDE_SET: TtlOverride,
    AuditEvent.SIZE_LOCKED: SizeLock,
    AuditEvent.ALERT_OPEN: StoredAlert,
    AuditEvent.ALERT_CLOSED: StoredAlert,
    AuditEvent.PAGE_OPEN: StoredAlert,
    AuditEvent.PAGE_CLOSED: StoredAlert,
    AuditEvent.MENTIONED: Mentions,
    AuditEvent.CALLS_ENDED: Mentions,
    AuditEvent.PAGER_TROUBLE: PagerState,
    AuditEvent.SILENCED: Silence,
    AuditEvent.LABELLED: IncidentLabel,
    AuditEvent.HANDED_OVER: Acknowledged,
}
#: Of detail and data.
_READERS: Mapping[str, Callable[[str, str], About]] = {
    AuditEvent.DECIDED: lambda detail, data: Moved(State(detail), decode(Decision, data).told if data else None),
    AuditEvent.ADVANCED: lambda detail, data: Moved(State(detail), decode(Message, data) if data else None),
    AuditEvent.NOTED: lambda _, data: Notes((decode(Message, data),)),
    AuditEvent.DRIFT: lambda _, data: Notes((decode(Message, data),)),
    AuditEvent.RESTORED: lambda _, data: Notes(decode(tuple[Message, ...], data)),
    AuditEvent.DEAD_LETTER: lambda _, data: Notes(decode(tuple[Message, ...], data)),
    AuditEvent.ROLLBACK_NOTE: lambda _, data: Notes(decode(tuple[Message, ...], data)),
    AuditEvent.SNOOZED: lambda detail, _: Snoozed(datetime.fromisoformat(detail)),
    AuditEvent.ARMED: lambda detail, _: Snoozed(datetime.fromisoformat(detail)),
    AuditEvent.REFUSED: lambda detail, _: Refused(detail.split(":", 1)[0]),
}


def entry_from(entry_id: str, fields: Sequence[str]) -> AuditEntry:
    """From the flat field, value, field, value … of a stream."""
    named: Mapping[str, str] = dict(zip(fields[::2], fields[1::2], strict=True))
    event, detail, data = named["event"], named["detail"], named["data"]
    return AuditEntry(
        id=entry_id,
        at=datetime.fromisoformat(named["at"]),
        event=event,
        proposal_id=named["proposal"],
        actor=named["actor"],
        detail=detail,
        data=data,
        about=about(event, detail, data),
    )


def about(event: str, detail: str, data: str) -> About | None:
    """None for an event without details, and for details that another Lumen wrote otherwise."""
    try:
        if event in _DATA:
            return decode(_DATA[event], data)
        return _READERS[event](detail, data) if event in _READERS else None
    except ValueError:
        return None
