"""Commands and numbers as people type them, in both languages: understood, or answered with what can be."""

from datetime import timedelta
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import command_types as a
from handlers import parse as p
from handlers.command_table import NAMES, TABLE, Entry, find, nearest, squeezed
from lumen.model.override import Terms
from lumen.model.proposal import LATEST, Knob
from lumen.wording.amounts import COUNT, SIZE, TIME, amount, duration

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def each(expected: object, spellings: str) -> list[tuple[str, object]]:
    """Pairs of each spelling with what it means."""
    return [(one, expected) for one in spellings.split("|")]


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        *each(420, "420|420s|420 s|420 sec|420 seconds|7m|7 m|7min|7 minutes"),
        *each(420, "420초|7분|7 분|４２０|４２０초|７ｍ|to 420|= 7m|420초로|칠분"),
        *each(5400, "1.5h|1,5h|1h30|1h30m|1h 30min|90m|1 hour and 30 minutes"),
        *each(5400, "1시간 30분|1시간반|한 시간 반|an hour and a half|1.5 hours|1.5시간"),
        *each(1800, "half an hour|반시간|삼십분|30 mins|0.5h|30M"),
        *each(1000, "1,000|1_000|1000|1,000s"),
        *each(172800, "2d|2 days|이틀|2일|two days|48h"),
        *(("-5", -5), ("−5", -5), ("0", 0), ("2w", 1209600), ("2주", 1209600), ("420000ms", 420)),
    ],
)  # fmt: skip
def test_a_time(typed: str, seconds: int) -> None:
    found = amount(typed, TIME)
    assert found is not None
    assert found.whole == seconds


@pytest.mark.parametrize(
    "typed",
    ["", "soon", "7x", "1h 2h", "30m 1h", "1m 420", "a", "half", "반", "4e2", "٣", "1,0000", "..5", "+60", "x2", "10%",
     "7m ago", "9" * 80, "1:30", "--5"],
)  # fmt: skip
def test_what_is_no_time(typed: str) -> None:
    assert amount(typed, TIME) is None


@pytest.mark.parametrize(
    ("typed", "mb"),
    [
        *each(512, "512|512MB|512 mb|512M|512 메가|0.5GB|５１２|512메가바이트로"),
        *each(2048, "2GB|2 gb|2g|2기가|2,048|two gb|이기가|2 GiB"),
    ],
)  # fmt: skip
def test_a_size(typed: str, mb: int) -> None:
    found = amount(typed, SIZE)
    assert found is not None
    assert found.whole == mb


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        *each(4000, "4000|4,000|4k|4천|4천개|4000 entries|4000개"),
        *each(2, "2|two|2대|두 대|2 instances|2개"),
        ("1만", 10_000),
    ],
)  # fmt: skip
def test_a_number_of_things(typed: str, number: int) -> None:
    found = amount(typed, COUNT)
    assert found is not None
    assert found.whole == number


def test_a_duration_names_its_unit() -> None:
    assert duration("90") is None
    assert duration("90m") == duration("1시간 30분") == duration("for 1.5 hours") == 90 * MINUTE
    assert amount("1.3 s", TIME) is not None
    assert amount("1.3 s", TIME).whole is None  # type: ignore[union-attr]


@given(st.integers(0, 10**6), st.sampled_from(sorted(TIME)), st.sampled_from(["", " ", "  "]))
def test_every_number_with_every_unit_is_its_product(number: int, unit: str, space: str) -> None:
    assert amount(f"{number}{space}{unit}", TIME) == amount(f"{number}{space}{unit}".upper(), TIME)
    assert amount(f"{number}{space}{unit}", TIME).value == number * TIME[unit]  # type: ignore[union-attr]


@given(st.text(max_size=80))
def test_anything_is_an_amount_or_none(text: str) -> None:
    for units in (TIME, SIZE, COUNT):
        found = amount(text, units)
        assert found is None or isinstance(found.value, Fraction)


TTL_420 = a.Propose(Knob.TTL, 420)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *each(TTL_420, "ttl 7m|TTL 7 min|ttl=420|ttl: 420|set ttl to 420 seconds|ttl 420."),
        *each(TTL_420, "ttl 420초|ttl을 420초로 바꿔줘|유효시간 7분|ttl ４２０|티티엘 7분으로"),
        *each(TTL_420, "/lumen ttl 420"),
        *each(a.Propose(Knob.TTL, 420, existing=True), "ttl 7m existing|ttl 7분 기존"),
        *each(a.Propose(Knob.CACHE_SIZE, 2048), "size 2GB|캐시 크기 2기가|cache size 2048 MB|크기 2gb로"),
        *each(a.Propose(Knob.L1_ENTRIES, 4000), "l1 4k|l1 4,000 entries|프로세스 캐시 4천개"),
        *each(a.Propose(Knob.MIN_INSTANCES, 2), "instances two|인스턴스 2대|min-instances 2"),
        *each(a.Propose(Knob.TTL, -5), "ttl -5|ttl −5|ttl −5초"),
        *each(a.Help("ttl"), "help ttl|ttl help|ttl --help|ttl -h|도움말 ttl|도움말 유효시간"),
        *each(a.Help("rollback"), "help roll back|롤백 도움말|help 롤백"),
        *each(a.Status(), "상태|상태 보여줘|status?|please show me the status|상태는?|현황"),
        *each(a.Status(), "STATUS"),
        *each(a.StatusAll(), "상태 전체|status everything|status ALL"),
        *each(a.Help(), "도움말|help!|?|사용법|commands"),
        *each(a.Explain(a.Subject.CACHE), "why 적중률|이유 캐시|why hit-rate|why is the cache slow"),
        *each(a.Explain(a.Subject.GATE), "gate|why 점수|why gate|점수"),
        *each(a.RollBack("ion-api-00041"), "roll back to ion-api-00041|롤백 ion-api-00041로"),
        *each(a.RollBack("ion-api-00041"), "revert `ion-api-00041`"),
        *each(a.PauseChanges(2 * HOUR), "pause 2h|pause for two hours|일시중지 2시간|중지 2시간 동안"),
        *each(a.PauseChanges(2 * HOUR), "stop 120 min"),
        *each(a.PauseChanges(2 * HOUR, "배포"), "일시중지 2시간 이유: 배포|pause 2h because 배포|중지 2시간 사유 배포"),
        *each(a.PinTtl(600, Terms(2 * HOUR)), "override ttl 10m for 2h|pin ttl 600 for 2 hours"),
        *each(a.PinTtl(600, Terms(2 * HOUR)), "고정 ttl 10분 2시간 동안"),
        *each(a.PinTtl(600, Terms()), "override 600|고정 ttl 600초|ttl고정 10분"),
        *each(a.LiftOverride(), "override off|고정 해제|TTL 고정 해제|override ttl off"),
        *each(a.LockSize(Terms(30 * MINUTE)), "lock size for half an hour|잠금 크기 30분 동안"),
        *each(a.SilenceAlerts("cache", 2 * HOUR), "silence cache 2h|무음 캐시 2시간|mute 2h cache"),
        *each(a.SilenceAlerts("cache", 2 * HOUR), "silence 캐시 for 2 hours"),
        *each(a.SilenceAlerts("availability", None), "무음 가용성|silence availability"),
        *each(a.Unsilence("cache"), "silence end cache|무음 해제 캐시|silence cache off"),
        *each(a.Undo("P12"), "undo #12|undo 12|되돌리기 12|undo ＃１２|되돌리기 12번"),
        *each(a.Undo("P12"), "undo proposal 12|undo P12"),
        *each(a.Propose(Knob.TRAFFIC, LATEST), "unpin|트래픽고정해제|트래픽 고정 해제|un-pin"),
        *each(a.Emergency(), "긴급|emergency!|비상 조치|SOS"),
        *each(a.ShowDigest(), "요약|digest|다이제스트|하루 요약 보여주세요"),
        *each(a.ListApprovals(), "승인|pending|approval|승인 대기"),
        *each(a.Run(), "run|run now|지금 측정|실행해줘"),
        *each(a.ShowIncident("i7k3f"), "history i7k3f|기록 `i7k3f`|incident i7k3f|인시던트 i7k3f"),
        *each(a.Ask(), "what is wrong?|what's up|뭐가 문제야?|지금 어때?|is it ok|왜 느려?"),
        *each(a.Ask(), "how are we doing"),
        *each(TTL_420, "ttl 7 분으로 설정|ttl 칠분으로 변경|'ttl 420'|set ttl = 420"),
        *each(a.Propose(Knob.TTL, 420, existing=True), "ttl 7분 기존 키도|ttl 420 기존 포함"),
        *each(a.Propose(Knob.MIN_INSTANCES, 0), "instances zero|인스턴스 0|instances none"),
        *each(a.RollBack(""), "rollback to previous|롤백 이전|롤백|이전 버전으로 롤백"),
        *each(a.Undo("P7"), "7번 되돌리기|되돌려줘 7|undo p 7|#7 되돌려줘"),
        *each(a.PauseChanges(30 * MINUTE), "30분 일시중지|30분 동안 중지|30분만 멈춰|일시 중지 30분"),
        *each(a.PinTtl(600, Terms()), "TTL을 10분으로 고정|ttl 10분 고정|pin 600"),
        *each(a.LockSize(Terms(2 * HOUR)), "크기 잠금 2시간|lock cache size 2h|lock size 2 hours"),
        *each(a.Unsilence("cache"), "unsilence cache|un-mute cache|무음 해제 캐시"),
        *each(a.SilenceAlerts("no_data", HOUR), "silence no data 1h|무음 데이터 없음 1시간"),
        *each(a.StatusAll(), "전체 상태|status for all|상태 전부"),
        *each(a.ShowDigest(), "오늘 요약|digest today|today"),
        *each(a.History(), "최근 기록|history please"),
        *each(a.Run(), "run it now|지금 실행"),
        *each(a.ListApprovals(), "approve 12|승인 12|reject #12"),
        *each(a.Explain(a.Subject.CACHE), "적중률 왜 낮아?|cache ok?"),
        *each(a.Ask(), "왜 빨간색이야|why is it red|how are things?|is anything broken?"),
        *each(a.Ask(), "상태 어때?|무슨 일이야|what should I do|should I rollback|can you undo 12"),
        *each(a.Help("pause"), "pause?|일시중지?|중지 2시간?"),
        *each(a.Help("rollback"), "rollback?|롤백할까?|help rollback"),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(text: str, expected: a.Command) -> None:
    assert p.parse(text) == expected


def test_korean_words_go_with_services_and_sharing() -> None:
    two = ("ion-api", "ion-api-canary")
    assert p.read("상태 ion-api-canary 공유", two) == a.Typed(a.Status(), "ion-api-canary", share=True)
    assert p.read("ttl 7분 on ion-api", two) == a.Typed(TTL_420, "ion-api")


#: Of each command: what it takes, what it cannot take, what is out of range ("" where nothing can be), a typo.
CASES: dict[str, tuple[str, str, str, str]] = {
    "help": ("help ttl", "help xyzzy", "", "hlep"),
    "status": ("status all", "status forever", "", "statsu"),
    "report": ("report", "report forever", "", "reprot"),
    "why": ("why slo", "why xyzzy", "", "wyh"),
    "cache": ("cache", "cache 12", "", "cahce"),
    "slo": ("slo", "slo 12", "", "sllo"),
    "roi": ("roi", "roi 12", "", "rio"),
    "maturity": ("maturity", "maturity 12", "", "maturty"),
    "cost": ("cost", "cost 12", "", "csot"),
    "budget": ("budget", "budget 12", "", "bugdet"),
    "ttl": ("ttl 7m", "ttl soon", "ttl 99999999", "tll 420"),
    "size": ("size 2GB", "size big", "size 99 TB", "sizee 384"),
    "l1": ("l1 4k", "l1 many", "l1 9999999", "l11"),
    "instances": ("instances 2", "instances few", "instances -1", "instnaces 1"),
    "rollback": ("rollback", "rollback a b", "", "rolback"),
    "pause": ("pause 2h", "pause soon", "pause 2000d", "puase"),
    "resume": ("resume", "resume tomorrow", "", "resmue"),
    "override": ("override ttl 600", "override ttl soon", "override ttl 600 for 2000d", "overide"),
    "lock": ("lock size", "lock ttl", "lock size for 10 s", "lcok size"),
    "unlock": ("unlock", "unlock all", "", "unlcok"),
    "emergency": ("emergency", "emergency 12", "", "emergancy"),
    "unpin": ("unpin", "unpin tomorrow", "", "unpn"),
    "approvals": ("approvals 12", "approvals today or not", "", "aprovals"),
    "history": ("history i7k3f", "", "", "histroy"),
    "silence": ("silence cache 2h", "silence cache two beers", "silence cache 2000d", "slience"),
    "undo": ("undo #12", "undo the last", "", "udno"),
    "graph": ("graph", "graph 12", "", "grpah"),
    "digest": ("digest", "digest 12", "", "digets"),
    "run": ("run", "run tomorrow", "", "rnu"),
    "service": ("service ion-api", "service a b", "", "servcie"),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_good_a_bad_an_out_of_range_and_a_typo_case(name: str) -> None:
    good, bad, beyond, typo = CASES[name]
    entry = find(name)
    assert entry is not None
    assert not isinstance(p.parse(good), a.Malformed | a.Misspelt)
    assert not isinstance(p.parse(entry.korean), a.Misspelt)
    assert not bad or isinstance(p.parse(bad), a.Malformed)
    told = p.parse(beyond) if beyond else None
    in_range = isinstance(told, a.Malformed) and told.reason.code == "override.length"
    assert told is None or isinstance(told, a.Propose) or in_range
    misspelt = p.parse(typo)
    assert isinstance(misspelt, a.Misspelt)
    assert misspelt.nearest == name


@pytest.mark.parametrize("entry", TABLE, ids=NAMES)
def test_every_name_in_both_languages_is_found_with_and_without_spaces(entry: Entry) -> None:
    for spelling in entry.spellings:
        assert find(spelling) is entry
        assert find(spelling.upper()) is entry
    assert find(squeezed(entry.korean)) is entry
    assert nearest(entry.korean) == entry.name


def test_the_table_and_the_parsers_name_the_same_commands() -> None:
    assert tuple(p._PARSERS) == NAMES
    spellings = [squeezed(one) for entry in TABLE for one in entry.spellings]
    assert sorted(spellings) == sorted(set(spellings))
    assert a.Ask in get_args(a.OfOneService)


@settings(max_examples=30)
@given(st.text(min_size=200, max_size=1000), st.sampled_from(["", *NAMES]))
def test_long_input_is_not_echoed(text: str, name: str) -> None:
    told = p.parse(f"{name} {text}")
    params = [] if not isinstance(told, a.Malformed) else [*told.reason.params.values(), *told.remedy.params.values()]
    params += [told.given] if isinstance(told, a.Misspelt) else []
    assert all(len(str(value)) <= 130 for value in params)
