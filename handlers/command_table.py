"""The table of `/lumen`'s commands: names in both languages, what may follow, and how a name is found.

Parsing, help, the manifest's usage hint and docs/commands.md go by it. Pure.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lumen.wording.amounts import plain

#: Below this likeness a suggestion would only puzzle.
LIKENESS = 0.6


def squeezed(text: str) -> str:
    """Without the spaces and hyphens that people put in a name or leave out of it."""
    return re.sub(r"[\s_-]", "", plain(text))


@dataclass(frozen=True, slots=True)
class Entry:
    """One command. `takes`: what may follow, as help writes it; `also`: what else people call it, without spaces."""

    name: str
    korean: str
    takes: str = ""
    also: str = ""

    @property
    def usage(self) -> str:
        """As it is typed."""
        return f"{self.name} {self.takes}".rstrip()

    @property
    def spellings(self) -> Sequence[str]:
        """Everything that means it."""
        return [self.name, squeezed(self.korean), *self.also.split()]


#: In the order in which help explains them.
TABLE = (
    Entry("help", "도움말", "[command]", "도움 명령 명령어 사용법 commands usage manual"),
    Entry("status", "상태", "[all]", "현황 stat state health"),
    Entry("report", "보고서", "", "리포트 보고 reports"),
    Entry("why", "이유", "[score]", "왜 explain 설명 reasons reason"),
    Entry("cache", "캐시", "", "hitrate 적중률"),
    Entry("slo", "목표", "", "slos objectives 서비스목표 에스엘오"),
    Entry("roi", "수익률", "", "투자수익 캐시수익 returns"),
    Entry("maturity", "성숙도"),
    Entry("cost", "비용", "", "costs spend spending rhythm costrhythm 지출 비용리듬"),
    Entry("budget", "예산", "", "budgets errorbudget errorbudgets 오류예산"),
    Entry("ttl", "유효시간", "[seconds] [existing]", "캐시ttl 티티엘 만료시간 캐시유효시간 cachettl"),
    Entry("size", "캐시 크기", "[MB]", "크기 용량 캐시용량 cachesize maxmemory"),
    Entry("l1", "프로세스 캐시", "[entries]", "l1cache l1entries 프로세스내캐시"),
    Entry("instances", "인스턴스", "[number]", "instance mininstances 최소인스턴스"),
    Entry("rollback", "롤백", "[revision]", "revert goback 이전버전 이전리비전"),
    Entry("pause", "일시중지", "[duration] [because …]", "중지 멈춤 멈춰 정지 stop halt 자동화중지"),
    Entry("resume", "재개", "", "다시시작 continue unpause 자동화재개"),
    Entry("override", "TTL 고정", "[ttl <seconds> [for <duration>] | off]", "고정 pin pinttl"),
    Entry("lock", "잠금", "size [for <duration>]", "크기잠금"),
    Entry("unlock", "잠금해제", "", "잠금풀기"),
    Entry("emergency", "긴급", "", "비상 비상조치 긴급조치 sos 911 응급"),
    Entry("unpin", "트래픽 고정 해제", "", "unpintraffic 리비전고정해제"),
    Entry("approvals", "승인", "", "approval approve reject 거절 승인대기 대기 pending proposals proposal 제안"),
    Entry("history", "기록", "[incident]", "이력 내역 audit log incident incidents 인시던트 장애"),
    Entry("silence", "무음", "[alert [duration] | end <alert>]", "음소거 알림끄기 mute silences snooze"),
    Entry("undo", "되돌리기", "<id>", "취소 원복 되돌려 되돌려줘 takeback"),
    Entry("graph", "그래프", "", "feedback feedbackgraph graphs 피드백 피드백그래프 영향"),
    Entry("digest", "요약", "", "다이제스트 일일요약 하루요약 daily today summary"),
    Entry("run", "실행", "", "측정 지금측정 measure tick runnow"),
    Entry("service", "서비스", "[name]", "services"),
)
NAMES = tuple(entry.name for entry in TABLE)
_BY_SPELLING = {spelling: entry for entry in TABLE for spelling in entry.spellings}
#: Korean writes a particle, or what is asked for, onto the name.
_ENDING = re.compile(r"(?:을|를|은|는|이|가|로|의|해|해줘|해주세요|하기|할까|알려줘|보여줘)$")


def find(typed: str) -> Entry | None:
    """The command that `typed` names in either language."""
    given = squeezed(typed)
    return _BY_SPELLING.get(given) or _BY_SPELLING.get(_ENDING.sub("", given))


def nearest(typed: str) -> str:
    """The command that a misspelt name was probably meant for; "" where none is near."""
    names = {squeezed(name): entry.name for entry in TABLE for name in (entry.name, entry.korean)}
    near = nearest_of(squeezed(typed), names)
    return names.get(near, "")


def nearest_of(typed: str, known: Iterable[str], likeness: float = LIKENESS) -> str:
    """The likest of `known`; Korean is compared by its letters, of which a syllable has several."""
    by_letters = {unicodedata.normalize("NFD", one): one for one in known}
    near = difflib.get_close_matches(unicodedata.normalize("NFD", plain(typed)), by_letters, n=1, cutoff=likeness)
    return by_letters[near[0]] if near else ""


def usage_hint() -> str:
    """As the manifest gives it."""
    return f"[{' | '.join(entry.usage for entry in TABLE)}]"
