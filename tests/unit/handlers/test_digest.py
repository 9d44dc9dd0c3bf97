"""The daily digest: its first line is the worst of the day, and who slept reads what happened, was done and waits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from handlers.blocks.card import Shown, without_charts
from handlers.blocks.digest import LINES_WITH_WEEK, digest
from lumen.exporters.day import objectives_of, periods
from lumen.exporters.slo import PRESETS
from lumen.model.alert import Alert, AlertKind, Observation, Severity
from lumen.model.answers import ChangeOfLate, StatusReadout
from lumen.model.assessment import GateVerdict, HealthLevel, Objective
from lumen.model.digest import DAY, DigestReadout, PastIncident, severest_first, turns_of_the_day
from lumen.model.forecast import BackTest, Forecast
from lumen.model.incident import Acknowledged, Incident, StoredAlert
from lumen.model.messages import message
from lumen.model.proposal import Change, Choice, Decision, Draft, Knob, Origin, Priority, Proposal, State
from lumen.model.service import Person
from lumen.model.snapshot import SLICE
from lumen.model.turn import Occasion, Turn
from lumen.wording.catalogue import LOCALES, Catalogue
from tests.snapshots import GONE, SERVICE, latency, traffic
from tests.unit.handlers.blocks import said, validated
from tests.unit.handlers.test_why import MONTH, turn

SEOUL = ZoneInfo("Asia/Seoul")
EN, KO = Catalogue("en", SEOUL), Catalogue("ko", SEOUL)
HOUR = timedelta(hours=1)
NINE = datetime(2026, 11, 24, 0, tzinfo=UTC)  # nine o'clock in Seoul, a Tuesday
NOW = NINE + timedelta(minutes=1)
MADE = turn(MONTH)
KIM = Person("U0KIM", "kim", "T0")
ALERT = message("alert.data_back")


def alert(
    severity: Severity, opened: datetime, lasted: timedelta | None, kind: AlertKind = AlertKind.AVAILABILITY
) -> StoredAlert:
    closed = None if lasted is None else opened + lasted
    return StoredAlert(Alert(f"ion-api:{kind}:{opened}", "ion-api", kind, "", severity, opened, ALERT, closed), "i")


def incident(severity: Severity, hours_ago: float = 8, lasted: timedelta | None = 2 * HOUR, **more: object) -> Incident:
    made = Incident(SERVICE, "i", (alert(severity, NOW - hours_ago * HOUR, lasted),))
    return replace(made, **more)  # type: ignore[arg-type]


def past(severity: Severity, hours_ago: float = 8, lasted: timedelta | None = 2 * HOUR) -> PastIncident:
    return PastIncident(incident(severity, hours_ago, lasted))


def proposal(state: State = State.APPLIED, by: Person | None = None, knob: Knob = Knob.TRAFFIC) -> Proposal:
    old, new, unit = ("00042", "00041", "") if knob is Knob.TRAFFIC else (300, 420, "s")
    draft = Draft(SERVICE, Change(knob, old, new, unit), "1", Origin.POLICY, None, (), GONE, Priority.LOW, None, "r")
    decision = None if state is State.PENDING else Decision(Choice.APPROVE if by else Choice.TIMER, by, "c")
    at = None if state is State.PENDING else NOW - 7 * HOUR
    return Proposal(
        "P11" if knob is Knob.TRAFFIC else "P12",
        draft,
        state,
        NOW - 8 * HOUR,
        NOW + 8 * HOUR,
        decision,
        at,
        None,
        at,
        1,
    )


def turns(*back: int, asked: tuple[int, ...] = ()) -> list[Turn]:
    """Turns of so many hours before nine, the newest first; those in `asked` were asked for by somebody."""
    return [
        replace(
            MADE,
            slot=NINE - hours * HOUR,
            started_at=NINE - hours * HOUR,
            occasion=Occasion.ASKED if hours in asked else Occasion.SLOT,
        )
        for hours in sorted(back)
    ]


def health(level: HealthLevel) -> Turn:
    """The newest turn, which found this."""
    made = turns(0)[0]
    gate = replace(made.assessment.gate, health=level)
    window = replace(made.snapshot.window, start=NINE - HOUR, end=NINE)
    snapshot = replace(made.snapshot, window=window)
    return replace(made, assessment=replace(made.assessment, gate=gate), snapshot=snapshot)


def objective(verdict: GateVerdict) -> Objective:
    met = {GateVerdict.PASS: True, GateVerdict.NO_DATA: None}.get(verdict, False)
    shown = message("assess.slo_availability", ratio=0.9, target=0.995, good=9, slices=10)
    return Objective("availability", 0.995, 0.9, 10, met, verdict is GateVerdict.FAIL, 50.0, shown)


def status(newest: Turn | None = None, alerts: tuple[StoredAlert, ...] = (), **more: object) -> StatusReadout:
    made = StatusReadout(SERVICE, newest or health(HealthLevel.GOOD), (), (), None, alerts=alerts, now=NOW)
    return replace(made, **more)  # type: ignore[arg-type]


def readout(**more: object) -> DigestReadout:
    made = DigestReadout(status(), NINE.astimezone(SEOUL), tuple(turns(*range(24))))
    return replace(made, **more)  # type: ignore[arg-type]


LEVELS = (HealthLevel.EXCELLENT, HealthLevel.GOOD, HealthLevel.NO_DATA, HealthLevel.WARNING, HealthLevel.CRITICAL)
SIGNS = {"🟢": (0, 1), "⚪": (2,), "🟡": (3,), "🟠": (3,), "🔴": (4,)}
BY_SEVERITY = {None: 0, Severity.NOTICE: 2, Severity.TICKET: 3, Severity.PAGE: 4}
BY_VERDICT = {GateVerdict.PASS: 0, GateVerdict.NO_DATA: 0, GateVerdict.WARN: 3, GateVerdict.FAIL: 4}


def test_the_first_line_is_the_worst_of_the_day() -> None:
    """The whole table: how it is now, an alert that is open, an incident that is over, an objective, missed turns."""
    whole, gaps = tuple(turns(*range(24))), tuple(turns(0, *range(4, 24)))
    for nth, (level, open_now, over, verdict, missed) in enumerate(
        product(LEVELS, BY_SEVERITY, BY_SEVERITY, BY_VERDICT, (False, True))
    ):
        alerts = () if open_now is None else (alert(open_now, NOW - HOUR, None),)
        found = readout(
            status=status(health(level), alerts),
            incidents=(*((past(over),) if over else ()), *((past(open_now, 1, None),) if open_now else ())),
            objectives=(objective(verdict),),
            turns=gaps if missed else whole,
        )
        expected = max(LEVELS.index(level), BY_SEVERITY[open_now], BY_SEVERITY[over], BY_VERDICT[verdict], 2 * missed)
        assert max(LEVELS.index(found.worst.level), 1) == max(expected, 1), (level, open_now, over, verdict, missed)
        if nth % 7 == 0:
            header = digest((EN, KO)[nth % 2], found).blocks[0]["text"]["text"]
            assert expected in SIGNS[header[0]], header


def test_a_day_with_a_two_hour_outage_never_reads_good() -> None:
    shown = digest(EN, readout(incidents=(past(Severity.PAGE),)))
    header = shown.blocks[0]["text"]["text"]
    assert header == "🔴 ion-api: digest of 2026-11-24 · page, availability for 2 h 0 min, over"
    assert shown.text.startswith(header)
    assert f"The 24 hours before <!date^{int(NINE.timestamp())}^" in shown.text
    assert "good" not in header


def test_incidents_come_first_and_say_what_how_long_how_it_ended_and_who() -> None:
    taken = replace(incident(Severity.PAGE), acknowledged=Acknowledged(KIM, NOW - 8 * HOUR))
    found = readout(
        incidents=(
            PastIncident(taken, (proposal(),)),
            PastIncident(incident(Severity.PAGE), (proposal(by=KIM),)),
            past(Severity.TICKET),
            past(Severity.PAGE, 1, None),
        )
    )
    shown = digest(EN, found)
    validated(shown)
    first, second, third, fourth = shown.blocks[2]["text"]["text"].split("\n")[1:]
    assert first.startswith("🔴 *availability* for 2 h 0 min, from <!date^")
    assert first.endswith("traffic 00042 → 00041 by Lumen · <@U0KIM> was on it")
    assert second.endswith("traffic 00042 → 00041 by <@U0KIM> · nobody took it")
    assert third.startswith("🟠 *availability* for 2 h 0 min")
    assert third.endswith("· over without a change by Lumen")
    assert "for 1 h 0 min so far" in fourth
    assert fourth.endswith("still open · nobody took it")


def test_the_open_ones_come_first_then_the_severest_then_the_longest() -> None:
    short, long = past(Severity.PAGE, 9, HOUR), past(Severity.PAGE, 8, 3 * HOUR)
    ticket, now = past(Severity.TICKET, 8, 5 * HOUR), past(Severity.NOTICE, 1, None)
    assert severest_first([ticket, short, now, long], NOW) == (now, long, short, ticket)


def test_a_change_that_ended_an_incident_stands_once() -> None:
    shown = digest(EN, day_of(**BUSY))
    assert shown.text.count("00042 → 00041") == 1
    assert "TTL 300 → 420 s" in shown.text


@pytest.mark.parametrize("words", [EN, KO], ids=LOCALES)
def test_a_day_full_of_everything_stays_within_the_limits(words: Catalogue) -> None:
    many = tuple(past(Severity.PAGE, 8 + nth / 10) for nth in range(30))
    changes = tuple(ChangeOfLate(proposal(by=KIM, knob=Knob.TTL), 0.7, 0.8) for _ in range(30))
    waiting = (proposal(State.PENDING, knob=Knob.TTL),) * 30
    made = digest(
        words, week_of(status=status(changes=changes, open_proposals=waiting), incidents=many, turns=tuple(turns(0, 9)))
    )
    for shown in (made, without_charts(made)):
        validated(shown)
    assert said(made).count(words.say(message("digest.more", count=30 - LINES_WITH_WEEK))) == 3
    assert len(charts_of(made)) == 2


def measured(
    hours: int, unknown: frozenset[int] = frozenset(), failing: frozenset[int] = frozenset()
) -> list[Observation]:
    """Slices of the hours up to nine; hours are counted back from it."""
    found = []
    for back in range(hours, 0, -1):
        for nth in range(12):
            start = NINE - back * HOUR + nth * SLICE
            errors = 50 if back in failing else 0
            seen = Observation(start, 100, errors, p95_ms=150.0, hits=70, misses=30, cost_usd=0.01)
            found.append(Observation(start) if back in unknown else seen)
    return found


def hourly_turns() -> list[Turn]:
    """With the latencies of their own hours."""
    return [
        replace(one, snapshot=replace(one.snapshot, window=replace(one.snapshot.window, end=NINE - back * HOUR)))
        for back, one in enumerate(turns(*range(24)))
    ]


def day_of(**more: object) -> DigestReadout:
    seen = measured(24)
    found = objectives_of(seen, hourly_turns(), NINE, PRESETS["default"])
    return replace(readout(objectives=found, periods=periods(seen, NINE - DAY, 2 * HOUR, 12)), **more)  # type: ignore[arg-type]


def week_of(**more: object) -> DigestReadout:
    seen, start = measured(168), NINE - 7 * DAY
    days = periods(seen, start, DAY, 7)
    found = day_of(week=periods(seen, start, 12 * HOUR, 14), days=days, incidents_by_day=(0, 1, 0, 0, 2, 0, 0))
    return replace(found, **more)  # type: ignore[arg-type]


#: Digests as they are read, by their name: a quiet day, one with two incidents, changes and a wish, and a Monday.
BUSY = {
    "incidents": (
        PastIncident(incident(Severity.PAGE, acknowledged=Acknowledged(KIM, NOW - 8 * HOUR)), (proposal(),)),
        past(Severity.TICKET, 3, HOUR),
    ),
    "status": status(
        changes=(ChangeOfLate(proposal(by=KIM, knob=Knob.TTL), 0.7, 0.8), ChangeOfLate(proposal(), 0.05, 0.0)),
        open_proposals=(proposal(State.PENDING, knob=Knob.TTL),),
    ),
}


def forecast(*within: bool) -> Forecast:
    """With a prediction of each day before, right or wrong."""
    days = [
        BackTest(date(2026, 11, 1 + at), 600, 0.04, 0.05, 0.06, 0.05 if one else 0.07) for at, one in enumerate(within)
    ]
    return Forecast(300, 0.7, 20_000, 0.00003, 3, 60_000, (), back_tests=tuple(days))


def test_how_many_of_the_last_predictions_were_right() -> None:
    made = [
        replace(one, forecast=None if at < 3 else forecast(*[True] * 9, False))
        for at, one in enumerate(turns(*range(24)))
    ]
    assert "Last 10 predictions, one a day: 9 within their 90% interval." in digest(EN, readout(turns=tuple(made))).text
    assert "predictions" not in digest(EN, readout(turns=(replace(made[0], forecast=forecast()),))).text


DAYS = {"quiet day": day_of(), "day of two incidents": day_of(**BUSY), "monday": week_of(**BUSY)}


def charts_of(shown: Shown) -> list[str]:
    return [block["title"] for block in shown.blocks if block["type"] == "data_visualization"]


def test_its_charts_have_named_series_targets_and_the_incidents() -> None:
    changed = ChangeOfLate(proposal(by=KIM, knob=Knob.TTL), 0.7, 0.8)
    shown = digest(EN, day_of(incidents=(past(Severity.PAGE),), status=status(changes=(changed,))))
    validated(shown)
    assert charts_of(shown) == ["Errors (5xx) · availability 01:01–03:01", "Hit rate · TTL 300→420 02:01"]
    blocks = [block for block in shown.blocks if block["type"] == "data_visualization"]
    names = [[series["name"] for series in block["chart"]["series"]] for block in blocks]
    assert names == [["errors", "target"], ["hit rate", "target"]]
    assert {point["value"] for point in blocks[1]["chart"]["series"][1]["data"]} == {80.0}
    assert [len(block["chart"]["axis_config"]["categories"]) for block in blocks] == [12, 12]
    assert "Hit rate · TTL 300→420 02:01: hit rate 70%; target 80%" in shown.text
    assert charts_of(digest(KO, day_of(incidents=(past(Severity.PAGE),)))) == [
        "오류 (5xx) · 가용성 01:01–03:01",
        "적중률",
    ]


def test_mondays_has_the_week_in_two_charts_and_a_table() -> None:
    shown = digest(EN, week_of())
    validated(shown)
    blocks = [block for block in shown.blocks if block["type"] == "data_visualization"]
    assert [len(block["chart"]["axis_config"]["categories"]) for block in blocks] == [14, 14]
    (table,) = [block for block in shown.blocks if block["type"] == "table"]
    rows = [[cell["text"] for cell in row] for row in table["rows"]]
    assert rows[0] == ["Day", "Incidents", "Errors", "Hit rate", "P95", "Cost"]
    assert rows[2] == ["Wed 18", "1", "0%", "70%", "150 ms", "$2.88"]
    assert "Wed 18 · 1 · 0% · 70% · 150 ms · $2.88" in shown.text


def test_objectives_are_of_the_whole_day() -> None:
    """Two hours of failures this morning, none in the last hour: missed, whatever the last hour says."""
    seen = measured(24, failing=frozenset({7, 8}))
    found = objectives_of(seen, turns(*range(24)), NINE, PRESETS["default"])
    verdicts = {one.name: one.verdict for one in found}
    assert verdicts["availability"] is verdicts["error_rate"] is GateVerdict.FAIL
    told = said(digest(EN, readout(objectives=found)))
    assert "❌ Availability 91.7% (target 99.5%)" in told
    assert "❌ Errors 4.2% (target below 0.1%)" in told
    assert "❌ Hit rate 70% (target above 80%)" in told or "⚠️ Hit rate 70% (target above 80%)" in told


def test_latency_is_that_of_all_requests_of_the_day() -> None:
    fast, slow = latency(60.0), latency(60.0, slow=1000, slow_ms=900.0)
    day = [
        replace(
            one,
            snapshot=replace(
                one.snapshot,
                traffic=replace(traffic(), latency=slow if back < 12 else fast),
                window=replace(one.snapshot.window, end=NINE - back * HOUR),
            ),
        )
        for back, one in enumerate(turns(*range(24)))
    ]
    found = {one.name: one for one in objectives_of(measured(24), day, NINE, PRESETS["default"])}
    assert found["latency_p95"].valid == 24 * 1000 + 12 * 1000
    assert found["latency_p95"].verdict is GateVerdict.WARN
    half = {one.name: one for one in objectives_of(measured(24), day[:17], NINE, PRESETS["default"])}
    assert half["latency_p95"].verdict is GateVerdict.NO_DATA


@pytest.mark.parametrize("unknown", range(0, 25, 2))
def test_a_day_of_which_too_little_is_known_has_no_verdict(unknown: int) -> None:
    seen = measured(24, unknown=frozenset(range(1, unknown + 1)))
    found = {one.name: one for one in objectives_of(seen, turns(*range(24)), NINE, PRESETS["default"])}
    is_known = unknown <= 6
    assert (found["availability"].verdict is not GateVerdict.NO_DATA) == is_known
    assert (found["cache_hit_rate"].verdict is not GateVerdict.NO_DATA) == is_known
    spans = periods(seen, NINE - DAY, 2 * HOUR, 12)
    assert [one.hit_rate is None for one in spans] == [back <= unknown for back in range(24, 0, -2)]


def test_before_the_first_turn_there_is_nothing_to_tell() -> None:
    shown = digest(EN, DigestReadout(replace(status(), turn=None), NINE))
    validated(shown)
    assert "Nothing has been measured yet" in shown.text
    assert "None." not in shown.text


@pytest.mark.parametrize(
    ("found", "made", "missed"),
    [
        ([], 0, []),
        (turns(0), 1, []),
        (turns(0, asked=(0,)), 0, []),
        (turns(*range(24)), 24, []),
        (turns(*range(40)), 24, []),
        (turns(*range(1, 40)), 24, []),
        (turns(*range(2, 40)), 23, [1]),
        (turns(0, 3, 4), 3, [2, 1]),
        (turns(0, 1, 2, 3, asked=(1,)), 3, [1]),
        (turns(30), 0, list(range(24, 0, -1))),
    ],
)
def test_missed_turns_are_those_since_the_first_one(found: list[Turn], made: int, missed: list[int]) -> None:
    told, hours = turns_of_the_day(found, NOW)
    assert (len(told), list(hours)) == (made, [NINE - back * HOUR for back in missed])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (turns(*range(24)), "Health score 90.1 of 100, good (90–90 in 24 h)"),
        (turns(0, 2), "⚠️ Nothing was measured at <!date^"),
        (turns(0, 2), "2 of 3 hourly measurements (0 caught up)"),
        (turns(0, 3), "⚠️ 2 hours without a measurement, the first at <!date^"),
    ],
)
def test_the_digest_tells_of_missed_turns(found: list[Turn], told: str) -> None:
    assert told in digest(EN, readout(turns=tuple(found))).text
