"""Every line of the audit reads as a sentence, in both languages, whatever it holds."""

import json
from datetime import UTC, datetime

import pytest

from lumen.ports.store import AuditEntry
from lumen.wording.audit_lines import history_line
from lumen.wording.catalogue import Catalogue

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
EN, KO = Catalogue("en"), Catalogue("ko")
DRAFT = json.dumps({"change": {"knob": "ttl", "old": 300, "new": 420, "unit": "s"}})
WHY = "Set, read back, and followed by the service (redis)."
REASON = {"code": "alert.recovered", "params": {"minutes": 30}}
ALERT = json.dumps({"alert": {"kind": "availability", "severity": "page", "reason": REASON}})
NOTE = json.dumps({"code": "execution.applied", "params": {"places": "redis"}})


EVENTS = [
    "proposed",
    "decided",
    "advanced",
    "noted",
    "snoozed",
    "paused",
    "unknown",
    "page-open",
    "alert-closed",
    "mentioned",
    "taken",
    "pager-trouble",
    "rollback-note",
    "silenced",
    "silence-ended",
]


def told(event: str, actor: str = "U1", detail: str = "", data: str = "", words: Catalogue = EN) -> str:
    return history_line(words, AuditEntry("1-0", AT, event, "P7", actor, detail, data)).split(" · ", 1)[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (told("proposed", "U1", "PENDING", DRAFT), "<@U1> proposed P7: TTL 300 → 420 s"),
        (told("proposed", "lumen", "PENDING", DRAFT), "Lumen proposed P7: TTL 300 → 420 s"),
        (told("decided", "U1", "APPROVED", "{}"), "P7 approved by <@U1>. "),
        (told("decided", "cli:m@naeda.example", "REJECTED"), "P7 rejected by `m@naeda.example`. "),
        (told("decided", "lumen", "EXPIRED"), "P7 expired. "),
        (told("advanced", "lumen", "APPLIED", NOTE), f"P7 applied. {WHY}"),
        (told("noted", "lumen", "APPLYING", NOTE), f"P7: {WHY}"),
        (told("voted"), "<@U1> approved P7; others must approve too"),
        (told("refused", detail="approve P7: slack.refused"), "<@U1> had no right and was refused (approve P7)"),
        (told("paused", detail="until resumed"), "<@U1> stopped all automation until somebody resumes it"),
        (told("taken", detail="ion-api:availability:x"), "<@U1> is on it"),
        (told("mentioned", "lumen", "x", '{"number": 2}'), "The people on call were called (call 3)"),
        (told("pager-resolve", "lumen", "x", "{}"), "The pager was told that it is over"),
        (told("page-open", "lumen", "x", ALERT), "availability (page): Clear for 30 min."),
        (told("rollback-note", "lumen", "x", f"[{NOTE}]"), WHY),
        (told("silence-ended", "U1", "cache"), "<@U1> ended the silence of cache"),
        (told("silence-ended", "lumen", "cache"), "The silence of cache is over"),
        (told("something-new", detail="x < y"), "something-new · <@U1> · P7 x &lt; y"),
        (told("page", "lumen", "availability"), "page · P7 availability"),
        (told("decided", "U1", "APPROVED", words=KO), "P7 승인됨 (<@U1>). "),
    ],
)  # fmt: skip
def test_a_line_in_words(line: str, expected: str) -> None:
    assert line == expected


@pytest.mark.parametrize("data", ["", "{", "[]", '{"change": 3}', '{"code": "gone.code", "params": {}}', '{"code": 1}'])
@pytest.mark.parametrize("event", EVENTS)
def test_nothing_that_is_stored_breaks_it(event: str, data: str) -> None:
    for words in (EN, KO):
        assert told(event, detail="NOT_A_STATE", data=data, words=words)
