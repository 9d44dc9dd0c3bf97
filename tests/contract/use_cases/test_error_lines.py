"""Error lines on the message of an incident: read when its page stands, then once a look, and waited for by nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from handlers.blocks.error_lines import error_lines
from lumen.adapters.store.alerts import RedisAlerts
from lumen.model.alert import AlertKind, Severity
from lumen.model.course import RevisionsSeen
from lumen.model.error_lines import ErrorLine, ErrorLines, LogRead
from lumen.model.incident import RevisionCount, StoredAlert
from lumen.model.messages import SourceUnavailable, message, with_remedy
from lumen.model.service import ServiceId
from lumen.model.snapshot import Window
from lumen.use_cases.error_lines import BACK, ReadingErrors
from lumen.wording.catalogue import Catalogue
from tests.contract.store.builders import SERVICE, Store, patient
from tests.contract.use_cases.cloud import Cloud
from tests.contract.use_cases.incidents import behind, over, page, told

MINUTE = timedelta(minutes=1)
NEW, OLD = "ion-api-00042-dvt", "ion-api-00041-qhm"
EN = Catalogue("en")


@dataclass
class Desk:
    """A log that says what the test says; `asked`: of which revisions, for which period."""

    store: Store
    cloud: Cloud
    texts: tuple[str, ...] = ("KeyError: 'plan'",) * 3 + ("token=abc gone",)
    trouble: SourceUnavailable | None = None
    asked: list[tuple[str, Window]] = field(default_factory=list)

    @property
    def alerts(self) -> RedisAlerts:
        return RedisAlerts(self.store.redis, self.store.clock)

    async def read(self, _service: ServiceId, revision: str, window: Window) -> LogRead:
        self.asked.append((revision, window))
        if self.trouble is not None:
            raise self.trouble
        return LogRead(self.texts)

    def reading(self) -> ReadingErrors:
        """That of a replica: it remembers nothing by itself."""
        return ReadingErrors(self.alerts, self.cloud, self.store.claims, self.read, self.link)

    @staticmethod
    def link(_service: ServiceId, revision: str, since: datetime, until: datetime) -> str:
        return f"https://console.example/{revision}?{since:%H:%M}-{until:%H:%M}&a"

    async def due(self) -> bool:
        """Two replicas at once."""
        return any(await asyncio.gather(self.reading().due(SERVICE), self.reading().due(SERVICE)))

    async def opened(self, severity: Severity = Severity.PAGE, kind: AlertKind = AlertKind.AVAILABILITY) -> str:
        alert = page(self.store.clock.time, severity, kind)
        await told(self.store, StoredAlert(alert, alert.id))
        return alert.id

    async def shown(self, incident: str) -> list[str]:
        return error_lines(EN, await self.alerts.error_lines(SERVICE, incident))


@pytest.fixture
async def desk(state_url: str) -> AsyncIterator[Desk]:
    redis = patient(state_url)
    store = Store.over(redis)
    await store.prepare()
    yield Desk(store, Cloud([(store.clock.time, NEW, 0.1)], [NEW, OLD], store.clock.time))
    await redis.aclose()


async def test_lines_are_read_once_an_incident_and_once_a_look_and_their_message_follows(desk: Desk) -> None:
    assert not await desk.due()
    key = await desk.opened()
    assert await desk.shown(key) == []
    marked = (await desk.store.outbox.dirty(SERVICE))[0].version
    assert await desk.due()
    now = desk.store.clock.time
    assert desk.asked == [(NEW, Window(now - BACK, now))]
    assert (await desk.store.outbox.dirty(SERVICE))[0].version == marked + 1
    for _ in range(3):
        assert not await desk.due()
    for _ in range(10):
        desk.store.clock.time += MINUTE
        await desk.due()
    assert len(desk.asked) == 3  # one at once, one a look
    title, first, second = await desk.shown(key)
    assert title.startswith(f"Errors in the log of {NEW}, 15 min until <!date^")
    assert (first, second) == ("3 × `KeyError: 'plan'`", "1 × `token=••• gone`")
    assert title.endswith(f" <https://console.example/{NEW}?11:54-12:09&amp;a|All of them>")


async def test_who_is_blamed_stays_blamed_when_the_traffic_has_left_and_its_last_lines_stay(desk: Desk) -> None:
    key = await desk.opened()
    await desk.due()
    before = await desk.alerts.error_lines(SERVICE, key)
    assert before is not None
    desk.cloud.move(desk.store.clock.time, OLD)
    for texts, trouble in (((), None), (("x",), SourceUnavailable(*with_remedy("source.no_logging")))):
        desk.texts, desk.trouble = texts, trouble
        desk.store.clock.time += 5 * MINUTE
        await desk.due()
        after = await desk.alerts.error_lines(SERVICE, key)
        assert after is not None
        assert (after.lines, after.read_at, after.revision) == (before.lines, before.read_at, NEW)
    assert [revision for revision, _ in desk.asked] == [NEW] * 3


async def test_the_revision_is_the_one_that_the_message_blames(desk: Desk) -> None:
    key, now = await desk.opened(), desk.store.clock.time
    await desk.alerts.saw(SERVICE, key, RevisionsSeen(now, RevisionCount(now, OLD, 100, 9), None))
    await desk.due()
    assert [revision for revision, _ in desk.asked] == [OLD]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("source.no_logging", "Lumen is installed without its extra logging."),
        ("source.permission_denied", "Lumen may not read it."),
        ("source.api_disabled", "Lumen may not read it."),
        ("source.timeout", "it gave no answer."),
        ("source.quota", "it gave no answer."),
    ],
)
async def test_a_log_that_cannot_be_read_is_one_sentence_without_a_remedy(desk: Desk, code: str, says: str) -> None:
    params = {"what": "x", "where": "x", "detail": "x", "api": "x", "code": "x"}
    desk.trouble = SourceUnavailable(message(code, **params), message(f"{code}_remedy", **params))
    key = await desk.opened()
    assert await desk.due()
    assert await desk.shown(key) == [f"No lines of the log: {says}"]
    desk.trouble = None
    desk.store.clock.time += 5 * MINUTE
    assert await desk.due()
    assert len(await desk.shown(key)) == 3


async def test_a_revision_that_logs_nothing_says_so_and_an_unknown_one_is_no_guess(desk: Desk) -> None:
    desk.texts = ("", "  ")
    key = await desk.opened()
    await desk.due()
    assert await desk.shown(key) == [f"{NEW} has logged no error in 15 min."]
    desk.cloud.names = []
    desk.store.clock.time += 5 * MINUTE
    other = await desk.opened(Severity.TICKET)
    await desk.due()
    assert await desk.shown(other) == ["No lines of the log: it gave no answer."]
    desk.cloud.names = [NEW]
    desk.store.clock.time += 5 * MINUTE
    await desk.due()
    assert await desk.shown(other) == [f"{NEW} has logged no error in 15 min."]


async def test_nothing_is_read_for_other_alerts_nor_once_it_is_over(desk: Desk) -> None:
    await desk.opened(kind=AlertKind.LATENCY)
    await desk.opened(Severity.TICKET, AlertKind.COST)
    assert not await desk.due()
    alert = page(desk.store.clock.time)
    await told(desk.store, StoredAlert(alert, alert.id))
    await told(desk.store, StoredAlert(over(alert, desk.store.clock.time), alert.id))
    desk.store.clock.time += 10 * MINUTE
    assert not await desk.due()
    assert desk.asked == []


async def test_lines_of_a_forgotten_incident_are_not_kept(desk: Desk) -> None:
    now = desk.store.clock.time
    lines = ErrorLines(NEW, now, now, now, lines=(ErrorLine("x", 1),))
    await desk.alerts.logged(SERVICE, "nowhere", lines)
    assert await desk.alerts.error_lines(SERVICE, "nowhere") is None
    assert await behind(desk.store, "alert") == []
