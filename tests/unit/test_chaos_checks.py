"""The checks of the chaos runs find what is planted, and let pass what is right: a check that cannot fail is none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.checks import CHECKS, Click, Evidence, Setting, unanswered, violations

MINA, JIWOO = "U0MINA0001", "U0JIWOO001"
NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)
DONE = "Done: you approved it. The message shows how it goes on."


def entry(event: str, proposal: str, actor: str, detail: str, data: object = "", minutes: float = 0) -> dict[str, str]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    text = json.dumps(data)
    return {"at": at, "event": event, "proposal": proposal, "actor": actor, "detail": detail, "data": text}


def proposed(proposal: str, old: int, new: int, origin: str = "person", minutes: float = 0) -> dict[str, str]:
    draft = {"change": {"knob": "ttl", "old": old, "new": new}, "origin": origin}
    return entry("proposed", proposal, MINA, "PENDING", draft, minutes)


AUDIT = (
    proposed("P1", 300, 420),
    entry("decided", "P1", MINA, "APPROVED"),
    entry("advanced", "P1", "lumen", "APPLYING"),
    entry("advanced", "P1", "lumen", "APPLIED"),
    proposed("P2", 420, 600),
    entry("decided", "P2", JIWOO, "REJECTED"),
    proposed("P3", 420, 360),
)
#: One change that was approved and made, one that was rejected, one that waits.
GOOD = Evidence(
    clicks=[Click(MINA, "P1", acked=True), Click(JIWOO, "P2", acked=True), Click(JIWOO, "P1", acked=False)],
    audit=AUDIT,
    stored={"P1": "APPLIED", "P2": "REJECTED", "P3": "PENDING"},
    shown={
        "P1": ["🟡 ion-api: TTL 300 → 420 s · waiting for approval", "✅ ion-api: TTL 300 → 420 s · applied"],
        "P2": ["⛔ ion-api: TTL 420 → 600 s · rejected"],
        "P3": ["🟡 ion-api: TTL 420 → 360 s · waiting for approval"],
    },
    copies={"proposal/P1": 1, "proposal/P2": 1},
    told=[(MINA, DONE), (JIWOO, "완료: 거절했습니다. 아무것도 바뀌지 않습니다."), (MINA, "Proposed.")],
    commands={MINA: 1},
    settings=[Setting(420, 1, "P1")],
    revisions=1,
)


#: The change was made and set back, because the next place refused it.
FAILED = replace(
    GOOD,
    audit=[*AUDIT[:3], entry("advanced", "P1", "lumen", "FAILED"), *AUDIT[4:]],
    stored={**GOOD.stored, "P1": "FAILED"},
    shown={**GOOD.shown, "P1": ["❌ ion-api: TTL 300 → 420 s · failed"]},
    settings=[Setting(420, 1, "P1"), Setting(300, 2, "P1:back")],
    revisions=2,
)


def shown(proposal: str, *headers: str) -> Mapping[str, Sequence[str]]:
    return {**GOOD.shown, proposal: headers}


LIES = "ion-api: TTL 420 → 360 s · approved"
AN_HOUR = [(NOON, NOON + timedelta(hours=1))]
UNKNOWN_YET = "It is not known yet whether your decision arrived: the store did not answer. I will confirm here."
PLANTED: Sequence[tuple[str, Evidence]] = [
    ("one_decision", replace(GOOD, audit=[*AUDIT, entry("decided", "P1", JIWOO, "REJECTED")])),
    ("one_decision", replace(GOOD, stored={**GOOD.stored, "P3": "APPLIED"})),
    ("no_effect_without_a_decision", replace(GOOD, audit=[*AUDIT, entry("advanced", "P3", "lumen", "APPLIED")])),
    ("no_effect_without_a_decision", replace(GOOD, audit=[*AUDIT, entry("advanced", "P1", "lumen", "APPLIED")])),
    ("no_effect_without_a_decision", replace(GOOD, settings=[*GOOD.settings, Setting(600, 2, "P2")])),
    ("no_effect_without_a_decision", replace(GOOD, revisions=2)),
    ("at_most_one_effect", replace(GOOD, settings=[Setting(421, 1, "P1")])),
    ("at_most_one_effect", replace(GOOD, settings=[Setting(420, 1, "P1"), Setting(420, 2, "P1")])),
    ("at_most_one_effect", replace(GOOD, settings=[Setting(420, 1, "P1"), Setting(300, 3, "P1")])),
    ("at_most_one_effect", replace(GOOD, settings=[Setting(420, 1, "P1"), Setting(300, 2, "P1:back")])),
    ("at_most_one_effect", replace(FAILED, settings=[Setting(420, 1, "P1"), Setting(310, 2, "P1:back")])),
    ("confirmations_are_stored", replace(GOOD, told=[*GOOD.told, (JIWOO, DONE)])),
    ("confirmations_are_stored", replace(GOOD, told=[*GOOD.told, (MINA, DONE)])),
    ("confirmations_are_stored", replace(GOOD, shown=shown("P3", LIES, *GOOD.shown["P3"]))),
    ("cards_end_true", replace(GOOD, shown=shown("P1", *GOOD.shown["P1"][:1]))),
    ("clicks_are_answered", replace(GOOD, clicks=[*GOOD.clicks, Click(MINA, "P1", acked=False, unsaid=True)])),
    ("clicks_are_answered", replace(GOOD, told=GOOD.told[1:], shown=shown("P1", *GOOD.shown["P1"][:1]))),
    ("no_double_posts", replace(GOOD, copies={**GOOD.copies, "proposal/P2": 2})),
    (
        "nothing_automatic_on_missing_data",
        replace(GOOD, blind=AN_HOUR, audit=[*AUDIT, entry("decided", "P3", "lumen", "APPROVED_BY_TIMER", minutes=30)]),
    ),
    (
        "nothing_automatic_on_missing_data",
        replace(GOOD, blind=AN_HOUR, audit=[*AUDIT, proposed("P4", 420, 500, "policy", minutes=30)]),
    ),
    ("the_audit_is_whole", replace(GOOD, audit_is_whole=False)),
    ("the_audit_is_whole", replace(GOOD, stored={**GOOD.stored, "P9": "PENDING"})),
    ("it_recovers_by_itself", replace(GOOD, ended=["bot-1"])),
    ("it_recovers_by_itself", replace(GOOD, recovered=False)),
]


def test_what_is_right_is_let_pass() -> None:
    assert violations(GOOD) == []
    assert violations(FAILED) == []
    by_timer = entry("decided", "P3", "lumen", "APPROVED_BY_TIMER", minutes=90)
    late = replace(GOOD, blind=AN_HOUR, audit=[*AUDIT, by_timer], stored={**GOOD.stored, "P3": "APPROVED_BY_TIMER"})
    assert [v for v in violations(late) if "automatic" in v] == []


@pytest.mark.parametrize(("check", "seen"), PLANTED, ids=[f"{n}-{check}" for n, (check, _) in enumerate(PLANTED)])
def test_what_is_planted_is_found(check: str, seen: Evidence) -> None:
    assert check in {violation.partition(":")[0] for violation in violations(seen)}


def test_every_check_can_fail() -> None:
    assert {check for check, _ in PLANTED} == {check.__name__ for check in CHECKS}


def test_an_answer_that_promises_another_is_not_the_last_word() -> None:
    assert not unanswered(GOOD)
    assert unanswered(replace(GOOD, told=[(MINA, UNKNOWN_YET), *GOOD.told[1:]])) == {MINA: 1}
