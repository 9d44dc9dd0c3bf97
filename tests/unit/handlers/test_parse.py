"""Commands as people type them, and as they are meant."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import command_types as a
from handlers import parse as p
from lumen.model.override import Terms
from lumen.model.proposal import LATEST, Knob


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", a.Help()),
        ("   ", a.Help()),
        ("help", a.Help()),
        ("status", a.Status()),
        ("status all", a.StatusAll()),
        ("report", a.Report()),
        ("why", a.Explain()),
        ("why gate", a.Explain(a.Subject.GATE)),
        ("why ROI", a.Explain(a.Subject.ROI)),
        ("why hit rate", a.Explain(a.Subject.CACHE)),
        ("why cost rhythm", a.Explain(a.Subject.COST)),
        ("slo", a.Explain(a.Subject.SLO)),
        ("roi", a.Explain(a.Subject.ROI)),
        ("cache", a.Explain(a.Subject.CACHE)),
        ("maturity", a.Explain(a.Subject.MATURITY)),
        ("cost", a.Explain(a.Subject.COST)),
        ("budget", a.Explain(a.Subject.BUDGET)),
        ("undo", a.Undo()),
        ("digest", a.ShowDigest()),
        ("service", a.ShowServices()),
        ("service ion-api", a.ChooseService("ion-api")),
        ("gate", a.Explain(a.Subject.GATE)),
        ("maturty", a.Misspelt("maturty", "maturity")),
        ("cahce", a.Misspelt("cahce", "cache")),
        ("ttl", a.ShowTtl()),
        ("ttl 420", a.Propose(Knob.TTL, 420)),
        ("ttl 420s", a.Propose(Knob.TTL, 420)),
        ("ttl 420 s", a.Propose(Knob.TTL, 420)),
        ("ttl 7m", a.Propose(Knob.TTL, 420)),
        ("ttl 1H", a.Propose(Knob.TTL, 3600)),
        ("ttl 420 existing", a.Propose(Knob.TTL, 420, existing=True)),
        ("ttl 7 m EXISTING", a.Propose(Knob.TTL, 420, existing=True)),
        ("ttl 99999", a.Propose(Knob.TTL, 99999)),
        ("size", a.ShowKnob("size", Knob.CACHE_SIZE)),
        ("l1", a.ShowKnob("l1", Knob.L1_ENTRIES)),
        ("instances", a.ShowKnob("instances", Knob.MIN_INSTANCES)),
        ("size 384", a.Propose(Knob.CACHE_SIZE, 384)),
        ("l1 4000", a.Propose(Knob.L1_ENTRIES, 4000)),
        ("instances 1", a.Propose(Knob.MIN_INSTANCES, 1)),
        ("rollback ion-api-00041", a.RollBack("ion-api-00041")),
        ("rollback", a.RollBack("")),
        ("pause", a.PauseChanges(None)),
        ("pause 90m", a.PauseChanges(timedelta(minutes=90))),
        ("pause 2 H", a.PauseChanges(timedelta(hours=2))),
        ("pause for 2h because Deploy of v2", a.PauseChanges(timedelta(hours=2), "Deploy of v2")),
        ("pause because why not", a.PauseChanges(None, "why not")),
        ("override", a.ShowControls()),
        ("override ttl 600", a.PinTtl(600, Terms())),
        ("override TTL 10m FOR 2 h", a.PinTtl(600, Terms(timedelta(hours=2)))),
        ("override ttl 600 because “Load test”", a.PinTtl(600, Terms(None, "Load test"))),
        ("override ttl 600 for 7d because for a while", a.PinTtl(600, Terms(timedelta(days=7), "for a while"))),
        ("override off", a.LiftOverride()),
        ("override ttl off", a.LiftOverride()),
        ("lock size", a.LockSize(Terms())),
        ("lock size for 30m because x", a.LockSize(Terms(timedelta(minutes=30), "x"))),
        ("unlock", a.UnlockSize()),
        ("unlock size", a.UnlockSize()),
        ("resume", a.Resume()),
        ("emergency", a.Emergency()),
        ("unpin", a.Propose(Knob.TRAFFIC, LATEST)),
        ("approvals", a.ListApprovals()),
        ("history", a.History()),
        ("undo p-7", a.Undo("p-7")),
        *((f"undo {typed}", a.Undo("P12")) for typed in ("12", "#12", "P12", "p12")),
        ("run", a.Run()),
        ("statsu", a.Misspelt("statsu", "status")),
        ("aprovals", a.Misspelt("aprovals", "approvals")),
        ("tll 420", a.Misspelt("tll", "ttl")),
        ("xyzzy", a.Misspelt("xyzzy", "")),
    ],
)
def test_what_is_meant(text: str, expected: a.Command) -> None:
    assert p.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ttl soon", "command.ttl_no_number"),
        ("ttl existing", "command.ttl_no_number"),
        ("ttl existing 420", "command.ttl_no_number"),
        ("ttl 4.5", "command.ttl_no_number"),
        ("ttl ٣", "command.ttl_no_number"),
        ("run tomorrow", "command.unexpected"),
        ("status forever", "command.unexpected"),
        ("undo the last", "command.undo_which"),
        ("size big", "command.no_number"),
        ("rollback a b", "command.rollback_which"),
        ("pause soon", "override.no_duration"),
        ("pause 0h", "override.length"),
        ("resume tomorrow", "command.unexpected"),
        ("override ttl", "override.what"),
        ("override ttl soon", "override.what"),
        ("override ttl 600 for ever", "override.no_duration"),
        ("override ttl 600 for", "override.no_duration"),
        ("override ttl 600 2h", "override.what"),
        ("lock", "override.lock_what"),
        ("lock ttl", "override.lock_what"),
        ("lock size for 0h", "override.length"),
        ("unlock all", "command.unexpected"),
        ("unpin tomorrow", "command.unexpected"),
        ("why xyzzy", "command.why_what"),
        ("why maturty", "command.why_what"),
        ("slo all", "command.unexpected"),
        ("service a b", "command.unexpected"),
    ],
)
def test_what_cannot_be_meant_says_why(text: str, code: str) -> None:
    command = p.parse(text)
    assert isinstance(command, a.Malformed)
    assert command.reason.code == code


@given(st.text(max_size=200))
def test_anything_typed_is_answered(text: str) -> None:
    p.parse(text)


TWO = ("ion-api", "ion-api-canary")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status", a.Typed(a.Status())),
        ("status share", a.Typed(a.Status(), share=True)),
        ("status SHARE", a.Typed(a.Status(), share=True)),
        ("share", a.Typed(a.Misspelt("share", ""))),
        ("status all share", a.Typed(a.StatusAll(), share=True)),
        ("why roi share", a.Typed(a.Explain(a.Subject.ROI), share=True)),
        ("ttl share", a.Typed(a.ShowTtl(), share=True)),
        ("override share", a.Typed(a.ShowControls(), share=True)),
        ("status on ion-api-canary", a.Typed(a.Status(), "ion-api-canary")),
        ("status on ion-api-canary share", a.Typed(a.Status(), "ion-api-canary", share=True)),
        ("status share on ion-api-canary", a.Typed(a.Status(), "ion-api-canary", share=True)),
        ("status ion-api-canary", a.Typed(a.Status(), "ion-api-canary")),
        ("slo ion-api", a.Typed(a.Explain(a.Subject.SLO), "ion-api")),
        ("ttl 420 on ion-api-canary", a.Typed(a.Propose(Knob.TTL, 420), "ion-api-canary")),
        ("ttl 420 existing ion-api-canary", a.Typed(a.Propose(Knob.TTL, 420, existing=True), "ion-api-canary")),
        ("rollback ion-api-00041 on ion-api", a.Typed(a.RollBack("ion-api-00041"), "ion-api")),
        (
            "pause 2h on ion-api because work on ion-api-canary share",
            a.Typed(a.PauseChanges(timedelta(hours=2), "work on ion-api-canary share"), "ion-api"),
        ),
        ("service ion-api-canary", a.Typed(a.ChooseService("ion-api-canary"))),
    ],
)
def test_any_command_may_name_a_service_and_be_shared(text: str, expected: a.Typed) -> None:
    assert p.read(text, TWO) == expected


@pytest.mark.parametrize("name", ["ttl", "size", "all", "share"])
def test_a_service_with_the_name_of_a_word_is_meant_after_on_alone(name: str) -> None:
    assert p.read(f"lock size on {name}", (name, "b")) == a.Typed(a.LockSize(Terms()), name)
    assert p.read("lock size", (name, "b")) == a.Typed(a.LockSize(Terms()))
    assert p.read("status all", (name, "b")) == a.Typed(a.StatusAll())


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("status on ion-api-canery", "ion-api-canary"),
        ("status ion-api-canery", "ion-api-canary"),
        ("service ion-apy", "ion-api"),
        ("status on xyzzy", None),
        ("service xyzzy", None),
        ("status on", None),
    ],
)
def test_a_service_that_is_not_watched_is_named_with_those_that_are(text: str, near: str | None) -> None:
    command = p.read(text, TWO).command
    assert isinstance(command, a.Malformed)
    assert command.reason.code in ("service.unknown", "service.which")
    assert command.remedy.params.get("nearest") == near


def test_one_service_needs_no_name_and_may_have_one() -> None:
    assert p.read("status on ion-api", ("ion-api",)) == a.Typed(a.Status(), "ion-api")
    assert isinstance(p.read("status on other", ("ion-api",)).command, a.Malformed)


@given(st.text(max_size=200))
def test_anything_typed_is_read(text: str) -> None:
    p.read(text, TWO)
