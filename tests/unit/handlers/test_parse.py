"""What people type, and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import parse as p


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
        ("ttl 420", p.ProposeTtl(420)),
        ("ttl 420s", p.ProposeTtl(420)),
        ("ttl 420 s", p.ProposeTtl(420)),
        ("ttl 7m", p.ProposeTtl(420)),
        ("ttl 1H", p.ProposeTtl(3600)),
        ("ttl 99999", p.ProposeTtl(99999)),
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
        ("ttl 4.5", "command.ttl_no_number"),
        ("ttl ٣", "command.ttl_no_number"),
        ("run now", "command.unexpected"),
        ("status everything", "command.unexpected"),
        ("undo", "command.undo_which"),
    ],
)
def test_what_cannot_be_meant_says_why(text: str, code: str) -> None:
    command = p.parse(text)
    assert isinstance(command, p.Malformed)
    assert command.reason.code == code


@given(st.text(max_size=200))
def test_anything_typed_is_answered(text: str) -> None:
    p.parse(text)
