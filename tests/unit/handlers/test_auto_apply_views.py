"""Auto-apply in the answers that tell of it, in both languages."""

from dataclasses import replace

import pytest

from handlers.blocks.incident import held_card
from handlers.blocks.proposal import IN_STEPS, card
from lumen.model.answers import InSteps, StatusReadout, Trusted
from lumen.model.messages import message
from lumen.model.proposal import Choice, Decision, Knob, State
from lumen.wording.catalogue import Catalogue
from lumen.wording.restrictions import trusted, unasked_lines
from tests.snapshots import NOW, SERVICE
from tests.unit.handlers.blocks import button
from tests.unit.handlers.test_views import KIM, proposal

EN, KO = Catalogue("en"), Catalogue("ko")
DONE = Trusted(Knob.TTL, True, 7, 8, 0.8, "ttl", True, ())
ASKED = replace(DONE, against=(message("unasked.spoken_against", proposal_id="P7"), message("unasked.dry_run")))
OFFERED = replace(
    DONE, knob=Knob.CACHE_SIZE, up=False, setting="size", named=False, against=(message("unasked.not_named"),)
)
UNTRIED = Trusted(Knob.L1_ENTRIES, True, 0, 0, 0.5, "l1", True, (message("unasked.not_earned", helped=0, trials=0),))
READOUT = StatusReadout(SERVICE, None, (), (), None, trusted=(DONE, OFFERED, UNTRIED))


@pytest.mark.parametrize(
    ("one", "english", "korean"),
    [
        (
            DONE,
            "Raising the TTL is done without asking, after a countdown (AUTO_APPLY): 7 of 8",
            "TTL 올리기: 카운트다운",
        ),
        (
            ASKED,
            "Raising the TTL (7 of 8 such changes helped): AUTO_APPLY names it, but Lumen asks. #7, a late",
            "TTL 올리기(이런 변경 8번 중 7번이 도움이 됨): AUTO_APPLY에 있지만",
        ),
        (
            OFFERED,
            "Lowering the cache size may be done without asking, if AUTO_APPLY names `size`",
            "AUTO_APPLY에 `size`",
        ),
        (UNTRIED, "no change of it has been measured yet", "측정된 변경이 아직 없어"),
    ],
)
def test_each_record_in_words(one: Trusted, english: str, korean: str) -> None:
    assert english in EN.say(trusted(EN, one))
    assert korean in KO.say(trusted(KO, one))


def test_a_report_tells_what_is_done_and_an_override_all() -> None:
    assert len(list(unasked_lines(EN, READOUT))) == 1
    assert list(unasked_lines(EN, replace(READOUT, trusted=(ASKED, OFFERED)))) == []
    assert held_card(EN, READOUT).text.count("🤖") == 3


@pytest.mark.parametrize("words", [EN, KO])
def test_what_goes_on_in_steps_is_told_and_how_to_stop_it(words: Catalogue) -> None:
    up = proposal(State.PENDING)
    offered = replace(up, draft=replace(up.draft, steps_to=900))
    confirm = button(card(words, offered), IN_STEPS)["confirm"]
    assert "900" in confirm["text"]["text"]
    assert "/lumen pause" in confirm["text"]["text"]
    begun = replace(offered, decision=Decision(Choice.APPROVE, KIM, "click", in_steps=True))
    readout = replace(READOUT, trusted=(), in_steps=InSteps(begun, NOW))
    for told in (*unasked_lines(words, readout), held_card(words, readout).text):
        assert "900" in told
        assert "/lumen pause" in told
