"""What people type, and what it means."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import parse as p
from lumen.model.override import Terms
from lumen.model.proposal import LATEST, Knob


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", p.Help()),
        ("   ", p.Help()),
        ("help", p.Help()),
        ("status", p.Status()),
        ("STATUS share", p.Status(share=True)),
        ("report", p.Report()),
        ("ttl", p.ShowTtl()),
        ("ttl share", p.ShowTtl(share=True)),
        ("ttl 420", p.Propose(Knob.TTL, 420)),
        ("ttl 420s", p.Propose(Knob.TTL, 420)),
        ("ttl 420 s", p.Propose(Knob.TTL, 420)),
        ("ttl 7m", p.Propose(Knob.TTL, 420)),
        ("ttl 1H", p.Propose(Knob.TTL, 3600)),
        ("ttl 420 existing", p.Propose(Knob.TTL, 420, existing=True)),
        ("ttl 7 m EXISTING", p.Propose(Knob.TTL, 420, existing=True)),
        ("ttl 99999", p.Propose(Knob.TTL, 99999)),
        ("size 384", p.Propose(Knob.CACHE_SIZE, 384)),
        ("l1 4000", p.Propose(Knob.L1_ENTRIES, 4000)),
        ("instances 1", p.Propose(Knob.MIN_INSTANCES, 1)),
        ("rollback ion-api-00041", p.RollBack("ion-api-00041")),
        ("rollback", p.RollBack("")),
        ("pause", p.Pause(None)),
        ("pause 90m", p.Pause(timedelta(minutes=90))),
        ("pause 2 H", p.Pause(timedelta(hours=2))),
        ("pause for 2h because Deploy of v2", p.Pause(timedelta(hours=2), "Deploy of v2")),
        ("pause because why not", p.Pause(None, "why not")),
        ("override", p.ShowHeld()),
        ("override share", p.ShowHeld(share=True)),
        ("override ttl 600", p.PinTtl(600, Terms())),
        ("override TTL 10m FOR 2 h", p.PinTtl(600, Terms(timedelta(hours=2)))),
        ("override ttl 600 because “Load test”", p.PinTtl(600, Terms(None, "Load test"))),
        ("override ttl 600 for 7d because for a while", p.PinTtl(600, Terms(timedelta(days=7), "for a while"))),
        ("override off", p.LiftOverride()),
        ("override ttl off", p.LiftOverride()),
        ("lock size", p.LockSize(Terms())),
        ("lock size for 30m because x", p.LockSize(Terms(timedelta(minutes=30), "x"))),
        ("unlock", p.UnlockSize()),
        ("unlock size", p.UnlockSize()),
        ("resume", p.Resume()),
        ("emergency", p.Emergency()),
        ("unpin", p.Propose(Knob.TRAFFIC, LATEST)),
        ("approvals", p.ListApprovals()),
        ("history", p.History()),
        ("undo p-7", p.Undo("p-7")),
        ("run", p.Run()),
        ("statsu", p.Misspelt("statsu", "status")),
        ("aprovals", p.Misspelt("aprovals", "approvals")),
        ("tll 420", p.Misspelt("tll", "ttl")),
        ("xyzzy", p.Misspelt("xyzzy", "")),
    ],
)
def test_what_is_meant(text: str, expected: p.Command) -> None:
    assert p.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ttl soon", "command.ttl_no_number"),
        ("ttl -5", "command.ttl_no_number"),
        ("ttl existing", "command.ttl_no_number"),
        ("ttl existing 420", "command.ttl_no_number"),
        ("ttl 4.5", "command.ttl_no_number"),
        ("ttl ٣", "command.ttl_no_number"),
        ("run now", "command.unexpected"),
        ("status everything", "command.unexpected"),
        ("undo", "command.undo_which"),
        ("size", "command.number_missing"),
        ("size big", "command.no_number"),
        ("rollback a b", "command.rollback_which"),
        ("pause soon", "emergency.pause_no_duration"),
        ("pause 0h", "emergency.pause_no_duration"),
        ("resume now", "command.unexpected"),
        ("override 600", "override.what"),
        ("override ttl", "override.what"),
        ("override ttl soon", "override.what"),
        ("override ttl 600 for ever", "override.no_duration"),
        ("override ttl 600 for", "override.no_duration"),
        ("override ttl 600 2h", "override.what"),
        ("lock", "override.lock_what"),
        ("lock ttl", "override.lock_what"),
        ("lock size for 0h", "override.no_duration"),
        ("unlock all", "command.unexpected"),
        ("unpin now", "command.unexpected"),
    ],
)
def test_what_cannot_be_meant_says_why(text: str, code: str) -> None:
    command = p.parse(text)
    assert isinstance(command, p.Malformed)
    assert command.reason.code == code


@given(st.text(max_size=200))
def test_anything_typed_is_answered(text: str) -> None:
    p.parse(text)
