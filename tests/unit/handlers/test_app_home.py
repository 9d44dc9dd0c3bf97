"""App Home: pending first, buttons for those who may alone, what people set, changes, connections; within limits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.models.blocks import Block

from handlers.blocks.app_home import WAITING_SHOWN, home
from handlers.blocks.card import Json, Shown
from handlers.blocks.control import END
from handlers.blocks.proposal import APPROVE, UNDO
from lumen.model.answers import ChangeOfLate, Glance, Readiness, StatusReadout, TurnReadout
from lumen.model.control import ControlKind
from lumen.model.incident import Pause
from lumen.model.messages import message
from lumen.model.proposal import State
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW, SERVICE
from tests.unit.handlers.blocks import said
from tests.unit.handlers.test_control_views import line
from tests.unit.handlers.test_views import KIM, proposal
from tests.unit.handlers.test_why import MONTH, turn

EN = Catalogue("en")
WELL = (Readiness("state", True, "ok"), Readiness("slack", True, "2 connections"))
ILL = (*WELL, Readiness("outbox", False, "3 message(s) behind, the longest for 400 s."))
STATUS = StatusReadout(
    SERVICE,
    turn(MONTH),
    (proposal(State.PENDING), replace(proposal(State.APPLYING), id="P8")),
    (ChangeOfLate(proposal(State.APPLIED), 0.61, 0.73),),
    NOW + timedelta(hours=1),
    now=NOW,
    controls=tuple(line(kind) for kind in ControlKind),
)


def validated(view: Json) -> list[Json]:
    """Its blocks. Fails for whatever Slack would not take."""
    blocks: list[Json] = view["blocks"]
    assert len(Block.parse_all(blocks)) == len(blocks) <= 100
    for written, read in zip(blocks, Block.parse_all(blocks), strict=True):
        assert read.to_dict()["type"] == written["type"]  # to_dict validates
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    assert {block["type"] for block in blocks} <= {"header", "section", "context", "actions", "divider"}  # no chart
    return blocks


def told(view: Json) -> str:
    return said(Shown("home", tuple(validated(view))))


@pytest.mark.parametrize("locale", LOCALES)
def test_what_waits_stands_first_with_why_who_and_until_when(locale: str) -> None:
    words, waiting = Catalogue(locale), STATUS.open_proposals[0]
    text = told(home(words, [STATUS], health=WELL))
    at = [
        text.index(part)
        for part in (
            words.say(message("views.home_open", count=1)),
            words.say(waiting.draft.reasons[0]),
            words.instant(waiting.expires_at),
            words.say(message("views.home_gate")),
            words.say(message("views.home_set")),
            words.say(message("views.report_changes")),
            words.plain(message("health.name_slack")),
        )
    ]
    assert at == sorted(at)
    assert f"<@{KIM.user_id}>" in text


def test_buttons_are_for_those_who_may_alone() -> None:
    shown, kept = str(home(EN, [STATUS])), str(home(EN, [STATUS], may_not={SERVICE}))
    for action in (APPROVE, UNDO, END):
        assert action in shown
        assert action not in kept
    assert "You may not decide" in kept


def test_each_control_is_told_once() -> None:
    held = replace(STATUS, pause=Pause(KIM, NOW, NOW + timedelta(hours=2), "deploy"))
    assert told(home(EN, [held])).count("all automation") == 2  # the pause and the emergency stop have a line each
    assert "paused by" in told(home(EN, [replace(held, controls=())]))  # one that an older Lumen stored
    assert "Nothing is paused" in told(home(EN, [replace(STATUS, controls=())]))


def test_connections_are_one_line_while_all_is_well() -> None:
    assert "Everything works: memory, connection to Slack." in told(home(EN, [STATUS], health=WELL))
    ill = told(home(EN, [STATUS], health=ILL))
    assert "Everything works" not in ill
    assert "⚠️ messages: 3 message(s) behind" in ill


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("may", [True, False])
def test_the_longest_names_and_many_of_each_make_a_valid_view(locale: str, may: bool) -> None:
    words, service = Catalogue(locale), replace(SERVICE, name="s" * 63)
    long = message("command.unknown", given="x&<" * 900, names="")
    drafts = [replace(one.draft, service=service, reasons=(long,) * 9) for one in STATUS.open_proposals]
    many = tuple(
        replace(STATUS.open_proposals[nth % 2], id=f"P{nth}", draft=drafts[nth % 2]) for nth in range(3 * WAITING_SHOWN)
    )
    whys = tuple(replace(one, why="w" * 3000, about="9" * 60, names=("n" * 60,) * 40) for one in STATUS.controls)
    full = replace(STATUS, service=service, open_proposals=many, controls=whys * 3)
    two = [full, replace(full, service=replace(service, name="t" * 63))]
    may_not = () if may else (SERVICE, *(one.service for one in two))
    validated(home(words, [full], health=ILL, may_not=may_not))
    glance = Glance(TurnReadout(service, full.turn, NOW, NOW), 3, (), None, None)
    validated(home(words, [replace(one, controls=()) for one in two], [glance, glance], ILL, may_not=may_not))
    validated(home(words, [StatusReadout(SERVICE, None, (), (), None)], may_not=may_not))
