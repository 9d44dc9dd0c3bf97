"""Every line of the audit reads as a sentence, in both languages, whatever it holds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lumen.adapters.store.audit_events import entry_from
from lumen.adapters.store.codec import encode
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.audit import AuditEvent
from lumen.model.incident import Mentions, PagerState, PagerStep, Pause, Silence, SizeLock, StoredAlert, TtlOverride
from lumen.model.messages import message
from lumen.model.proposal import Change, Choice, Decision, Knob
from lumen.model.service import Person
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue
from tests.proposals import applied

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
EN, KO = Catalogue("en"), Catalogue("ko")
WHY = "Set, read back, and followed by the service (redis)."
NOTE = encode(message("execution.applied", places="redis"))
KIM = Person("U1", "Kim", "T1")
DRAFT = encode(applied("P7", Change(Knob.TTL, 300, 420, "s")).draft)
OPEN = Alert("a", "ion-api", AlertKind.AVAILABILITY, "", Severity.PAGE, AT, message("alert.recovered", minutes=30))
CLOSED = replace(OPEN, closed_at=AT, close_reason=message("alert.recovered", minutes=45))
OVER = encode(StoredAlert(CLOSED, "a"))
PAUSE, HELD = Pause(KIM, AT, None), encode(TtlOverride(600, KIM, AT, AT, "load"))
TROUBLE = PagerState(None, AT, message("alert.recovered", minutes=5), PagerStep.TRIGGER)


def told(event: str, actor: str = "U1", detail: str = "", data: str = "", words: Catalogue = EN) -> str:
    stored = {"at": AT.isoformat(), "event": event, "proposal": "P7", "actor": actor, "detail": detail, "data": data}
    return history_line(words, entry_from("1-0", [each for pair in stored.items() for each in pair])).split(" · ", 1)[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (told("proposed", "U1", "PENDING", DRAFT), "<@U1> proposed #7: TTL 300 → 420 s"),
        (told("proposed", "lumen", "PENDING", DRAFT), "Lumen proposed #7: TTL 300 → 420 s"),
        (told("decided", "U1", "APPROVED", encode(Decision(Choice.APPROVE, KIM, "c"))), "#7 approved by <@U1>. "),
        (told("decided", "cli:m@naeda.example", "REJECTED"), "#7 rejected by `m@naeda.example`. "),
        (told("decided", "lumen", "EXPIRED"), "#7 expired. "),
        (told("advanced", "lumen", "APPLIED", NOTE), f"#7 applied. {WHY}"),
        (told("noted", "lumen", "APPLYING", NOTE), f"#7: {WHY}"),
        (told("drift", "lumen", "ttl", NOTE), f"#7: {WHY}"),
        (told("voted"), "<@U1> approved #7; others must approve too"),
        (told("refused", detail="approve P7: slack.refused"), "<@U1> had no right and was refused (approve #7)"),
        (told("paused", data=encode(PAUSE)), "<@U1> stopped all automation until somebody resumes it"),
        (told("override-set", data=HELD), "<@U1> pinned the TTL to 600 s until 2026-11-21 09:00 UTC: “load”"),
        (told("size-locked", data=encode(SizeLock(KIM, AT))), "<@U1> locked the size of the cache"),
        (told("taken", detail="ion-api:availability:x"), "<@U1> is on it"),
        (told("mentioned", "lumen", "x", encode(Mentions(2, AT))), "The people on call were called (call 3)"),
        (told("calls-ended", "lumen", "x", encode(Mentions(7, AT))),
         "Nobody had answered the calls, and they ended"),
        (told("pager-resolve", "lumen", "x", encode(TROUBLE)), "The pager was told that it is over"),
        (told("pager-trouble", "lumen", "x", encode(TROUBLE)), "The pager was not reached: Clear for 5 min."),
        (told("page-open", "lumen", "x", encode(StoredAlert(OPEN, "a"))), "availability (page): Clear for 30 min."),
        (told("page-closed", "lumen", "x", OVER), "availability is over. Clear for 45 min."),
        (told("rollback-note", "lumen", "x", f"[{NOTE}]"), WHY),
        (told("silence-ended", "U1", "cache"), "<@U1> ended the silence of cache"),
        (told("silence-ended", "lumen", "cache"), "The silence of cache is over"),
        (told("something-new", detail="x < y"), "something-new · <@U1> · #7 x &lt; y"),
        (told("page", "lumen", "availability"), "page · #7 availability"),
        (told("decided", "U1", "APPROVED", words=KO), "#7 승인됨 (<@U1>). "),
    ],
)  # fmt: skip
def test_a_line_in_words(line: str, expected: str) -> None:
    assert line == expected


def test_a_silence_says_how_long() -> None:
    silence = Silence(AlertKind.NO_DATA, AT, Person("U1", "Kim", "T1"), AT, "traffic")
    assert told("silenced", data=encode(silence)).startswith("<@U1> silenced no_data/traffic until <!date")
    assert told("snoozed", detail=AT.isoformat()).startswith("<@U1> put #7 off until <!date")


@pytest.mark.parametrize("data", ["", "{", "[]", '{"change": 3}', '{"code": "gone.code", "params": {}}', '{"code": 1}'])
@pytest.mark.parametrize("event", [*AuditEvent, "of-another-lumen"])
def test_nothing_that_is_stored_breaks_it(event: str, data: str) -> None:
    for words in (EN, KO):
        assert told(event, detail="NOT_A_STATE", data=data, words=words)
