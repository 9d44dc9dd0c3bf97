"""Changes that are made without asking: when, why not, and what the countdown comes to."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.turn import Recommendation
from lumen.policies.auto_apply import NAMES, AutoApplySettings, End, Grounds, auto_apply_end, weigh

LONGER = Change(Knob.TTL, 300, 420, "s")
SET = AutoApplySettings(frozenset({Knob.TTL}), timedelta(hours=2))
TRUSTED = Grounds(helped=7, trials=7, chance=8 / 9, earned=True)
PINNED = message("restraint.pinned_by_setting", ttl_seconds=420)
AGAINST = [
    (replace(SET, knobs=frozenset({Knob.CACHE_SIZE})), {}, "unasked.not_named"),
    (SET, {"earned": False}, "unasked.not_earned"),
    (SET, {"spoken_against": "P7"}, "unasked.spoken_against"),
    (replace(SET, dry_run=True), {}, "unasked.dry_run"),
    (SET, {"alert": "a1"}, "unasked.alert"),
    (SET, {"is_watched": False}, "unasked.not_watched"),
    (SET, {"pinned": PINNED}, "restraint.pinned_by_setting"),
]


def wanted(change: Change | None) -> Recommendation:
    return Recommendation(change, "MODERATE", (), Priority.MEDIUM)


def test_named_and_earned_it_is_made_unasked() -> None:
    weighed = weigh(Knob.TTL, SET, TRUSTED)
    assert (weighed.against, weighed.acts_in) == ((), timedelta(hours=2))
    assert weighed.told == (message("unasked.allowed", setting="ttl"),)


@pytest.mark.parametrize(("setting", "differs", "code"), AGAINST)
def test_everything_that_speaks_against_it(setting: AutoApplySettings, differs: dict[str, object], code: str) -> None:
    weighed = weigh(Knob.TTL, setting, replace(TRUSTED, **differs))  # type: ignore[arg-type]
    assert ([reason.code for reason in weighed.against], weighed.acts_in) == ([code], None)


@pytest.mark.parametrize(
    ("knob", "setting", "differs", "codes"),
    [
        # The card says that it may be set, where the record would do ...
        (Knob.TTL, AutoApplySettings(), {}, ["unasked.offered"]),
        (Knob.CACHE_SIZE, SET, {}, ["unasked.offered"]),
        (Knob.TTL, AutoApplySettings(), {"alert": "a1"}, ["unasked.offered"]),
        # ... and nothing where it would not.
        (Knob.TTL, AutoApplySettings(), {"earned": False}, []),
        (Knob.TTL, AutoApplySettings(), {"spoken_against": "P7"}, []),
        (Knob.TTL, AutoApplySettings(), {"pinned": PINNED}, []),
        (Knob.MEMORY, AutoApplySettings(), {}, []),
        (Knob.TRAFFIC, AutoApplySettings(), {}, []),
        # Where it is set, why Lumen asks all the same.
        (Knob.TTL, SET, {"earned": False}, ["unasked.asked_because", "unasked.not_earned"]),
        (Knob.TTL, SET, {"alert": "a1"}, ["unasked.asked_because", "unasked.alert"]),
    ],
)
def test_what_the_card_says(
    knob: Knob, setting: AutoApplySettings, differs: dict[str, object], codes: list[str]
) -> None:
    told = weigh(knob, setting, replace(TRUSTED, **differs)).told  # type: ignore[arg-type]
    assert [said.code for said in told] == codes


def test_the_offer_names_the_setting() -> None:
    for name, knob in NAMES.items():
        assert weigh(knob, AutoApplySettings(), TRUSTED).told == (message("unasked.offered", setting=name),)


GOOD = weigh(Knob.TTL, SET, TRUSTED)
DOUBTED = weigh(Knob.TTL, SET, replace(TRUSTED, alert="a1"))
PAUSED = (message("policy.held_paused"),)
NOTHING = NoData(message("policy.too_few_lookups", lookups=3, least=100), message("policy.too_few_lookups_remedy"))


@pytest.mark.parametrize(
    ("now", "held", "weighed", "end", "code"),
    [
        (wanted(LONGER), (), GOOD, End.ACT, "unasked.acted"),
        # Lumen would not propose it now: it is taken back.
        (wanted(LONGER), PAUSED, GOOD, End.WITHDRAW, "policy.held_paused"),
        (wanted(None), PAUSED, DOUBTED, End.WITHDRAW, "policy.held_paused"),
        (NOTHING, (), GOOD, End.WITHDRAW, "policy.too_few_lookups"),
        (wanted(None), (), GOOD, End.WITHDRAW, "unasked.not_wanted"),
        (wanted(replace(LONGER, new=360)), (), GOOD, End.WITHDRAW, "unasked.other"),
        (wanted(replace(LONGER, old=301)), (), GOOD, End.WITHDRAW, "unasked.other"),
        (wanted(Change(Knob.CACHE_SIZE, 300, 420, "s")), (), GOOD, End.WITHDRAW, "unasked.other"),
        # It would, and may not do it alone: people are asked.
        (wanted(LONGER), (), DOUBTED, End.ASK, "unasked.alert"),
    ],
)
def test_every_row_of_the_table(
    now: Recommendation | NoData, held: tuple[object, ...], weighed: object, end: End, code: str
) -> None:
    found = auto_apply_end(LONGER, now, held, weighed)  # type: ignore[arg-type]
    assert (found.end, found.reasons[0].code) == (end, code)
    assert found.target == (420 if end is End.ASK else None)


def test_it_acts_on_its_record_and_says_so() -> None:
    (said,) = auto_apply_end(LONGER, wanted(LONGER), (), GOOD).reasons
    assert said == message("unasked.acted", helped=7, trials=7, chance=8 / 9)


def test_no_combination_acts_but_the_one() -> None:
    now = (wanted(LONGER), wanted(None), wanted(replace(LONGER, new=360)), NOTHING)
    found = [
        (one, held, weighed)
        for one in now
        for held, weighed in product(((), PAUSED), (GOOD, DOUBTED))
        if auto_apply_end(LONGER, one, held, weighed).end is End.ACT
    ]
    assert found == [(wanted(LONGER), (), GOOD)]


settings = st.builds(
    AutoApplySettings, st.frozensets(st.sampled_from(Knob)), st.just(timedelta(hours=1)), st.booleans()
)
all_grounds = st.builds(
    Grounds,
    helped=st.integers(0, 9),
    trials=st.integers(0, 9),
    chance=st.floats(0, 1),
    earned=st.booleans(),
    spoken_against=st.sampled_from(("", "P7")),
    alert=st.sampled_from(("", "a1")),
    is_watched=st.booleans(),
    pinned=st.sampled_from((None, PINNED)),
)


@given(st.sampled_from(Knob), settings, all_grounds, st.sampled_from(((), PAUSED)), st.booleans())
def test_never_when_anything_holds_it_back(
    knob: Knob, setting: AutoApplySettings, grounds: Grounds, held: tuple[object, ...], is_wanted: bool
) -> None:
    change, weighed = replace(LONGER, knob=knob), weigh(knob, setting, grounds)
    may = (
        knob in setting.knobs
        and grounds.earned
        and not (grounds.spoken_against or setting.dry_run or grounds.alert or grounds.pinned)
        and grounds.is_watched
    )
    assert (weighed.acts_in is not None) == may
    ending = auto_apply_end(change, wanted(change if is_wanted else None), held, weighed)  # type: ignore[arg-type]
    assert (ending.end is End.ACT) == (may and is_wanted and not held)
    assert ending.reasons  # whatever becomes of it says why
