"""Several services: all at a glance, and of which one an answer is."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.answers import knob_card
from handlers.blocks.card import Shown
from handlers.blocks.home import (
    NEXT,
    PREVIOUS,
    SERVICES_SHOWN,
    Page,
    all_card,
    note,
    page_of,
    page_value,
    services_card,
)
from lumen.model.alert import Alert, AlertKind, Severity
from lumen.model.answers import Glance, KnobReadout, TurnReadout
from lumen.model.forecast import Forecast, SizeStep, Step
from lumen.model.incident import Pause, Pinned, StoredAlert
from lumen.model.messages import NoData, message
from lumen.model.proposal import Change, Knob, Priority
from lumen.model.service import Chosen, Person, ServiceId
from lumen.model.turn import Recommendation, Turn
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import NOW, SERVICE, cache, traffic
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_why import turn

EN = Catalogue("en")
KIM = Person("U0KIM", "kim", "T1")
CANARY = replace(SERVICE, name="ion-api-canary")
GONE = NoData(message("source.no_billing_account"), message("source.no_billing_account_remedy"))


def name_of(service: ServiceId) -> str:
    return service.name


def glance(name: str, made: Turn | None, age: timedelta = timedelta(minutes=4)) -> Glance:
    now = made.snapshot.window.end + age if made else NOW
    return Glance(TurnReadout(replace(SERVICE, name=name), made, now, NOW + timedelta(hours=1)), 0, (), None, None)


BURNING = turn(traffic=traffic(errors_5xx=500), cache=cache(0.2))
FINE = turn()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_worst_stands_first_and_what_is_unknown_before_what_is_good(locale: str) -> None:
    known = [glance("fine", FINE), glance("new", None), glance("burning", BURNING)]
    several: list[Glance | tuple[ServiceId, NoData]] = [*known, (CANARY, GONE)]
    validated(shown := all_card(Catalogue(locale), several, name_of))
    told = said(shown)
    at = [told.index(f"*{name}*") for name in ("burning", "ion-api-canary", "new", "fine")]
    assert at == sorted(at)


def test_each_says_what_is_going_on_and_how_old_it_is() -> None:
    alert = Alert(
        "a", SERVICE.key, AlertKind.CACHE, "cache", Severity.TICKET, NOW, message("alert.data_back"), None, None
    )
    busy = replace(
        glance("busy", FINE, timedelta(hours=3)),
        waiting=2,
        alerts=(StoredAlert(alert, "a"),),
        pause=Pause(KIM, NOW, None),
        pinned=Pinned("ion-api-00041", NOW),
    )
    told = said(all_card(EN, [busy, glance("new", None)], name_of))
    for words in ("open alerts: cache", "waiting for a decision: 2", "automation paused", "pinned to ion-api-00041"):
        assert words in told
    assert "⚠️ measured 3 h 0 min ago" in told
    assert "nothing measured yet" in told
    assert "/lumen status on <service>" in told.replace("&lt;", "<").replace("&gt;", ">")


def test_a_service_whose_memory_cannot_be_read_says_why() -> None:
    assert EN.say(GONE.remedy) in said(all_card(EN, [(CANARY, GONE)], name_of))


def pressed(shown: Shown) -> dict[str, str]:
    """By action: what each button carries."""
    rows = [block["elements"] for block in shown.blocks if block["type"] == "actions"]
    return {one["action_id"]: one["value"] for row in rows for one in row}


@pytest.mark.parametrize("locale", LOCALES)
def test_very_many_services_are_shown_page_by_page_and_counted(locale: str) -> None:
    many = [glance(f"service-{n:03d}", BURNING if n % 50 == 49 else FINE) for n in range(10 * SERVICES_SHOWN - 1)]
    seen: list[str] = []
    value = page_value(Page(wanted="team=payments"))
    for number in range(10):
        validated(shown := all_card(Catalogue(locale), many, name_of, page_of(value)))
        seen += re.findall(r"\*(service-\d+)\*", shown.text)
        ways = pressed(shown)
        assert (PREVIOUS in ways, NEXT in ways) == (number > 0, number < 9)
        assert "team=payments" in shown.text
        value = ways.get(NEXT, "")
    assert seen[:3] == ["service-049", "service-099", "service-149"]
    assert len(set(seen)) == len(seen) == len(many)
    assert "🔴 3 critical" in all_card(EN, many, name_of).text
    assert all_card(EN, many, name_of, Page(99)).text == all_card(EN, many, name_of, Page(9)).text


@pytest.mark.parametrize("locale", LOCALES)
def test_the_list_says_which_one_the_channel_speaks_of_and_who_chose(locale: str) -> None:
    words = Catalogue(locale)
    chosen = Chosen(CANARY, KIM, NOW)
    validated(services_card(words, name_of, (SERVICE,), SERVICE, None))
    validated(services_card(words, name_of, (SERVICE, CANARY), SERVICE, None))
    validated(shown := services_card(words, name_of, (SERVICE, CANARY), CANARY, chosen))
    assert "*ion-api-canary*" in said(shown)
    assert "<@U0KIM>" in said(shown)


def test_an_answer_says_of_which_service_it_is() -> None:
    both, chosen = (SERVICE, CANARY), Chosen(CANARY, KIM, NOW)
    assert EN.plain(note(name_of, both, CANARY, None, named=True)) == "Of ion-api-canary."
    assert EN.plain(note(name_of, both, SERVICE, None, named=False)).startswith(
        "Of ion-api, the first of this channel."
    )
    assert "chosen for this channel by U0KIM" in EN.plain(note(name_of, both, CANARY, chosen, named=False))


SIZE = KnobReadout(SERVICE, Knob.CACHE_SIZE, 256, "MB", 10, 1024, None)
LARGER = Recommendation(
    Change(Knob.CACHE_SIZE, 256, 384, "MB"), "SCALE_UP", (message("command.ttl_hint"),), Priority.HIGH
)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("readout", "words"),
    [
        (SIZE, "256 MB"),
        (replace(SIZE, wanted=LARGER), "256 → 384 MB"),
        (replace(SIZE, value=GONE), "BILLING_ACCOUNT"),
        (KnobReadout(SERVICE, Knob.MIN_INSTANCES, 0, "", 0, 5, None), "/lumen size"),
        (replace(SIZE, lowest=None, highest=None), "256 MB"),
    ],
)
def test_a_knob_is_shown_as_it_stands(readout: KnobReadout, words: str, locale: str) -> None:
    validated(shown := knob_card(Catalogue(locale), "size", readout))
    assert words in said(shown)
    assert ("10" in said(shown)) == (readout.lowest == 10)


def test_the_size_names_each_size_that_was_replayed_or_why_there_is_none() -> None:
    sizes = SizeStep(192, -0.04, 0.01, -2.34), SizeStep(256, 0.0, 0.0, 0.0), SizeStep(384, 0.05, 0.01, 4.68)
    forecast = Forecast(300, 0.7, 20_000, 0.001, 3, 60_000, (Step(300, 0.0, 0.0),), sizes=sizes)
    told = knob_card(EN, "size", replace(SIZE, forecast=forecast)).text
    assert "192 MB: hit rate 70% → 66%" in told
    assert "384 MB: hit rate 70% → 75%" in told
    assert "\N{MINUS SIGN}30,000 calls" in told
    assert "256 MB:" not in told
    shared = replace(forecast, sizes=NoData(message("forecast.shared"), message("forecast.shared_remedy")))
    assert "other services share the cache" in knob_card(EN, "size", replace(SIZE, forecast=shared)).text
