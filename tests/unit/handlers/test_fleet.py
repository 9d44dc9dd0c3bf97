"""Many services in one channel: the digest of all in one message, what waits on any, App Home; within limits."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks.answers import APPROVALS_SHOWN, approvals_of_all
from handlers.blocks.app_home import WAITING_SHOWN, fleet_home
from handlers.blocks.fleet_digest import LOOKS, fleet_digest
from handlers.blocks.home import WORST_SHOWN
from handlers.blocks.proposal import APPROVE
from handlers.contacts import Contact, Contacts
from lumen.model.alert import Severity
from lumen.model.answers import Glance, TurnReadout
from lumen.model.assessment import HealthLevel
from lumen.model.digest import PastIncident
from lumen.model.fleet import FleetDay, FleetDigest, Seen
from lumen.model.incident import StoredAlert
from lumen.model.messages import NoData, message
from lumen.model.proposal import Knob, Proposal, State
from lumen.model.service import ServiceId
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import SERVICE
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_app_home import WELL
from tests.unit.handlers.test_app_home import validated as validated_view
from tests.unit.handlers.test_digest import KIM, NINE, NOW, SEOUL, alert, health, incident, proposal

EN = Catalogue("en")
GONE = NoData(message("source.no_billing_account"), message("source.no_billing_account_remedy"))
FINE = health(HealthLevel.GOOD)


def name_of(service: ServiceId) -> str:
    return service.name


def service(number: int) -> ServiceId:
    return replace(SERVICE, project=f"shop-{number % 3}", name=f"payments-api-{number:03d}")


def waiting(number: int) -> Proposal:
    made = proposal(State.PENDING, knob=Knob.TTL)
    return replace(made, id=f"P{number}", mark="m", draft=replace(made.draft, service=service(number)))


def seen(
    number: int, level: HealthLevel, alerts: tuple[StoredAlert, ...] = (), unfinished: tuple[Proposal, ...] = ()
) -> Glance:
    last = TurnReadout(service(number), health(level), NOW, NOW + timedelta(hours=1), alerts)
    asked = sum(one.state is State.PENDING for one in unfinished)
    return Glance(last, asked, alerts, None, None, unfinished)


def past_of(number: int, hours_ago: float, lasted: timedelta | None) -> PastIncident:
    found = replace(incident(Severity.PAGE, hours_ago, lasted), service=service(number))
    return PastIncident(found)


def day(number: int, incidents_from: int, incidents_to: int) -> FleetDay:
    """Of one of many: those in the range have a page open, each seventh has a warning, each eleventh no data."""
    if incidents_from <= number < incidents_to:
        paged = seen(number, HealthLevel.GOOD, (alert(Severity.PAGE, NOW - timedelta(hours=2), None),))
        return FleetDay(paged, (past_of(number, 2, None),))
    if number == 1:
        return FleetDay(seen(number, HealthLevel.GOOD), (past_of(number, 9, timedelta(minutes=12)),))
    if number == 2:
        return FleetDay(seen(number, HealthLevel.GOOD), (), (proposal(State.APPLIED, KIM, Knob.TTL),))
    level = HealthLevel.WARNING if number % 7 == 0 else HealthLevel.NO_DATA if number % 11 == 0 else HealthLevel.GOOD
    unfinished = (waiting(number),) if number % 7 == 0 else ()
    return FleetDay((service(number), GONE) if number == 22 else seen(number, level, (), unfinished))


def fleet(count: int, incidents: int) -> FleetDigest:
    days = [day(number, 40, 40 + incidents) for number in range(count)]
    order = (HealthLevel.CRITICAL, HealthLevel.WARNING, HealthLevel.NO_DATA, HealthLevel.GOOD)
    return FleetDigest(tuple(sorted(days, key=lambda one: order.index(one.level))), NINE.astimezone(SEOUL), NOW)


FLEETS = {
    "a quiet day of five": FleetDigest(
        tuple(FleetDay(seen(number, HealthLevel.GOOD)) for number in range(5)), NINE.astimezone(SEOUL), NOW
    ),
    "two hundred with thirty incidents": fleet(200, 30),
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", FLEETS)
def test_the_digest_of_any_fleet_is_one_message_within_the_limits(locale: str, name: str) -> None:
    validated(shown := fleet_digest(Catalogue(locale), FLEETS[name], name_of))
    assert len(shown.text) < 3900
    assert not shown.text.endswith("…")


def test_the_worst_come_first_ten_are_named_and_the_rest_counted() -> None:
    told = fleet_digest(EN, FLEETS["two hundred with thirty incidents"], name_of).text
    header, looks = told.splitlines()[0], told.partition("Need a look")[2].partition("+ ")[0]
    assert header.startswith("🔴 200 services: digest of 2026-11-24")
    assert len(re.findall(r"payments-api-\d+", looks)) == LOOKS
    assert "payments-api-045" in looks  # five are named among the incidents
    assert "+ 26 more" in told.partition("Need a look")[0]  # incidents, after the five that are named
    assert told.index("Incidents") < told.index("Need a look") < told.index("Changes")
    assert "Waiting for a decision: 25" in told


def test_money_is_that_of_each_project_once() -> None:
    quiet = FLEETS["a quiet day of five"]
    found, month = quiet.money, FINE.snapshot.spend
    assert found is not None
    assert not isinstance(month, NoData)
    assert not isinstance(month.month_to_date_usd, NoData)
    assert found.spent_usd == pytest.approx(3 * month.month_to_date_usd)
    unknown = replace(FINE, snapshot=replace(FINE.snapshot, spend=GONE))
    glance = quiet.days[0].now
    assert isinstance(glance, Glance)
    first = replace(quiet.days[0], now=replace(glance, last=replace(glance.last, turn=unknown)))
    one = replace(quiet, days=(first,))
    assert one.money is not None
    assert one.money.unknown == ("shop-0",)
    assert "Not known: the month of shop-0" in fleet_digest(EN, one, name_of).text


SEEN: list[Seen] = [one.now for one in FLEETS["two hundred with thirty incidents"].days]


@pytest.mark.parametrize("locale", LOCALES)
def test_app_home_of_many_shows_what_waits_and_then_the_worst(locale: str) -> None:
    allowed = fleet_home(Catalogue(locale), SEEN, name_of, WELL)
    blocks = validated_view(allowed)
    assert str(blocks).count(f"'action_id': '{APPROVE}'") == WAITING_SHOWN
    may_not = {service(number) for number in range(0, 200, 2)}
    kept = fleet_home(Catalogue(locale), SEEN, name_of, WELL, may_not=may_not)
    validated_view(kept)
    assert 0 < str(kept).count(f"'action_id': '{APPROVE}'") < WAITING_SHOWN


def test_app_home_names_the_worst_and_counts_the_rest() -> None:
    told = str(fleet_home(EN, SEEN, name_of, WELL))
    assert f"and {200 - WORST_SHOWN} more" in told
    assert "🔴 30 critical" in told


@pytest.mark.parametrize("locale", LOCALES)
def test_what_waits_on_any_of_many_has_its_buttons_within_the_limits(locale: str) -> None:
    many = [waiting(number) for number in range(APPROVALS_SHOWN + 5)]
    validated(shown := approvals_of_all(Catalogue(locale), many, name_of, [SERVICE]))
    assert str(shown.blocks).count(f"'action_id': '{APPROVE}'") == APPROVALS_SHOWN
    assert "ion-api" in said(shown)


TEAMS = Contacts(
    {
        service(number): Contact(f"C{number % 2}", labels={"team": "payments" if number < 4 else "search"})
        for number in range(8)
    }
)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("", range(8)),
        ("team=payments", range(4)),
        ("Team=Payments here", [0, 2]),
        ("api-007", [7]),
        ("shop-1 team=search", [4, 7]),
        ("team=pay", []),
        ("nothing", []),
    ],
)
def test_services_are_chosen_by_names_labels_and_the_channel(wanted: str, numbers: list[int]) -> None:
    assert list(TEAMS.chosen(wanted, "C0")) == [service(number) for number in numbers]


def test_a_name_that_several_have_is_told_with_its_project() -> None:
    twice = [replace(SERVICE, project=project) for project in ("shop-one", "shop-two")]
    found = Contacts({one: Contact("C1") for one in [*twice, service(1)]})
    assert [found.name_of(one) for one in found.services] == [
        "shop-one/ion-api",
        "shop-two/ion-api",
        "payments-api-001",
    ]
    assert found.names == ("shop-one/ion-api", "shop-two/ion-api", "payments-api-001", "ion-api")
