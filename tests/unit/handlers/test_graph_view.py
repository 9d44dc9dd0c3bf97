"""The feedback graph in words: arrows with data behind them, dashed ones apart, and what is lacking."""

from dataclasses import replace

import pytest

from handlers.blocks.app_home import home
from handlers.blocks.details import details
from handlers.blocks.graph import graph_card
from handlers.blocks.proposal import card
from lumen.effects.graph import Evidence, feedback, level_of
from lumen.model.feedback import COST, HIT_RATE, P95, REQUESTS, By, Edge, Feedback, Level, listed
from lumen.model.messages import NoData, message, with_remedy
from lumen.model.proposal import Knob, Proposal, State
from lumen.wording.catalogue import LOCALES, Catalogue
from lumen.wording.feedback import follows
from tests.snapshots import NOW, SERVICE
from tests.unit.handlers.blocks import validated
from tests.unit.handlers.test_app_home import STATUS, WELL
from tests.unit.handlers.test_views import KNOWN, proposal

EN = Catalogue("en")
NOT_REPORTED = NoData(*with_remedy("forecast.not_reported"))
LEVEL = Level(0.716, 1_040.0, 7, 0.0284)
BY_VERDICTS = Edge(Knob.TTL, HIT_RATE, By.VERDICTS, 120, 0.051, 0.049, 0.053, 6, "s", 0.048, 0.054)
LACKING = (
    message("graph.few_changes", knobs=message("graph.node_knob", knob="cache_size"), count=1, least=3),
    message("graph.replay_short", days=4, least=7),
)
#: As it is on the first day.
NEW = feedback(Evidence((), NOT_REPORTED, level_of([], NOW.date(), 0.01)), {})
PAIRS = listed([message("graph.pair", metric=REQUESTS, other=one) for one in (HIT_RATE, P95, COST)])
FULL = Feedback(
    (
        BY_VERDICTS,
        Edge(Knob.TTL, HIT_RATE, By.REPLAY, 120, 0.049, 0.045, 0.053, 9, "s"),
        Edge(Knob.CACHE_SIZE, P95, By.VERDICTS, 128, -0.004, -0.031, 0.024, 4, "MB", -0.07, 0.06),
        Edge(Knob.MIN_INSTANCES, P95, By.COINCIDES, 1, -0.12, -0.2, -0.03, 3, "", -0.3, 0.1),
        *LEVEL.after(Edge("", HIT_RATE, By.IDENTITY, 0.01, 0.01, 0.01, 0.01, 7)),
        Edge(REQUESTS, HIT_RATE, By.REGRESSION, 0.1, 0.008, 0.003, 0.013, 14),
        Edge(REQUESTS, COST, By.REGRESSION, 0.1, 12.4, 9.8, 15.0, 14),
        Edge(HIT_RATE, P95, By.REGRESSION, 0.01, -0.012, -0.03, 0.0, 14),
    ),
    LACKING,
    LEVEL,
)
FEW_HOURS = message("graph.few_hours", pairs=PAIRS, days=0, least=7)
GRAPHS = {"full": FULL, "nothing yet": Feedback((), (*NEW.lacking, FEW_HOURS))}


def followed_by(one: Proposal) -> Proposal:
    """With what usually follows such a change."""
    return replace(one, draft=replace(one.draft, reasons=(*one.draft.reasons, *follows(FULL.usual()))))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("found", GRAPHS.values(), ids=list(GRAPHS))
def test_it_is_one_message_that_is_said_too(locale: str, found: Feedback) -> None:
    validated(graph_card(Catalogue(locale), SERVICE.name, found))


def test_a_card_tells_the_chain_of_what_changes_did() -> None:
    shown = card(EN, followed_by(proposal(State.PENDING, KNOWN))).text
    chain = "TTL +120 s → hit rate +5.1 points (±0.3) → calls −18% → cost −$45.19 a month"
    assert f"Usually follows: {chain} (6 changes)" in shown
    assert shown.count("Usually follows") == 1


def test_what_is_not_clear_gets_no_arrow_and_no_line_on_a_card() -> None:
    unclear = replace(BY_VERDICTS, low=-0.01)
    assert Feedback((unclear,), (), LEVEL).usual() == ()
    text = graph_card(EN, SERVICE.name, Feedback((unclear,), (), LEVEL)).text
    assert "no clear effect" in text and "→ hit rate" not in text


def test_what_only_goes_together_is_on_no_card() -> None:
    dashed = replace(BY_VERDICTS, by=By.COINCIDES)
    assert Feedback((dashed,), (), LEVEL).usual() == ()
    assert "⇢ hit rate" in graph_card(EN, SERVICE.name, Feedback((dashed,), (), LEVEL)).text


def test_of_changes_and_the_replay_the_card_tells_of_the_changes() -> None:
    replay = replace(BY_VERDICTS, by=By.REPLAY, rests_on=9)
    assert Feedback((replay, BY_VERDICTS), ()).usual() == (BY_VERDICTS,)
    (told,) = follows(Feedback((replay,), ()).usual())
    assert "computed from 9 days of requests" in EN.plain(told)


def test_app_home_and_details_tell_it_too() -> None:
    waiting = followed_by(proposal(State.PENDING, KNOWN))
    seen = replace(STATUS, open_proposals=(waiting,))
    for shown in (home(EN, [seen], health=WELL), details(EN, waiting, ())):
        assert str(shown).count("Usually follows: TTL +120 s") == 1
